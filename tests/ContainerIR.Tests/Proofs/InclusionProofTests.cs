using System.Text;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Proofs;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Proofs;

public sealed class An_inclusion_proof
{
    [Fact]
    public void Leads_from_every_leaf_of_every_small_tree_to_its_root()
    {
        for (int size = 1; size <= 33; size++)
        {
            for (int index = 0; index < size; index++)
            {
                (InclusionProof proof, byte[] root) = Build(size, index);
                Assert.Equal(RootByDefinition([.. Enumerable.Range(0, size).Select(Leaf)]), root);
                Assert.Equal(root, proof.RootOf(MerkleTree.LeafHash(Leaf(index)), size));
                Assert.NotEqual(root, proof.RootOf(MerkleTree.LeafHash("other"u8), size));
            }
        }
    }

    [Property(MaxTest = 300)]
    public bool Of_one_place_is_none_of_another(byte sizeSeed, byte indexSeed, byte otherSeed)
    {
        int size = 2 + (sizeSeed % 60);
        int index = indexSeed % size;
        int other = otherSeed % (size + 2);
        (InclusionProof proof, byte[] root) = Build(size, index);
        byte[]? computed = (proof with { Index = other }).RootOf(MerkleTree.LeafHash(Leaf(index)), size);
        return other == index || computed is null || !computed.AsSpan().SequenceEqual(root);
    }

    [Fact]
    public void With_a_hash_too_few_or_too_many_proves_nothing()
    {
        (InclusionProof proof, byte[] root) = Build(21, 13);
        byte[] leaf = MerkleTree.LeafHash(Leaf(13));
        Assert.NotEqual(root, (proof with { Siblings = [.. proof.Siblings.Skip(1)] }).RootOf(leaf, 21));
        Assert.NotEqual(root, (proof with { Siblings = [.. proof.Siblings, new byte[32]] }).RootOf(leaf, 21));
        Assert.Null(proof.RootOf(leaf, 13));
        Assert.Null(proof.RootOf(leaf, 0));
    }

    [Fact]
    public void Is_written_and_read_as_tlog_proof()
    {
        (InclusionProof proof, _) = Build(21, 13);
        string text = new TlogProof(proof, "origin\n21\nAAAA\n\n\u2014 origin sig\n").Write();

        TlogProof again = TlogProof.Parse(text);

        Assert.StartsWith("c2sp.org/tlog-proof@v1\nindex 13\n", text, StringComparison.Ordinal);
        Assert.Equal(text, again.Write());
        Assert.Equal("origin\n21\nAAAA\n\n\u2014 origin sig\n", again.Checkpoint);
        Assert.Equal(text, TlogProof.Parse(text.Insert(text.IndexOf("index", StringComparison.Ordinal), "extra AAAA\n")).Write());
    }

    [Theory]
    [InlineData("")]
    [InlineData("c2sp.org/tlog-proof@v2\nindex 1\n\nx\n")]
    [InlineData("c2sp.org/tlog-proof@v1\n\nx\n")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 01\n\nx\n")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex -1\n\nx\n")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx\n")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\nx\n")]
    public void Is_refused_when_malformed(string text) => Assert.Throws<FormatException>(() => TlogProof.Parse(text));

    private static byte[] Leaf(int number) => Encoding.ASCII.GetBytes($"line {number}\n");

    private static (InclusionProof Proof, byte[] Root) Build(int size, int index)
    {
        InclusionProofBuilder builder = new();
        for (int i = 0; i < size; i++)
        {
            builder.Append(Leaf(i), i == index);
        }

        return builder.Build();
    }

    /// <summary>MTH of RFC 6962 section 2.1, word for word.</summary>
    private static byte[] RootByDefinition(byte[][] leaves)
    {
        if (leaves.Length == 1)
        {
            return MerkleTree.LeafHash(leaves[0]);
        }

        int k = 1;
        while (k * 2 < leaves.Length)
        {
            k *= 2;
        }

        return MerkleTree.NodeHash(RootByDefinition(leaves[..k]), RootByDefinition(leaves[k..]));
    }
}
