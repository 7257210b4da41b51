using System.Security.Cryptography;

namespace ContainerIR.Evidence.Files;

/// <summary>A finished file of the bundle and the digests of the bytes given to the kernel.</summary>
internal sealed record WrittenFile(string Path, long SizeBytes, string Sha256, string Sha512)
{
    public static WrittenFile Of(string path, ReadOnlySpan<byte> content) => new(
        path,
        content.Length,
        Convert.ToHexStringLower(SHA256.HashData(content)),
        Convert.ToHexStringLower(SHA512.HashData(content)));
}
