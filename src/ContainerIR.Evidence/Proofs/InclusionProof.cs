using ContainerIR.Evidence.Journals;

namespace ContainerIR.Evidence.Proofs;

/// <summary>That a leaf stands at an index of a tree: the sibling hashes from the leaf up (RFC 6962 section 2.1.1).</summary>
/// <param name="Index">Number of the leaf, from 0.</param>
/// <param name="Siblings">SHA-256 hashes, the leaf's own sibling first.</param>
internal sealed record InclusionProof(long Index, IReadOnlyList<byte[]> Siblings)
{
    /// <summary>A path in a tree of 2^63 leaves has no more.</summary>
    public const int MaxSiblings = 63;

    /// <summary>The root a tree of this size must have if the leaf stands in it; null if the path cannot be one of such a tree (RFC 9162 section 2.1.3.2).</summary>
    public byte[]? RootOf(byte[] leafHash, long treeSize)
    {
        if (Index < 0 || Index >= treeSize)
        {
            return null;
        }

        long index = Index;
        long last = treeSize - 1;
        byte[] hash = leafHash;
        foreach (byte[] sibling in Siblings)
        {
            if (last == 0 || sibling.Length != 32)
            {
                return null;
            }

            if ((index & 1) == 1 || index == last)
            {
                hash = MerkleTree.NodeHash(sibling, hash);
                while ((index & 1) == 0 && index != 0)
                {
                    index >>= 1;
                    last >>= 1;
                }
            }
            else
            {
                hash = MerkleTree.NodeHash(hash, sibling);
            }

            index >>= 1;
            last >>= 1;
        }

        return last == 0 ? hash : null;
    }
}
