namespace ContainerIR.Collectors.Images;

/// <summary>What the examiner gave to find and verify an image's signatures with.</summary>
/// <param name="Keys">Keys and certificates.</param>
/// <param name="Folders">OCI layouts with signatures that were fetched from the registry.</param>
internal sealed record SignatureSearch(IReadOnlyList<SignatureKey> Keys, IReadOnlyList<string> Folders)
{
    /// <summary>Nothing was given.</summary>
    public static SignatureSearch None { get; } = new([], []);
}
