using ContainerIR.Evidence.Journals;

namespace ContainerIR.Evidence.Proofs;

/// <summary>Grows a tree leaf by leaf and keeps the path of one of them. Holds one hash for each complete subtree, and the path: not the leaves.</summary>
internal sealed class InclusionProofBuilder
{
    private readonly List<(byte[] Hash, bool HoldsLeaf)> subtrees = [];
    private readonly List<byte[]> siblings = [];
    private long index = -1;

    public long Size { get; private set; }

    /// <summary>Appends a leaf.</summary>
    /// <param name="leaf">Its bytes.</param>
    /// <param name="isProven">True for the one leaf whose path is kept.</param>
    public void Append(ReadOnlySpan<byte> leaf, bool isProven)
    {
        if (isProven)
        {
            index = index < 0 ? Size : throw new InvalidOperationException("one leaf is proven, not two");
        }

        (byte[] Hash, bool HoldsLeaf) node = (MerkleTree.LeafHash(leaf), isProven);
        for (long size = Size; (size & 1) == 1; size >>= 1)
        {
            node = Join(subtrees[^1], node, siblings);
            subtrees.RemoveAt(subtrees.Count - 1);
        }

        subtrees.Add(node);
        Size++;
    }

    /// <summary>The path in the tree so far, and its root.</summary>
    public (InclusionProof Proof, byte[] Root) Build()
    {
        if (index < 0)
        {
            throw new InvalidOperationException("no leaf was marked");
        }

        List<byte[]> path = [.. siblings];
        (byte[] Hash, bool HoldsLeaf) root = subtrees[^1];
        for (int i = subtrees.Count - 2; i >= 0; i--)
        {
            root = Join(subtrees[i], root, path);
        }

        return (new InclusionProof(index, path), root.Hash);
    }

    private static (byte[] Hash, bool HoldsLeaf) Join((byte[] Hash, bool HoldsLeaf) left, (byte[] Hash, bool HoldsLeaf) right, List<byte[]> path)
    {
        if (left.HoldsLeaf || right.HoldsLeaf)
        {
            path.Add(left.HoldsLeaf ? right.Hash : left.Hash);
        }

        return (MerkleTree.NodeHash(left.Hash, right.Hash), left.HoldsLeaf || right.HoldsLeaf);
    }
}
