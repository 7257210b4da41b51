using ContainerIR.Acquisitions;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.House;

/// <summary>schemas/, held against real output by a validator that is not ours (python3-jsonschema).</summary>
public sealed class A_schema : IDisposable
{
    private static readonly string Vectors = Path.Combine(Repository.Root, "tests", "vectors");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("journal-line", "journal.jsonl")]
    [InlineData("custody", "custody.json")]
    [InlineData("manifest-entry", "manifest-sha256.txt")]
    [InlineData("manifest-entry", "manifest-sha512.txt")]
    [InlineData("chunk", "*.chunks.jsonl")]
    public void Holds_for_every_good_bundle(string schema, string name) => Check(
        schema,
        [.. Directory.EnumerateDirectories(Vectors, "good*").SelectMany(vector => Directory.EnumerateFiles(vector, name, SearchOption.AllDirectories)).Where(file => new FileInfo(file).Length > 0)]);

    [Fact]
    public void Holds_for_what_every_vector_expects() => Check("vector", [.. Directory.EnumerateFiles(Vectors, "expected.json", SearchOption.AllDirectories)]);

    [Fact]
    public async Task Holds_for_the_report_on_every_vector()
    {
        List<string> reports = [];
        foreach (string vector in Directory.EnumerateDirectories(Vectors))
        {
            VerificationReport report = await BundleVerifier.VerifyAsync(Path.Combine(vector, "bundle"), new VerifyOptions(), CancellationToken.None);
            reports.Add(At(Path.GetFileName(vector) + ".json"));
            await File.WriteAllTextAsync(reports[^1], report.ToJson());
        }

        Check("verification-report", [.. reports]);
    }

    [Fact]
    public async Task Holds_for_the_entries_of_a_diff()
    {
        using HostileTree upper = new();
        using HostileTree lower = new();
        lower.Dir("etc"u8).File("etc/passwd"u8, "root").File("etc/gone"u8, "x");
        upper.Dir("etc"u8).File("etc/passwd"u8, "root, changed").File("bad\xff"u8, "x").Symlink("link"u8, "/etc/shadow"u8).Node("pipe"u8, ContainerIR.Linux.Libc.S_IFIFO | 0x1A4)
            .Node("null"u8, ContainerIR.Linux.Libc.S_IFCHR | 0x1B6, 1, 3).Whiteout("etc/gone"u8).Xattr("etc/passwd"u8, "user.note"u8, "hello"u8).Link("hard"u8, "etc/passwd"u8);

        using DiffCapture capture = await DiffCapture.Of(upper, lower);

        File.Copy(capture.Sink.PathOf(RootFsDiffCollector.EntriesItem), At("entries.jsonl"));
        Check("diff-entry", [At("entries.jsonl")]);
    }

    [Fact]
    public async Task Holds_for_an_acquisition_and_a_recovery()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        using SomeTerminal terminal = new();
        terminal.Variables["CIR_PASSPHRASE"] = SomeBundle.Passphrase;
        terminal.Acquire = (_, _, _, _) => Task.FromResult(
            new AcquisitionResult { BundlePath = bundle.Path, RootSha256 = bundle.RootSha256, CaseId = "IR-7", Duration = TimeSpan.FromSeconds(1.5), Items = bundle.Items, Gaps = bundle.Gaps });
        await terminal.RunAsync("acquire", "web", "--case", "IR-7", "--json");
        await File.WriteAllTextAsync(At("acquisition.json"), terminal.Out);
        Check("acquisition", [At("acquisition.json")]);

        terminal.Forget();
        File.Delete(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"));
        File.AppendAllText(Path.Combine(bundle.Path, "data/0001-host/uname.txt"), "x");
        Assert.Equal(4, await terminal.RunAsync("bundle", "recover", bundle.Path, "--json"));
        await File.WriteAllTextAsync(At("recovered.json"), terminal.Out);
        Check("recovered", [At("recovered.json")]);
    }

    [Fact]
    public void Refuses_what_is_not_of_its_kind()
    {
        File.WriteAllText(At("x.json"), "{}");
        foreach (string schema in Directory.EnumerateFiles(Path.Combine(Repository.Root, "schemas"), "*.schema.json"))
        {
            Assert.Throws<InvalidOperationException>(() => Check(Path.GetFileName(schema).Split('.')[0], [At("x.json")]));
        }
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    private static void Check(string schema, string[] files) => RealEngine.Run(
        "/usr/bin/python3", [Path.Combine(Repository.Root, "tests", "programs", "schema.py"), Path.Combine(Repository.Root, "schemas", schema + ".schema.json"), .. files]);
}
