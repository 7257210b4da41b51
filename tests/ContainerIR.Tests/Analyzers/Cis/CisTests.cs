using System.Text.Json;
using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Cis;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using Xunit;

namespace ContainerIR.Tests.Analyzers.Cis;

/// <summary>The table of CIS checks.</summary>
public sealed class The_table_of_cis_checks
{
    private const string Loose = """
        {"Name":"/x","AppArmorProfile":"unconfined","ProcessLabel":"","Config":{"User":"","Image":"nginx:latest"},
         "HostConfig":{"Privileged":true,"CapAdd":["SYS_ADMIN"],"NetworkMode":"host","PidMode":"host","IpcMode":"host","UTSMode":"host","UsernsMode":"host","Memory":0,
           "RestartPolicy":{"Name":"always"},"SecurityOpt":["seccomp=unconfined"],"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"80"}]},"Devices":[{"PathOnHost":"/dev/sda"}]},
         "Mounts":[{"Type":"bind","Source":"/etc","RW":true,"Propagation":"rshared"},{"Type":"bind","Source":"/var/run/docker.sock","RW":true}]}
        """;

    private const string Tight = """
        {"Name":"/x","AppArmorProfile":"docker-default","ProcessLabel":"system_u","Config":{"User":"app","Image":"nginx@sha256:00","Healthcheck":{"Test":["CMD","true"]}},
         "HostConfig":{"Privileged":false,"CapDrop":["ALL"],"NetworkMode":"net","PidMode":"","IpcMode":"private","Memory":1048576,"NanoCpus":500000000,"PidsLimit":100,"ReadonlyRootfs":true,
           "RestartPolicy":{"Name":"no"},"SecurityOpt":["no-new-privileges"],"PortBindings":{"8443/tcp":[{"HostIp":"127.0.0.1","HostPort":"8443"}]}},"Mounts":[]}
        """;

    [Theory]
    [InlineData("4.1", "root", "app")]
    [InlineData("5.2", "unconfined", "docker-default")]
    [InlineData("5.3", "none", "system_u")]
    [InlineData("5.4", "added SYS_ADMIN; dropped none", "added none; dropped ALL")]
    [InlineData("5.5", "yes", "no")]
    [InlineData("5.6", "/etc (rw)", "none")]
    [InlineData("5.8", "0.0.0.0:80->80/tcp", "127.0.0.1:8443->8443/tcp")]
    [InlineData("5.10", "host", "net")]
    [InlineData("5.11", "none", "1048576")]
    [InlineData("5.12", "none", "0.5 CPUs")]
    [InlineData("5.13", "no", "yes")]
    [InlineData("5.14", "0.0.0.0:80->80/tcp", "none")]
    [InlineData("5.15", "always", "no")]
    [InlineData("5.16", "host", "none")]
    [InlineData("5.17", "host", "private")]
    [InlineData("5.18", "/dev/sda", "none")]
    [InlineData("5.20", "/etc", "none")]
    [InlineData("5.21", "host", "none")]
    [InlineData("5.22", "seccomp=unconfined", "the engine's default")]
    [InlineData("5.26", "no", "yes")]
    [InlineData("5.27", "none", "CMD, true")]
    [InlineData("5.28", "nginx:latest", "nginx@sha256:00")]
    [InlineData("5.29", "none", "100")]
    [InlineData("5.31", "host", "none")]
    [InlineData("5.32", "/var/run/docker.sock", "none")]
    public async Task Has_what_was_read_of_a_container(string id, string loose, string tight)
    {
        CisRow one = (await SomeTriage.OfRowsAsync(inspect: Loose)).Cis.Single(row => row.Id == id), other = (await SomeTriage.OfRowsAsync(inspect: Tight)).Cis.Single(row => row.Id == id);
        Assert.Equal((loose, true, tight, false), (one.Value, one.Differs, other.Value, other.Differs));
        Assert.EndsWith("inspect.json", one.Where!.Item, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.1.2", "root, ops", null)]
    [InlineData("1.2.2", "20.10.24", null)]
    [InlineData("2.1", "no", true)]
    [InlineData("2.2", "false", false)]
    [InlineData("2.3", "debug", true)]
    [InlineData("2.4", "false", true)]
    [InlineData("2.5", "10.0.0.0/8", true)]
    [InlineData("2.7", "by TCP: yes; TLS: no", true)]
    [InlineData("2.9", "yes", false)]
    [InlineData("2.12", "none", true)]
    [InlineData("2.13", "journald", false)]
    [InlineData("2.15", "yes", false)]
    [InlineData("2.16", "False", false)]
    [InlineData("3", "/usr/sbin/runc: CHANGED: not the file of its package", true)]
    [InlineData("7.1", "active", true)]
    public async Task Has_what_was_read_of_the_host(string id, string value, bool? differs)
    {
        CisRow row = (await OfHostAsync()).Cis.Single(row => row.Id == id);
        Assert.Equal((value, differs), (row.Value, row.Differs));
        Assert.NotNull(row.Where);
    }

    [Fact]
    public async Task Says_what_was_not_read_and_counts_nothing()
    {
        TriageReport report = await SomeTriage.OfRowsAsync(inspect: "[]");
        Assert.All(report.Cis, row => Assert.Equal(("not read", null), (row.Value, row.Differs)));
        Assert.Equal(0, report.Score);
    }

    [Fact]
    public async Task Is_shown_when_asked_for_and_always_in_json()
    {
        using SomeTerminal terminal = new();
        string bundle = (await ContainerIR.Tests.Cases.SomeIndexedBundle.MakeAsync(terminal.Folder)).Path;
        Assert.Equal(0, await terminal.RunAsync("triage", bundle));
        Assert.DoesNotContain("OTHER THAN ADVISED", terminal.Out, StringComparison.Ordinal);
        terminal.Forget();
        Assert.Equal(0, await terminal.RunAsync("triage", bundle, "--cis"));
        Assert.Contains("OTHER THAN ADVISED", terminal.Out, StringComparison.Ordinal);
        terminal.Forget();
        Assert.Equal(0, await terminal.RunAsync("triage", bundle, "--json"));
        using JsonDocument document = JsonDocument.Parse(terminal.Out);
        Assert.Contains(document.RootElement.GetProperty("cis").EnumerateArray(), row => row.GetProperty("id").GetString() == "5.5");
    }

    private static async Task<TriageReport> OfHostAsync()
    {
        using TemporaryFolder folder = new();
        await using BundleWriter bundle = SomeBundle.Open(folder);
        await AddAsync(bundle.OpenSection("configuration", 7), "info.json", """
            {"SecurityOptions":["name=userns"],"RegistryConfig":{"InsecureRegistryCIDRs":["127.0.0.0/8","10.0.0.0/8"]},"Plugins":{"Authorization":null},"LoggingDriver":"journald",
             "LiveRestoreEnabled":true,"Swarm":{"LocalNodeState":"active"}}
            """);
        IEvidenceSink host = bundle.OpenSection("host-context", 8);
        await AddAsync(host, "engine.json", """
            {"arguments":["dockerd","--log-level","debug","--iptables=false"],"users_who_may_command_it":["root","ops"],"version":"20.10.24","listens_on_tcp":true,"tls":false,
             "programs":[{"path":"/usr/bin/dockerd","state":"as packaged"},{"path":"/usr/sbin/runc","state":"CHANGED: not the file of its package"}]}
            """);
        await AddAsync(host, "engine/daemon.json", """{"userland-proxy":false}""");
        await AddAsync(host, "inventory.json", """{"networks":[{"name":"other"},{"name":"bridge","between_containers":"false"}]}""");
        return Triage.Run((await bundle.SealAsync()).Path, CancellationToken.None);
    }

    private static Task<EvidenceItem> AddAsync(IEvidenceSink sink, string name, string text) =>
        sink.AddAsync(name, System.Text.Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", ItemForm.Plain), CancellationToken.None);
}
