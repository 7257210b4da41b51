using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors.Journals;
using ContainerIR.Collectors.Logs;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors.Journals;

/// <summary>Journal files made by systemd-journal-remote 252 (274 entries of two containers, the engine, sshd and sudo), one compact and one regular, fields compressed by zstd.</summary>
public sealed class A_journal_file
{
    public const string ContainerId = "c0ffee0000000000000000000000000000000000000000000000000000000001";
    private static readonly byte[] Wanted = Encoding.ASCII.GetBytes("CONTAINER_ID_FULL=" + ContainerId);
    private static readonly Dictionary<string, byte[]> Files = new() { ["compact"] = Load("compact"), ["regular"] = Load("regular") };

    [Theory]
    [InlineData("compact")]
    [InlineData("regular")]
    public void Gives_every_entry_of_one_container_and_no_other(string form)
    {
        List<JournalEntry> entries = Read(Files[form], Wanted, out IReadOnlyList<string> problems);
        Assert.Equal(204, entries.Count);
        Assert.Empty(problems);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"line {i}"), entries.Take(200).Select(entry => entry.Text("MESSAGE")));
        Assert.All(entries, entry => Assert.Equal(ContainerId, entry.Text("CONTAINER_ID_FULL")));
        Assert.Equal(1_763_800_000_000_000UL, entries[0].RealtimeUs);
        Assert.Equal("0123456789abcdef0123456789abcdef", entries[0].BootId);
        Assert.Equal(new string('A', 16384), entries[200].Text("MESSAGE"));
        Assert.Equal("bytes \u00ff\u001b[2J\nkept", entries[202].Text("MESSAGE"));
    }

    [Property(MaxTest = 60)]
    public void Never_fails_whatever_bytes_are_changed(int seed)
    {
        byte[] broken = (byte[])Files[seed % 2 == 0 ? "compact" : "regular"].Clone();
        Random random = new(seed);
        for (int i = 0; i < 200; i++)
        {
            broken[random.Next(200_000)] = (byte)random.Next(256);
        }

        Assert.InRange(Read(broken, Wanted, out _).Count, 0, 400);
    }

    [Property(MaxTest = 100)]
    public void Never_fails_on_a_cut(int seed) => Read(Files["regular"][..new Random(seed).Next(200_000)], Wanted, out _);

    [Fact]
    public void Is_named_as_unreadable_when_it_is_something_else()
    {
        Assert.Null(JournalFile.Open((_, _) => 0, 0, out string whyNot));
        Assert.Contains("does not begin", whyNot, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("F0", "")] // literals promised, none there
    [InlineData("1061", "61")]
    [InlineData("1A610100", "")] // the match reaches beyond the size
    public void Expands_no_more_of_lz4_than_is_promised(string block, string expected) =>
        Assert.Equal(expected, Convert.ToHexString(JournalCompression.ExpandLz4(Convert.FromHexString(block), 1) ?? []));

    [Property(MaxTest = 300)]
    public void Takes_any_bytes_as_compressed(byte[] bytes, byte flags) => JournalCompression.Expand(bytes, flags, 1 << 20);

    [Fact]
    public void Expands_lz4_whose_match_overlaps_itself() =>
        Assert.Equal("abababab"u8.ToArray(), JournalCompression.ExpandLz4([0x22, (byte)'a', (byte)'b', 2, 0], 8));

    private static List<JournalEntry> Read(byte[] file, byte[] wanted, out IReadOnlyList<string> problems)
    {
        JournalFile? journal = JournalFile.Open(
            (buffer, at) =>
            {
                int count = (int)Math.Clamp(file.Length - at, 0, buffer.Length);
                file.AsSpan((int)Math.Min(at, file.Length), count).CopyTo(buffer);
                return count;
            },
            file.Length,
            out string whyNot);
        List<JournalEntry> entries = journal is null ? [] : [.. journal.EntriesWith([wanted], CancellationToken.None)];
        problems = journal?.Problems ?? [whyNot];
        return entries;
    }

    internal static byte[] Load(string form)
    {
        using FileStream file = File.OpenRead(Path.Combine(Repository.Root, "tests", "ContainerIR.Tests", "Collectors", "Journals", form + ".journal.gz"));
        using GZipStream content = new(file, CompressionMode.Decompress);
        using MemoryStream whole = new();
        content.CopyTo(whole);
        return whole.ToArray();
    }
}

/// <summary>Logs of the journald driver.</summary>
public sealed class Logs_of_journald
{
    [Fact]
    public async Task Hold_the_containers_entries_alone_joined_and_with_their_sender()
    {
        using JournalFolder folder = new("regular");
        using HostJournal journal = HostJournal.Open([folder.Home]);
        using FolderSink sink = new();
        Assert.True(await JournaldLog.CollectAsync(SomeContainer.With(A_journal_file.ContainerId), journal, sink, CancellationToken.None));
        string export = Encoding.Latin1.GetString(sink.Read("container.journal-export.zst"));
        Assert.DoesNotContain("neighbour", export, StringComparison.Ordinal);
        using FileStream index = File.OpenRead(sink.PathOf("index.jsonl.zst"));
        List<LogRow> rows = [.. LogRow.Read(index)];
        Assert.Equal(203, rows.Count);
        LogRow joined = rows.Single(row => row.Pieces == 2);
        Assert.Equal(("stderr", 16484L), (joined.Stream, joined.TextBytes));
        LogRow forged = rows.Single(row => row.Flags.Contains(LogFlags.ForeignSender));
        Assert.Equal("forged by a user", forged.Text);
        Assert.Equal("__REALTIME_TIMESTAMP=", export.Substring((int)forged.Offset, 21));
        Assert.Empty(sink.Gaps);
    }

    [Fact]
    public async Task Read_back_by_systemd_are_the_same()
    {
        const string remote = "/usr/lib/systemd/systemd-journal-remote";
        Assert.SkipUnless(File.Exists(remote), "systemd-journal-remote is not installed");
        using JournalFolder folder = new("compact");
        using HostJournal journal = HostJournal.Open([folder.Home]);
        using FolderSink sink = new();
        await JournaldLog.CollectAsync(SomeContainer.With(A_journal_file.ContainerId), journal, sink, CancellationToken.None);
        string again = Path.Combine(folder.Home, "again.journal");
        RealEngine.Run(remote, "-o", again, sink.PathOf("container.journal-export.zst"));
        string original = Path.Combine(folder.Home, "m", "system.journal");
        string[] query = ["-o", "json", "--output-fields=MESSAGE,PRIORITY,CONTAINER_ID_FULL,_COMM", $"CONTAINER_ID_FULL={A_journal_file.ContainerId}"];
        Assert.Equal(Sorted(RealEngine.Run("journalctl", ["--file", original, .. query])), Sorted(RealEngine.Run("journalctl", ["--file", again, .. query])));
    }

    // journalctl gives the members of an object in no fixed order, and a cursor is of its file.
    private static List<string> Sorted(string lines) =>
        [
            .. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => string.Join(
                ',', JsonDocument.Parse(line).RootElement.EnumerateObject().Where(member => !member.Name.StartsWith("__CURSOR", StringComparison.Ordinal)).Select(member => member.ToString()).Order())),
        ];

    private sealed class JournalFolder : IDisposable
    {
        public JournalFolder(string form)
        {
            Directory.CreateDirectory(Path.Combine(Home, "m"));
            File.WriteAllBytes(Path.Combine(Home, "m", "system.journal"), A_journal_file.Load(form));
        }

        public string Home { get; } = Directory.CreateTempSubdirectory("cir-journal-").FullName;

        public void Dispose() => Directory.Delete(Home, recursive: true);
    }
}
