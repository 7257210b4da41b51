namespace ContainerIR.Evidence.Seals;

/// <summary>The certificates an examiner trusts: a PEM file with authorities, or with the very certificates of signers.</summary>
public static class TrustAnchors
{
    /// <summary>Reads the file.</summary>
    /// <returns>DER certificates, at least one.</returns>
    /// <exception cref="OperatorException">It cannot be read, or holds no certificate.</exception>
    public static IReadOnlyList<byte[]> Read(string path)
    {
        try
        {
            IReadOnlyList<byte[]> anchors = CertificateFile.Read(File.ReadAllText(path));
            return anchors.Count > 0
                ? anchors
                : throw new OperatorException($"{path} holds no certificate.", "Give a PEM file with the certificates you trust.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new OperatorException($"The authority file cannot be read: {failure.Message}", "Give a PEM file with the certificates you trust.", failure);
        }
    }
}
