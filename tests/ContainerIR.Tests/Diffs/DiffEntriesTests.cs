using System.Text;
using ContainerIR.Diffs;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Diffs;

/// <summary>entries.jsonl, read from anyone's hand.</summary>
public sealed class Entries_of_a_diff
{
    private const string Good = """{"path_b64":"L2E=","verdict":"added","kind":"file","ino":1,"mode":"0644"}""";

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"path_b64\":\"***\"}")]
    [InlineData("{\"path_b64\":1}")]
    [InlineData("{\"path_b64\":\"L2E=\",\"mode\":\"9\",\"ino\":1}")]
    [InlineData("{\"path_b64\":\"L2E=\",\"ino\":1,\"size\":1e400}")]
    [InlineData("{\"path_b64\":\"L2E=\"")]
    [InlineData("{\"path_b64\":\"L2E=\",\"xattrs_b64\":[1]}")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]")]
    [InlineData("{\"path_b64\":\"L2E=\",\"ino\":1,\"layer\":1,\"original\":{\"layer\":99999999999999}}")]
    public void Leave_out_a_line_that_is_none_and_go_on(string line)
    {
        List<long> malformed = [];

        List<DiffEntry> entries = [.. DiffEntries.Read(new MemoryStream(Encoding.UTF8.GetBytes($"{Good}\n{line}\n\n{Good}")), (number, _) => malformed.Add(number))];

        Assert.Equal(["/a", "/a"], entries.Select(entry => Encoding.UTF8.GetString(entry.Path)));
        Assert.Equal([2], malformed);
    }

    [Fact]
    public void Leave_out_a_line_beyond_the_limit()
    {
        List<string> malformed = [];
        byte[] content = [.. Encoding.UTF8.GetBytes(Good), (byte)'\n', .. new byte[DiffEntries.MaxLineBytes + 100_000].Select(_ => (byte)' '), (byte)'\n', .. Encoding.UTF8.GetBytes(Good)];

        Assert.Equal(2, DiffEntries.Read(new MemoryStream(content), (number, why) => malformed.Add($"{number} {why}")).Count());
        Assert.StartsWith("2 longer than", Assert.Single(malformed), StringComparison.Ordinal);
    }

    [Property]
    public bool Never_fail_on_any_bytes(byte[] bytes) => DiffEntries.Read(new MemoryStream(bytes)).Count() >= 0;

    [Fact]
    public void Keep_words_they_do_not_know_as_unknown() =>
        Assert.Equal(DiffVerdict.Unknown, DiffEntries.Read(new MemoryStream("""{"path_b64":"L2E=","verdict":"haunted"}"""u8.ToArray())).Single().Verdict);
}
