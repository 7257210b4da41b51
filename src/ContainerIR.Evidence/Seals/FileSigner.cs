using System.Security.Cryptography;

namespace ContainerIR.Evidence.Seals;

/// <summary>A signer whose key is in memory, read from a file.</summary>
internal sealed class FileSigner(ECDsa key, IReadOnlyList<byte[]> certificates) : ISealSigner
{
    public IReadOnlyList<byte[]> Certificates => certificates;

    public byte[] Sign(ReadOnlySpan<byte> content) => key.SignData(content, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
}
