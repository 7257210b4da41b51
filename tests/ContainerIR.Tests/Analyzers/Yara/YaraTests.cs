using System.Formats.Tar;
using System.Text;
using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Yara;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Analyzers.Yara;

/// <summary>YARA rules by the real program over sealed bundles.</summary>
public sealed class A_file_of_yara_rules : IDisposable
{
    private const string Evil = "rule evil { strings: $a = \"EVIL-MARK\" condition: $a }\nrule elf { condition: uint32(0) == 0x464c457f and filesize < 1MB }\n";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Finds_bytes_in_programs_changed_files_deleted_files_and_memory_at_their_offsets()
    {
        // Across the border of two windows.
        byte[] core = new byte[YaraWindows.WindowBytes + 1000];
        "EVIL-MARK"u8.CopyTo(core.AsSpan(YaraWindows.WindowBytes - 4));
        string bundle = await BundleAsync(
            ("processes", "exe/0001.zst", [.. "\u007fELF..EVIL-MARK"u8]),
            ("processes", "fd/0001.zst", [.. "deleted EVIL-MARK"u8]),
            ("processes", "processes.jsonl.zst", [.. "{\"pid\":1,\"x\":\"EVIL-MARK\"}"u8]),
            ("memory", "cores/0001.core.zst", core),
            ("rootfs-diff", "upper.tar.zst", Archive(("etc/hosts", "x"), ("tmp/bad\u001b", "01234EVIL-MARK"))));

        TriageReport report = Triage.Run(bundle, TriageRules.Load([], [Rules(Evil)]), CancellationToken.None);

        Finding[] evil = [.. report.Findings.Where(finding => finding.Rule.Id == "YARA:evil")];
        Assert.Equal(
            [("exe/0001.zst", 6L), ("fd/0001.zst", 8L), ("cores/0001.core.zst", YaraWindows.WindowBytes - 4L), ("upper.tar.zst", null)],
            evil.Select(finding => (finding.Where.Item[(finding.Where.Item.IndexOf('-', StringComparison.Ordinal) + 1)..].Split('/', 2)[1], finding.Where.Offset)));
        Assert.Equal(["evil", @"tmp/bad\x1b", "5", "$a", "EVIL-MARK"], evil[3].Seen.Select(value => value.Text));
        Assert.EndsWith("exe/0001.zst", Assert.Single(report.Findings, finding => finding.Rule.Id == "YARA:elf").Where.Item, StringComparison.Ordinal);
        Assert.DoesNotContain(report.NotExamined, what => what.StartsWith("YARA", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Is_stopped_when_slow_and_the_rest_still_scanned()
    {
        string slow = Rules("rule slow { condition: uint8(0) == 0x45 and for all i in (0..4000000000) : (uint8(i % filesize) != 0x5a) }\nrule quick { strings: $a = \"EVIL-MARK\" condition: $a }\n");
        string bundle = await BundleAsync(("processes", "exe/0001.zst", Encoding.ASCII.GetBytes("Zero EVIL-MARK")), ("processes", "exe/0002.zst", [.. "EVIL-MARK"u8]));

        TriageReport report = Triage.Run(bundle, TriageRules.None.With(YaraRules.Load([slow], batch: TimeSpan.FromSeconds(1))), CancellationToken.None);

        // The second alone begins with E.
        Assert.EndsWith("exe/0001.zst", Assert.Single(report.Findings, finding => finding.Rule.Id == "YARA:quick").Where.Item, StringComparison.Ordinal);
        Assert.Contains(report.NotExamined, what => what.Contains("took too long", StringComparison.Ordinal) && what.Contains("exe/0002.zst", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Is_named_when_there_is_no_program_for_it()
    {
        string bundle = await BundleAsync(("processes", "exe/0001.zst", [.. "EVIL-MARK"u8]));

        TriageReport report = Triage.Run(bundle, TriageRules.None.With(YaraRules.Load([Rules(Evil)], "no-such-yara")), CancellationToken.None);

        Assert.Contains(report.NotExamined, what => what.StartsWith("YARA rules: the program yara is not installed", StringComparison.Ordinal));
    }

    [Fact]
    public void Must_be_there_and_compile()
    {
        Assert.Contains("do not compile", Assert.Throws<OperatorException>(() => TriageRules.Load([], [Rules("rule broken {")])).Message, StringComparison.Ordinal);
        Assert.Contains("is no file", Assert.Throws<OperatorException>(() => TriageRules.Load([], ["/no/such/file.yar"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Has_its_matches_read_from_what_the_program_prints()
    {
        Assert.Equal(
            [new YaraMatch("a", "/t/1", 16, "$x", "te:xt"), new YaraMatch("b", "/t/1", null, null, ""), new YaraMatch("c", "/t/2 3", 0, "$", "z")],
            YaraProgram.Parse("a /t/1\n0x10:5:$x: te:xt\nb /t/1\nc /t/2 3\n0x0:1:$: z\n"));
    }

    private string Rules(string text)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/yara"), "the program yara is not installed");
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():n}.yar");
        File.WriteAllText(path, text);
        return path;
    }

    private async Task<string> BundleAsync(params (string Collector, string Name, byte[] Content)[] items)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        int rank = 1;
        foreach (IGrouping<string, (string Collector, string Name, byte[] Content)> section in items.GroupBy(item => item.Collector))
        {
            IEvidenceSink sink = bundle.OpenSection(section.Key, rank++);
            foreach ((_, string name, byte[] content) in section)
            {
                await sink.AddAsync(name, content, new ItemOptions("made by a test", ItemForm.Frames), CancellationToken.None);
            }
        }

        return (await bundle.SealAsync()).Path;
    }

    private static byte[] Archive(params (string Name, string Content)[] files)
    {
        using MemoryStream bytes = new();
        using (TarWriter tar = new(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach ((string name, string content) in files)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.ASCII.GetBytes(content)) });
            }
        }

        return bytes.ToArray();
    }
}
