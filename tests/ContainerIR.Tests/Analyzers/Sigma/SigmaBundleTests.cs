using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Sigma;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Analyzers.Sigma;

/// <summary>A folder of rules held against sealed bundles.</summary>
public sealed class A_folder_of_sigma_rules : IDisposable
{
    private const string Processes =
        """
        {"pid":8,"cmdline":["nginx"],"exe":{"link":"/usr/sbin/nginx"},"uids":[33,33,33,33]}
        {"pid":9,"ppid":8,"cmdline":["bash","-c","cat /etc/shadow"],"exe":{"link":"/usr/bin/bash"},"cwd":"/tmp","uids":[0,0,0,0],"started_at":"2026-11-23T03:14:15Z"}

        """;

    private const string Sockets =
        """
        {"netns":1,"protocol":"tcp","state":"LISTEN","local":"0.0.0.0","local_port":80,"inode":4,"owners":[{"pid":8,"member":true}]}
        {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":80,"remote":"203.0.113.8","remote_port":5000,"inode":5,"owners":[{"pid":8,"member":true}]}
        {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":4000,"remote":"203.0.113.9","remote_port":4444,"inode":6,"owners":[{"pid":9,"member":true}]}

        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("process_creation", "{ ParentImage|endswith: /nginx, Image|endswith: /bash, CommandLine|contains: /etc/shadow, CurrentDirectory: /tmp, User: root }", 1)]
    [InlineData("process_creation", "{ ParentImage|endswith: /apache2 }", 0)]
    [InlineData("process_creation", "{ User: '33' }", 1)]
    [InlineData("network_connection", "{ Initiated: 'true', DestinationIp|cidr: 203.0.113.0/24, DestinationPort: 4444, Image|endswith: bash }", 1)]
    [InlineData("network_connection", "{ Initiated: 'false' }", 1)]
    [InlineData("network_connection", "{ Initiated|exists: true }", 2)]
    [InlineData("file_event", "{ TargetFilename|startswith: /etc/cron.d/ }", 1)]
    [InlineData("file_event", "{ TargetFilename|endswith: gone }", 0)]
    [InlineData("file_delete", "{ TargetFilename|endswith: gone }", 1)]
    public async Task Finds_rows_by_the_public_names(string category, string selection, int count)
    {
        Write("r.yml", $"title: R\nid: some-id\nlogsource: {{ product: linux, category: {category} }}\ndetection:\n  sel: {selection}\n  condition: sel\n");
        TriageReport report = await RunAsync();
        Assert.Equal(count, report.Findings.Count(finding => finding.Rule.Id == "some-id"));
        Assert.Equal((1, 0), (report.RulesRun, report.RuleNotes.Count));
    }

    [Theory]
    [InlineData("process", "{ is_shell: true, comm: null, role: bash, exe_deleted: false, exe_in_upper: 'false', started_at|hour: 3 }", 1)]
    [InlineData("process", "{ argument: cat /etc/shadow }", 1)]
    [InlineData("socket", "{ state: LISTEN, SourcePort|lt: 1024 }", 1)]
    [InlineData("file", "{ verdict: added, kind: file, is_executable: true, mode|endswith: '755', name: x }", 1)]
    [InlineData("mount", "{ source: /etc, writable: true }", 1)]
    [InlineData("container", "{ privileged: true, cap_add: SYS_ADMIN }", 1)]
    public async Task Finds_rows_by_our_own_names(string category, string selection, int count)
    {
        Write("r.yml", $"title: R\nid: some-id\nlogsource: {{ product: container_ir, category: {category} }}\ndetection:\n  sel: {selection}\n  condition: sel\n");
        Assert.Equal(count, (await RunAsync()).Findings.Count(finding => finding.Rule.Id == "some-id"));
    }

    [Fact]
    public async Task Shows_what_matched_and_where_with_exact_bytes()
    {
        Write("r.yml", "title: R\nid: some-id\nlevel: high\nlogsource: { product: linux, category: file_event }\ndetection:\n  sel: { TargetFilename|contains: hostile }\n  condition: sel\n");
        byte[] name = [.. "/tmp/hostile\u001b"u8, 0xff];
        TriageReport report = await RunAsync(Entry(name, "added"));
        Finding finding = Assert.Single(report.Findings, finding => finding.Rule.Id == "some-id");
        SeenValue seen = Assert.Single(finding.Seen, value => value.Name == "TargetFilename");
        Assert.Equal(name, seen.Exact);
        Assert.DoesNotContain('\u001b', seen.Text);
        Assert.Equal(1, finding.Where.Row);
        Assert.Equal(Severity.High, finding.Severity);
    }

    [Fact]
    public async Task Lowers_where_the_rule_says_so()
    {
        Write("r.yml", """
            title: R
            id: some-id
            level: high
            logsource: { product: container_ir, category: process }
            detection:
              sel: { role: bash }
              as_root: { uid: 0 }
              condition: sel
            containerir:
              lowered: [ { when: as_root, level: low, because: it is root's } ]
            """);
        Finding finding = Assert.Single((await RunAsync()).Findings, finding => finding.Rule.Id == "some-id");
        Assert.Equal((Severity.Low, "it is root's"), (finding.Severity, finding.LoweredBy));
    }

    [Fact]
    public async Task Names_every_rule_it_does_not_run()
    {
        Write("a.yml", "title: Windows\nlogsource: { product: windows, category: registry_set }\ndetection: { a: [b], condition: a }\n");
        Write("sub/b.yaml", "title: Broken\nlogsource: { product: linux, category: process_creation }\ndetection: { a: { Image|nothing: b }, condition: a }\n---\ntitle: Good\nlogsource: { product: linux, category: process_creation }\ndetection: { a: [zzz], condition: a }\n");
        TriageReport report = await RunAsync();
        Assert.Equal(1, report.RulesRun);
        Assert.Equal([("a.yml", "Windows"), ("sub/b.yaml", "Broken")], report.RuleNotes.Select(note => (note.File, note.Title)));

        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            report.Write(json);
        }

        using JsonDocument document = JsonDocument.Parse(bytes.ToArray());
        Assert.Equal(2, document.RootElement.GetProperty("rules").GetProperty("notes").GetArrayLength());
    }

    [Fact]
    public async Task Gives_up_an_expression_that_takes_too_long_and_says_so()
    {
        Write("r.yml", "title: R\nid: slow\nlogsource: { product: linux, category: process_creation }\ndetection:\n  sel: { CommandLine|re: '^(?=.)(a+)+$' }\n  condition: sel\n");
        TriageReport report = await RunAsync(processes: """{"pid":9,"cmdline":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"],"exe":{"link":"/bin/x"}}""" + "\n");
        Assert.Contains(report.NotExamined, what => what.StartsWith("rule slow:", StringComparison.Ordinal));
    }

    [Fact]
    public void Must_have_rules()
    {
        Assert.Contains("no rule files", Assert.Throws<ContainerIR.Evidence.OperatorException>(() => TriageRules.Load([folder.Path])).Message, StringComparison.Ordinal);
        Assert.Throws<ContainerIR.Evidence.OperatorException>(() => TriageRules.Load([Path.Combine(folder.Path, "none")]));
    }

    [Fact]
    public async Task Takes_placeholders_from_its_file()
    {
        Write("placeholders.yml", "owners: [ root ]\n");
        Write("r.yml", "title: R\nid: some-id\nlogsource: { product: linux, category: process_creation }\ndetection:\n  sel: { User|expand: '%owners%' }\n  condition: sel\n");
        Assert.Single((await RunAsync()).Findings, finding => finding.Rule.Id == "some-id");
    }

    [Fact]
    public void Is_described_by_its_schema()
    {
        using JsonDocument schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "schemas", "sigma-row.schema.json")));
        JsonElement views = schema.RootElement.GetProperty("$defs");
        Assert.Equal(SigmaFields.Of.Keys.Order(), views.EnumerateObject().Select(view => view.Name).Order());
        foreach ((string view, IReadOnlyList<string> fields) in SigmaFields.Of)
        {
            JsonElement definition = views.GetProperty(view);
            definition = definition.TryGetProperty("$ref", out JsonElement reference) ? views.GetProperty(reference.GetString()!["#/$defs/".Length..]) : definition;
            Assert.Equal(fields.Order(StringComparer.Ordinal), definition.GetProperty("properties").EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Has_rules_of_our_own_that_all_compile_under_their_catalogue_id()
    {
        Assert.All(SigmaRuleSet.Own.Outcomes, outcome => Assert.True(outcome.Reason is null && outcome.Rule!.Notes.Count == 0, $"{outcome.File}: {outcome.Reason}"));
        Assert.All(SigmaRuleSet.Own.Outcomes, outcome => Assert.Equal(Path.GetFileNameWithoutExtension(outcome.File), outcome.Rule!.Meaning.Id));
        Assert.All(SigmaRuleSet.Own.Outcomes, outcome => Assert.Equal(outcome.Title, outcome.Rule!.Meaning.Title));
    }

    private void Write(string name, string text)
    {
        string path = Path.Combine(folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private Task<TriageReport> RunAsync(string? entries = null, string? processes = null) => SomeTriage.OfRowsAsync(
        processes ?? Processes,
        Sockets,
        entries ?? Entry([.. "/etc/cron.d/x"u8], "added") + Entry([.. "/bin/gone"u8], "deleted"),
        """{"Name":"/web","HostConfig":{"Privileged":true,"CapAdd":["CAP_SYS_ADMIN"]},"Mounts":[{"Type":"bind","Source":"/etc","Destination":"/host","RW":true}]}""",
        rules: TriageRules.Load([folder.Path]));

    private static string Entry(byte[] path, string verdict) =>
        $$"""{"path_b64":"{{Convert.ToBase64String(path)}}","kind":"file","verdict":"{{verdict}}","mode":"755","size":9,"ino":5}""" + "\n";
}
