using System.Text;
using ContainerIR.Analyzers;
using ContainerIR.Evidence;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Analyzers;

/// <summary>Allow-lists.</summary>
public sealed class An_allow_list
{
    private const string Image = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private const string Inspect = $$$"""{"Image":"{{{Image}}}","HostConfig":{"Privileged":true},"Config":{"Labels":{"team":"storage"} } }""";

    [Theory]
    [InlineData("""{"id":"A1","reason":"node agent","rules":["CIR-020"]}""", true)]
    [InlineData($$"""{"id":"A1","reason":"node agent","rules":["CIR-020"],"image":"{{Image}}"}""", true)]
    [InlineData("""{"id":"A1","reason":"node agent","rules":["CIR-020"],"label":"team=storage"}""", true)]
    [InlineData("""{"id":"A1","reason":"node agent","rules":["CIR-020"],"label":"team"}""", true)]
    [InlineData("""{"id":"A1","reason":"node agent","rules":["CIR-020"],"label":"team=web"}""", false)]
    [InlineData("""{"id":"A1","reason":"node agent","rules":["CIR-021"]}""", false)]
    [InlineData("""{"id":"A1","reason":"node agent","rules":["CIR-020"],"image":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}""", false)]
    public async Task Suppresses_what_it_names_and_keeps_it_in_the_record(string entry, bool isSuppressed)
    {
        TriageReport report = await SomeTriage.OfRowsAsync(inspect: Inspect, expected: Allowing(entry));

        Finding finding = Assert.Single(report.Findings);
        Assert.Equal(isSuppressed ? "A1: node agent" : null, finding.SuppressedBy);
        Assert.Equal(isSuppressed ? 0 : 20, report.Score);
        Assert.Equal(isSuppressed ? null : Severity.High, report.Worst);
    }

    [Fact]
    public async Task Suppresses_by_the_hash_of_what_was_seen()
    {
        string digest = new('c', 64);
        Expectations expected = Allowing($$"""{"id":"A2","reason":"our updater","sha256":"{{digest}}"}""");
        string rows = $$$"""
            {"pid":8,"exe":{"link":"/opt/x (deleted)","deleted":true,"sha256":"{{{digest}}}"}}
            {"pid":9,"exe":{"link":"/opt/y (deleted)","deleted":true,"sha256":"{{{new string('d', 64)}}}"}}
            """;
        TriageReport report = await SomeTriage.OfRowsAsync(rows, expected: expected);

        Assert.Equal(["9", "8"], report.Findings.Select(finding => finding.Seen[0].Text));
        Assert.Equal([false, true], report.Findings.Select(finding => finding.SuppressedBy is not null));
    }

    [Theory]
    [InlineData("""{"reason":"x","rules":["CIR-020"]}""", "id of its own")]
    [InlineData("""{"id":"A1","rules":["CIR-020"]}""", "needs a reason")]
    [InlineData("""{"id":"A1","reason":"x","label":"team"}""", "would allow everything")]
    [InlineData("""{"id":"A1","reason":"x","rules":["CIR-020"],"lable":"team"}""", "lable is no field")]
    [InlineData("""{"id":"A1","reason":"x","rules":["CIR-020"],"image":"app:1"}""", "image is no digest")]
    [InlineData("""{"id":"A1","reason":"x","rules":["CIR-020"],"label":7}""", "label is no text")]
    [InlineData("""{"id":"A1","reason":"x","rules":"CIR-020","sha256":"00"}""", "rules is no list")]
    public void Is_refused_where_an_entry_says_too_little_or_is_misspelled(string entry, string fault) =>
        Assert.Contains(fault, Assert.Throws<OperatorException>(() => Allowing(entry)).Message, StringComparison.Ordinal);

    private static Expectations Allowing(string entry) =>
        new() { Allowed = AllowList.Parse(Encoding.UTF8.GetBytes($$"""{"schema":"containerir-allow/1","allow":[{{entry}}]}"""), "allow.json") };
}

/// <summary>Baselines.</summary>
public sealed class A_baseline
{
    private const string Inspect = """{"Image":"sha256:aa"}""";
    private const string Process = """{"pid":9,"cmdline":["app"],"exe":{"link":"/usr/bin/app","sha256":"01"}}""";
    private const string Sockets = """
        {"protocol":"tcp","state":"LISTEN","local_port":80,"inode":5,"owners":[{"pid":9,"member":true}]}
        {"protocol":"tcp","state":"ESTABLISHED","local_port":40000,"remote":"10.0.0.9","remote_port":5432,"inode":6,"owners":[{"pid":9,"member":true}]}
        """;

    [Fact]
    public async Task Has_nothing_to_say_of_the_same_state()
    {
        using TemporaryFolder folder = new();
        string bundle = await SomeTriage.BundleAsync(folder, Process, Sockets, inspect: Inspect);
        Assert.DoesNotContain(Judge(bundle, bundle).Findings, finding => finding.Rule.Id.StartsWith("BASE-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Names_new_programs_listeners_peers_and_files_and_not_the_clients_of_a_listener()
    {
        using TemporaryFolder before = new(), after = new();
        string good = await SomeTriage.BundleAsync(before, Process, Sockets, inspect: Inspect);
        string now = await SomeTriage.BundleAsync(
            after,
            Process + "\n" + """{"pid":10,"cmdline":["app"],"exe":{"link":"/usr/bin/app","sha256":"02"}}""",
            Sockets + "\n" + """
            {"protocol":"tcp","state":"LISTEN","local_port":8080,"inode":7,"owners":[{"pid":9,"member":true}]}
            {"protocol":"tcp","state":"ESTABLISHED","local_port":80,"remote":"10.0.0.77","remote_port":50000,"inode":8,"owners":[{"pid":9,"member":true}]}
            {"protocol":"tcp","state":"ESTABLISHED","local_port":40001,"remote":"10.0.0.66","remote_port":443,"inode":9,"owners":[{"pid":9,"member":true}]}
            """,
            """{"path_b64":"L29wdC94","kind":"file","verdict":"added","mode":"644","size":1,"ino":5}""", Inspect);

        TriageReport report = Judge(now, good);
        Assert.Equal(["BASE-001", "BASE-002", "BASE-003", "BASE-004"], report.Findings.Where(finding => finding.Rule.Id.StartsWith("BASE-", StringComparison.Ordinal)).Select(finding => finding.Rule.Id).Order());
        Assert.Contains(report.Findings, finding => finding.Rule.Id == "BASE-003" && finding.Seen[0].Text.Contains("10.0.0.66:443", StringComparison.Ordinal));
        Assert.All(report.Findings.Where(finding => finding.Rule.Id.StartsWith("BASE-", StringComparison.Ordinal)), finding => Assert.Equal("baseline", finding.Seen[^1].Name));
    }

    [Fact]
    public async Task Of_another_image_is_refused()
    {
        using TemporaryFolder before = new(), after = new();
        string good = await SomeTriage.BundleAsync(before, inspect: Inspect), other = await SomeTriage.BundleAsync(after, inspect: """{"Image":"sha256:bb"}""");
        Assert.Throws<OperatorException>(() => Judge(other, good));
    }

    private static TriageReport Judge(string bundle, string good) =>
        Triage.Run(bundle, TriageRules.None, new Expectations { Baseline = Baseline.Read(good, CancellationToken.None) }, CancellationToken.None);
}
