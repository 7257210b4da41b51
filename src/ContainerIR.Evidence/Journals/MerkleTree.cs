using System.Security.Cryptography;

namespace ContainerIR.Evidence.Journals;

/// <summary>The tree hash of RFC 6962 section 2.1, grown leaf by leaf. Holds one hash for each complete subtree: at most 63.</summary>
internal sealed class MerkleTree
{
    private readonly List<byte[]> subtrees = [];

    public long Size { get; private set; }

    public void Append(ReadOnlySpan<byte> leaf)
    {
        byte[] hash = LeafHash(leaf);
        for (long size = Size; (size & 1) == 1; size >>= 1)
        {
            hash = NodeHash(subtrees[^1], hash);
            subtrees.RemoveAt(subtrees.Count - 1);
        }

        subtrees.Add(hash);
        Size++;
    }

    public byte[] Root()
    {
        if (subtrees.Count == 0)
        {
            return SHA256.HashData([]);
        }

        byte[] root = subtrees[^1];
        for (int i = subtrees.Count - 2; i >= 0; i--)
        {
            root = NodeHash(subtrees[i], root);
        }

        return root;
    }

    public static byte[] LeafHash(ReadOnlySpan<byte> leaf)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0]);
        hash.AppendData(leaf);
        return hash.GetHashAndReset();
    }

    public static byte[] NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> node = stackalloc byte[1 + 32 + 32];
        node[0] = 1;
        left.CopyTo(node[1..]);
        right.CopyTo(node[33..]);
        return SHA256.HashData(node);
    }
}
