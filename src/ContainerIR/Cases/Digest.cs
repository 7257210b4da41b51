using System.Buffers;

namespace ContainerIR.Cases;

/// <summary>SHA-256 as the index holds it: 32 bytes, half the size of its text.</summary>
internal static class Digest
{
    private const int Sha256Bytes = 32;

    /// <summary>From hexadecimal text; null where it is none.</summary>
    public static byte[]? Parse(string? sha256)
    {
        byte[] digest = new byte[Sha256Bytes];
        return sha256 is { Length: 2 * Sha256Bytes } && Convert.FromHexString(sha256, digest, out _, out _) == OperationStatus.Done ? digest : null;
    }
}
