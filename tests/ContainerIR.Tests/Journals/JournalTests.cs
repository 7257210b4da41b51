using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Journals;
using ContainerIR.Tests.Bundles;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Journals;

public sealed class A_journal : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Chains_each_line_to_the_one_before()
    {
        string[] lines = await Lines(bundle => bundle.Record("clock.sample", json => json.WriteNumber("offset_ns", 3)));

        Assert.StartsWith("{\"seq\":0,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"time\":\"", lines[0], StringComparison.Ordinal);
        for (int i = 1; i < lines.Length; i++)
        {
            Assert.Contains($"\"prev\":\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines[i - 1] + "\n")))}\"", lines[i], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Is_ascii_whatever_is_recorded()
    {
        string[] lines = await Lines(bundle => bundle.Record("authority", json => json.WriteString("text", "é\u202e\u001b[2J\n漢\ud800")));

        Assert.All(lines, line => Assert.All(line, c => Assert.InRange(c, ' ', '~')));
    }

    [Fact]
    public async Task Stays_readable_when_more_is_recorded_than_a_line_can_hold()
    {
        string[] lines = await Lines(bundle => bundle.Record("authority", json => json.WriteString("text", new string('x', 5_000_000))));

        Assert.Contains("\"omitted_line_bytes\":5000", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_lines_from_many_threads_and_stays_one_chain()
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        Parallel.For(0, 64, i => bundle.Record("clock.sample", json => json.WriteNumber("i", i)));
        await bundle.DisposeAsync();

        await using FileStream file = File.OpenRead(Path.Combine(bundle.Path, "journal.jsonl"));
        JournalLine[] lines = [.. JournalReader.Read(file)];
        Assert.Equal(65, lines.Length);
        Assert.All(lines, line => Assert.Null(line.Fault));
        Assert.Equal(Enumerable.Range(0, 64), lines.Skip(1).Select(line => line.Entry!.Fields.GetProperty("i").GetInt32()).Order());
    }

    [Fact]
    public void Has_a_tree_hash_as_RFC_6962_defines_it_for_every_size()
    {
        MerkleTree tree = new();
        List<byte[]> leaves = [];
        Assert.Equal(SHA256.HashData([]), tree.Root());
        for (int i = 0; i < 130; i++)
        {
            byte[] leaf = [(byte)i];
            leaves.Add(leaf);
            tree.Append(leaf);
            Assert.Equal(Definition(leaves), tree.Root());
        }

        // RFC 6962 section 2.1, word for word.
        static byte[] Definition(IReadOnlyList<byte[]> leaves)
        {
            if (leaves.Count == 1)
            {
                return SHA256.HashData([0, .. leaves[0]]);
            }

            int k = 1;
            while (k * 2 < leaves.Count)
            {
                k *= 2;
            }

            return SHA256.HashData([1, .. Definition([.. leaves.Take(k)]), .. Definition([.. leaves.Skip(k)])]);
        }
    }

    [Property(MaxTest = 300)]
    public bool Reads_any_bytes_without_an_exception(byte[] bytes)
    {
        using MemoryStream stream = new(bytes);
        return JournalReader.Read(stream).All(line => line.Fault is not null);
    }

    private async Task<string[]> Lines(Action<BundleWriter> act)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        act(bundle);
        await bundle.DisposeAsync();
        return await File.ReadAllLinesAsync(Path.Combine(bundle.Path, "journal.jsonl"));
    }
}
