using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Sigma;
using ContainerIR.Tests.Some;
using ContainerIR.Yaml;
using Xunit;

namespace ContainerIR.Tests.Analyzers.Sigma;

/// <summary>Rules of the catalogue that ship as Sigma files.</summary>
public sealed class The_own_sigma_rules
{
    private static readonly string Folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Analyzers", "Rules");

    [Fact]
    public void Are_all_run_whole()
    {
        Assert.Empty(SigmaRuleSet.Own.Outcomes.Where(outcome => outcome.Rule is null).Select(outcome => $"{outcome.File}: {outcome.Reason}"));
        Assert.Empty(SigmaRuleSet.Own.Rules.SelectMany(rule => rule.Notes));
        Assert.Equal(Documents().Select(document => document.File).Distinct().Order(StringComparer.Ordinal), SigmaRuleSet.Own.Outcomes.Select(outcome => outcome.File["rules/".Length..]).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Say_in_the_words_of_sigma_what_the_catalogue_says()
    {
        HashSet<string> ids = [];
        foreach ((string file, YamlNode document) in Documents())
        {
            Rule rule = RuleList.Of(document["containerir"]!.TextOf("rule")!);
            Assert.Equal(Path.GetFileNameWithoutExtension(file), rule.Id);
            Assert.Equal(rule.Title, document.TextOf("title"));
            Assert.Equal(rule.Why, document.TextOf("description"));
            Assert.Equal([rule.FalsePositives], document.TextsOf("falsepositives"));
            Assert.Equal(rule.Severity == Severity.Info ? "informational" : rule.Severity.ToString().ToLowerInvariant(), document.TextOf("level"));
            Assert.Equal(rule.Techniques.Select(id => "attack." + id.ToLowerInvariant()), document.TextsOf("tags"));
            Assert.True(Guid.TryParse(document.TextOf("id"), out _) && ids.Add(document.TextOf("id")!), file);
        }

        Assert.All(SigmaRuleSet.Own.Rules, rule => Assert.Same(RuleList.Of(rule.Meaning.Id), rule.Meaning));
    }

    /// <summary>A list or a place named in a file that no rule uses would be a check that never runs.</summary>
    [Fact]
    public void Use_every_selection_they_name()
    {
        foreach ((string file, YamlNode document) in Documents())
        {
            string uses = string.Join(' ', document["detection"]!.TextsOf("condition").Concat((document["containerir"]!["lowered"]?.Items ?? []).Select(each => each.TextOf("when")))) + " ";
            Assert.All(document["detection"]!.Entries!.Where(entry => entry.Key.Text != "condition"), entry =>
                Assert.True(uses.Split(' ', '(', ')').Contains(entry.Key.Text), $"{file}: {entry.Key.Text}"));
        }
    }

    [Theory]
    [InlineData("CIR-044", "high", """{"pid":9,"cmdline":[""],"exe":{"link":"/tmp/x"}}""")]
    [InlineData("CIR-044", "", """{"pid":9,"cmdline":["-x","a"],"exe":{"link":"/tmp/x"}}""")]
    [InlineData("CIR-044", "high", """{"pid":9,"cmdline":["X"],"exe":{"link":"/tmp/x"}}""")]
    [InlineData("CIR-044", "", """{"pid":9,"exe":{"link":"/tmp/x"}}""")]
    [InlineData("CIR-044", "", """{"pid":9,"cmdline":["sh"],"exe":{"link":"/tmp/busybox"}}""")]
    [InlineData("CIR-006", "critical", """{"pid":9,"comm":"runc:[2:INIT]","cmdline":["runc","init","x"],"exe":{"link":"/memfd:runc_cloned:/proc/self/exe (deleted)","memory":true,"deleted":true}}""")]
    [InlineData("CIR-006", "critical", """{"pid":9,"comm":"runc:[2:INIT]","cmdline":["runc x init"],"exe":{"link":"/memfd:runc_cloned:/proc/self/exe (deleted)","memory":true,"deleted":true}}""")]
    [InlineData("CIR-005", "", """{"pid":9,"cmdline":["x"],"exe":{"link":"/memfd:x (deleted)","memory":true,"deleted":true}}""")]
    [InlineData("CIR-026", "critical", """{"pid":9,"environ":["LD_PRELOAD=/dev/shm/x.so"],"exe":{"link":"/bin/app"}}""")]
    [InlineData("CIR-026", "", """{"pid":9,"environ":["LD_PRELOAD=/usr/lib/libjemalloc.so"],"exe":{"link":"/bin/app"}}""")]
    [InlineData("CIR-026", "", """{"pid":9,"environ":["NOT_LD_PRELOAD=/tmp/x.so"],"exe":{"link":"/bin/app"}}""")]
    [InlineData("CIR-052", "medium", """{"pid":9,"environ":["HISTSIZE=0"],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-052", "", """{"pid":9,"environ":["HISTSIZE=05"],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-037", "high", """{"pid":9,"cmdline":["nmap"],"exe":{"link":"/opt/nmap (deleted)","deleted":true}}""")]
    [InlineData("CIR-037", "", """{"pid":9,"cmdline":["nmapper"],"exe":{"link":"/usr/bin/nmapper"}}""")]
    [InlineData("CIR-039", "", """{"pid":9,"cmdline":["grep","abcdefghijklmnop.onion"],"exe":{"link":"/bin/grep"}}""")]
    public async Task Judge_a_process(string rule, string severity, string row) => Assert.Equal(severity, await SeverityAsync(rule, SomeTriage.OfRowsAsync(row + "\n")));

    [Theory]
    [InlineData("CIR-008", "high", "nginx", 34816)]
    [InlineData("CIR-008", "", "nginx", 0)]
    [InlineData("CIR-008", "", "sshd", 34816)]
    public async Task Judge_a_shell_by_its_parent(string rule, string severity, string parent, int terminal) => Assert.Equal(severity, await SeverityAsync(rule, SomeTriage.OfRowsAsync(
        $$$"""
        {"pid":8,"cmdline":["{{{parent}}}"],"exe":{"link":"/usr/sbin/{{{parent}}}"}}
        {"pid":9,"ppid":8,"cmdline":["sh"],"tty":{{{terminal}}},"exe":{"link":"/bin/sh"}}

        """)));

    [Theory]
    [InlineData("CIR-045", "high", "/srv/.x/y", "added", 9)]
    [InlineData("CIR-045", "low", "/tmp/y", "added", 9)]
    [InlineData("CIR-045", "low", "/root/.cache/y", "added", 9)]
    [InlineData("CIR-045", "", "/srv/.x/y", "touched", 9)]
    [InlineData("CIR-045", "", "/srv/.x/y", "added", 0)]
    [InlineData("CIR-045", "", "/srv/x/y", "added", 9)]
    [InlineData("CIR-031", "critical", "/usr/lib/x/pam_x.so", "added", 9)]
    [InlineData("CIR-031", "", "/srv/pam_x.so", "added", 9)]
    [InlineData("CIR-033", "medium", "/home/a/.bashrc", "modified", 9)]
    [InlineData("CIR-033", "", "/home/a/.BASHRC", "modified", 9)]
    [InlineData("CIR-026", "", "/etc/ld.so.preload", "added", 0)]
    [InlineData("CIR-037", "high", "/opt/masscan", "added", 9)]
    public async Task Judge_a_file(string rule, string severity, string path, string verdict, int size) => Assert.Equal(severity, await SeverityAsync(rule, SomeTriage.OfRowsAsync(entries:
        $$"""{"path_b64":"{{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(path))}}","kind":"file","verdict":"{{verdict}}","mode":"755","size":{{size}},"ino":5,"ctime":"500","mtime":"500"}""" + "\n")));

    [Theory]
    [InlineData("CIR-022", "medium", """{"Mounts":[{"Type":"bind","Source":"/etc","Destination":"/e","RW":false}]}""")]
    [InlineData("CIR-022", "high", """{"Mounts":[{"Type":"bind","Source":"/etc","Destination":"/e","RW":false,"Propagation":"rshared"}]}""")]
    [InlineData("CIR-022", "high", """{"Mounts":[{"Type":"bind","Source":"/srv/app","Destination":"/e","RW":false,"Propagation":"shared"}]}""")]
    [InlineData("CIR-022", "", """{"Mounts":[{"Type":"volume","Source":"/etc","Destination":"/e","RW":true}]}""")]
    [InlineData("CIR-021", "high", """{"HostConfig":{"CapAdd":["cap_sys_admin"]}}""")]
    [InlineData("CIR-023", "medium", """{"HostConfig":{"UTSMode":"host"}}""")]
    [InlineData("CIR-062", "info", """{"RestartCount":5}""")]
    public async Task Judge_a_configuration(string rule, string severity, string inspect) => Assert.Equal(severity, await SeverityAsync(rule, SomeTriage.OfRowsAsync(inspect: inspect)));

    private static async Task<string> SeverityAsync(string rule, Task<TriageReport> report) =>
        (await report).Findings.FirstOrDefault(finding => finding.Rule.Id == rule)?.Severity.ToString().ToLowerInvariant() ?? "";

    private static IEnumerable<(string File, YamlNode Document)> Documents() =>
        Directory.EnumerateFiles(Folder, "CIR-*.yml").Order(StringComparer.Ordinal).SelectMany(file => YamlReader.ReadAll(File.ReadAllText(file)).Select(document => (Path.GetFileName(file), document)));
}
