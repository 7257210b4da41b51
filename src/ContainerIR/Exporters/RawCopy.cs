using System.Security.Cryptography;
using ContainerIR.Cases;
using ContainerIR.Evidence;

namespace ContainerIR.Exporters;

/// <summary>The content of an item as it was read from its source, copied out and held against the digest the sealed record gives.</summary>
internal static class RawCopy
{
    /// <summary>Copies; what is damaged or ends early is noted, never filled up.</summary>
    /// <exception cref="OperatorException">The bytes are not those that were sealed.</exception>
    public static void Write(VerifiedBundle bundle, SealedItem item, Stream copy, CancellationToken ct)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using SealedContent content = bundle.Open(item);
        byte[] buffer = new byte[128 * 1024];
        int count;
        while ((count = content.Read(buffer)) > 0)
        {
            ct.ThrowIfCancellationRequested();
            hash.AppendData(buffer.AsSpan(0, count));
            copy.Write(buffer.AsSpan(0, count));
        }

        if (!string.Equals(Convert.ToHexStringLower(hash.GetHashAndReset()), item.RawSha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new OperatorException($"{item.Path} decompresses to other bytes than the sealed record says.", $"See what is wrong with the bundle: cir verify {bundle.Folder}");
        }
    }
}
