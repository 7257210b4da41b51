using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Hosts;
using ContainerIR.Rows;
using ContainerIR.Tests.Collectors.Journals;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors.Hosts;

public sealed class The_context_of_a_host
{
    [Fact]
    public async Task Puts_the_operator_to_his_exec_session_with_terminal_and_source_address()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        ProcessStartInfo start = new("script", ["-qec", $"docker exec -it {container.Name} sh -c 'echo in; sleep 1000'", "/dev/null"]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment["SSH_CONNECTION"] = "192.0.2.7 50122 198.51.100.1 22";
        using Process operation = Process.Start(start)!;
        try
        {
            await operation.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            using FolderSink sink = await Engine.Collect(container.Id, context => new HostContextCollector(context));
            SessionRow session = Assert.Single(Rows(sink), row => row.Kind == "exec");
            Assert.StartsWith("root", session.User, StringComparison.Ordinal);
            Assert.StartsWith("/dev/pts/", session.Terminal, StringComparison.Ordinal);
            Assert.StartsWith("192.0.2.7 port 50122", session.Source, StringComparison.Ordinal);
            Assert.Contains("api-client", session.Basis, StringComparison.Ordinal);
            Assert.Equal("observed", session.Certainty);
            Assert.True(session.TimeNs > 0);
            SessionRow client = Assert.Single(Rows(sink), row => row.Kind == "api-client" && row.What.Contains(container.Name, StringComparison.Ordinal));
            Assert.Equal(client.Pid, session.Pid);
            Assert.Contains("docker.sock", client.Basis, StringComparison.Ordinal);
        }
        finally
        {
            operation.Kill(entireProcessTree: true);
            await operation.WaitForExitAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task Is_whole_when_the_container_ends_during_the_acquisition()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");

        using FolderSink sink = await Engine.Collect(container.Id, context =>
        {
            RealEngine.Docker("restart", "-t", "0", container.Id);
            return new HostContextCollector(context);
        });

        Assert.Superset(
            new HashSet<string>(["engine.json", "inventory.json", "sessions.jsonl", "persistence.jsonl"]), sink.Items.Select(item => item.Path).ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Names_the_engine_its_programs_its_listeners_and_its_neighbours_without_their_content()
    {
        using TestContainer container = RealEngine.Start(["-e", "MINE=1"], "sleep", "1000");
        using TestContainer neighbour = RealEngine.Start(["-e", "SECRET=of-the-neighbour", "--label", "team=" + new string('x', 100_000)], "sleep", "1000");
        using FolderSink sink = await Engine.Collect(container.Id, context => new HostContextCollector(context));
        using JsonDocument engine = JsonDocument.Parse(sink.Read("engine.json"));
        Assert.Contains(engine.RootElement.Texts("listeners"), listener => listener.EndsWith("docker.sock", StringComparison.Ordinal));
        JsonElement dockerd = engine.RootElement.Items("programs").Single(program => program.Text("path")!.EndsWith("/dockerd", StringComparison.Ordinal));
        Assert.Equal(RealEngine.Run("sha256sum", dockerd.Text("path")!).Split(' ')[0], dockerd.Text("sha256"));
        Assert.Equal("as packaged", dockerd.Text("state"));
        Assert.Equal("docker.io", dockerd.Text("package"));
        using JsonDocument inventory = JsonDocument.Parse(sink.Read("inventory.json"));
        Assert.Contains(inventory.RootElement.Items("containers"), row => row.Text("id") == neighbour.Id && row.Texts("names").Contains("/" + neighbour.Name));
        Assert.Contains(inventory.RootElement.Items("networks").SelectMany(network => network.Items("containers")), row => row.Text("id") == neighbour.Id);
        Assert.Contains(inventory.RootElement.Items("images"), row => row.Texts("tags").Contains(RealEngine.Image));
        Assert.All(sink.Items, item => Assert.DoesNotContain("of-the-neighbour", Encoding.UTF8.GetString(sink.Read(item.Path)), StringComparison.Ordinal));
        Assert.Contains("never_taken", Encoding.UTF8.GetString(sink.Read("scope.json")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_logins_sudo_audit_and_history_of_the_window()
    {
        using HostFolder host = new();
        const long at = 1_763_800_000;
        host.Put("var/log/journal/m/system.journal", A_journal_file.Load("regular"));
        host.Put("var/log/wtmp", [.. Utmp(7, "pts/3", "alice", "203.0.113.9", at), .. Utmp(7, "pts/1", "old", "", at - 10_000_000), .. new byte[100]]);
        host.Put("var/log/btmp", Utmp(6, "ssh:notty", "\u001b[2Jroot", "203.0.113.66", at + 1));
        host.Put("var/log/audit/audit.log", Encoding.ASCII.GetBytes(
            $"type=SYSCALL msg=audit({at + 2}.123:9): arch=c000003e syscall=59 success=yes pid=77 auid=0 uid=0 tty=pts3 comm=\"docker\" exe=\"/usr/bin/docker\"\ntype=SYSCALL msg=audit({at}.1:1): comm=\"ls\"\n"));
        host.Put("root/.bash_history", Encoding.ASCII.GetBytes($"ls\n#{at + 3}\ndocker exec -it web sh\n#{at + 4}\nmy private line\n"));
        host.Put("var/log/auth.log", "2025-11-22T08:26:50.000000+00:00 h sshd[9]: Failed password for invalid user x from 203.0.113.5 port 1 ssh2\n"u8.ToArray());
        using FolderSink sink = new();
        LoginSources sources = new(host.Root, (at - 3600) * 1_000_000_000);
        await sources.CollectAsync(sink, CancellationToken.None);
        Assert.Equal(
            [
                "audit root pts3 -", "failed-login \u001b[2Jroot ssh:notty 203.0.113.66", "failed-login x - 203.0.113.5", "login alice - 192.0.2.7", "login alice pts/3 203.0.113.9",
                "shell-history root - -", "sudo alice pts/3 -",
            ],
            sources.Rows.Select(row => $"{row.Kind} {row.User} {row.Terminal ?? "-"} {row.Source ?? "-"}").Order(StringComparer.Ordinal));
        Assert.Empty(sink.Gaps);
        Assert.Contains("\\x1b[2Jroot", sources.Rows.Single(row => row.Kind == "failed-login" && row.Terminal is not null).Message, StringComparison.Ordinal);
        Assert.Equal(384 * 2 + 100, sink.Read("logins/wtmp").Length);
        EventRow exec = new() { Number = 4, Offset = 0, Length = 1, TimeNs = (at + 4) * 1_000_000_000, Type = "container", Action = "exec_start", Detail = "sh", OfContainer = true };
        SessionRow session = Assert.Single(ExecSessions.Match([exec], SomeContainer.With(A_journal_file.ContainerId), sources.Rows));
        Assert.Equal("root", session.User);
        Assert.Contains("sudo", ExecSessions.Match([exec with { TimeNs = (at + 1) * 1_000_000_000 }], SomeContainer.With(A_journal_file.ContainerId), sources.Rows).Single().Basis, StringComparison.Ordinal);
        Assert.Null(ExecSessions.Match([exec with { TimeNs = (at + 1000) * 1_000_000_000 }], SomeContainer.With(A_journal_file.ContainerId), sources.Rows).Single().User);
    }

    [Fact]
    public async Task Reads_rotated_logs_compressed_or_not_and_says_where_one_is_broken()
    {
        using HostFolder host = new();
        const long at = 1_763_800_000;
        static byte[] Line(string user) => Encoding.ASCII.GetBytes($"2025-11-22T08:26:50.000000+00:00 h sshd[9]: Accepted publickey for {user} from 203.0.113.5 port 1 ssh2\n");
        host.Put("var/log/auth.log", Line("one"));
        host.Put("var/log/auth.log.1", Line("two"));
        host.Put("var/log/auth.log.2.gz", Gzip([.. Line("three"), .. Line("four")]));
        host.Put("var/log/secure-20251116.gz", Gzip(Line("five")));
        host.Put("var/log/auth.log.3.gz", Gzip([.. Enumerable.Range(0, 20_000).SelectMany(i => Line("cut" + (i % 7 * i)))])[..^2000]);
        host.Put("var/log/auth.log.4.gz", "no gzip at all"u8.ToArray());
        host.Put("var/log/auth.log.5.xz", [1, 2, 3]);
        host.Put("var/log/auth.logger", Line("not-ours"));
        host.Put("var/log/wtmp.2.gz", Gzip(Utmp(7, "pts/3", "six", "203.0.113.9", at)));
        host.Put("run/utmp", Utmp(7, "pts/4", "seven", "203.0.113.10", at));
        using FolderSink sink = new();
        LoginSources sources = new(host.Root, (at - 3600) * 1_000_000_000);
        await sources.CollectAsync(sink, CancellationToken.None);
        Assert.Equal(["five", "four", "one", "seven", "six", "three", "two"], sources.Rows.Select(row => row.User!).Where(user => !user.StartsWith("cut", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains(sources.Rows, row => row.User == "cut0" && row.Basis == "/var/log/auth.log.3.gz line 1");
        Assert.Equal(["logins in /var/log/auth.log.5.xz", "the rest of /var/log/auth.log.3.gz", "the rest of /var/log/auth.log.4.gz"], sink.Gaps.Select(gap => gap.Sought).Order(StringComparer.Ordinal));
        Assert.Equal(Gzip([.. Line("three"), .. Line("four")]), sink.Read("logins/auth.log.2.gz"));
    }

    [Fact]
    public async Task Knows_the_person_of_an_exec_session_as_surely_as_its_records_say()
    {
        using HostFolder host = new();
        const long at = 1_763_800_000;
        host.Put("run/utmp", [.. Utmp(7, "pts/3", "alice", "203.0.113.9", at - 600), .. Utmp(7, "pts/5", "bob", "203.0.113.10", at - 600)]);
        host.Put("var/log/wtmp", [.. Utmp(7, "pts/5", "bob", "203.0.113.10", at - 600), .. Utmp(8, "pts/5", "", "", at - 300)]);
        host.Put("run/systemd/sessions/31", "# of logind\nUSER=carol\nREMOTE=1\nREMOTE_HOST=198.51.100.77\nTTY=pts/8\n"u8.ToArray());
        host.Put("var/log/audit/audit.log", Encoding.ASCII.GetBytes(
            $"type=SYSCALL msg=audit({at + 100}.100:9): arch=c000003e syscall=59 success=yes pid=77 auid=0 uid=0 tty=pts3 ses=7 comm=\"docker\" exe=\"/usr/bin/docker\"\n"
            + $"type=SYSCALL msg=audit({at + 100}.101:10): comm=\"ls\" exe=\"/bin/ls\"\n"
            + $"type=EXECVE msg=audit({at + 100}.100:9): argc=5 a0=\"docker\" a1=\"exec\" a2=\"web\" a3=\"sh\" a4={Convert.ToHexString("-c id"u8)}\n"
            + $"type=USER_CMD msg=audit({at + 200}.000:11): pid=88 uid=1000 auid=0 ses=31 msg='cwd=\"/\" cmd={Convert.ToHexString("docker exec web id"u8)} exe=\"/usr/bin/sudo\" terminal=pts/9 res=success'\n"
            + $"type=SYSCALL msg=audit({at + 400}.100:12): success=yes pid=90 auid=4294967295 tty=pts5 ses=4294967295 comm=\"docker\" exe=\"/usr/bin/docker\"\n"));
        using FolderSink sink = new();
        LoginSources sources = new(host.Root, (at - 3600) * 1_000_000_000);
        await sources.CollectAsync(sink, CancellationToken.None);
        LoginOrigins origins = new(host.Root, sources.Rows);
        List<SessionRow> known = [.. sources.Rows.Select(row => row.Kind == "audit" ? origins.Complete(row) : row)];
        SessionRow recorded = Session(100, "sh -c id", known);
        Assert.Equal("recorded root pts3 203.0.113.9 7", $"{recorded.Certainty} {recorded.User} {recorded.Terminal} {recorded.Source} {recorded.AuditSession}");
        Assert.Contains("EXECVE docker exec web sh -c id", recorded.Basis, StringComparison.Ordinal);
        Assert.Contains("utmp: alice on pts/3", recorded.Basis, StringComparison.Ordinal);
        SessionRow sudo = Session(200, "id", known);
        Assert.Equal("recorded root pts/9 198.51.100.77 31", $"{sudo.Certainty} {sudo.User} {sudo.Terminal} {sudo.Source} {sudo.AuditSession}");
        Assert.Contains("systemd-logind: session 31 of carol", sudo.Basis, StringComparison.Ordinal);

        // A program of containers without its arguments, on a terminal whose login is over.
        SessionRow likely = Session(400, "id", known);
        Assert.Equal("likely - - ", $"{likely.Certainty} {likely.User ?? "-"} {likely.Source ?? "-"} {likely.AuditSession}");
        Assert.Equal("unknown", Session(2000, "id", known).Certainty);
        Assert.Equal("engine -", $"{Session(100, "/bin/sh -c true", known, "/bin/sh -c true").Certainty} {Session(100, "/bin/sh -c true", known, "/bin/sh -c true").User ?? "-"}");

        // Two sessions in the seconds of one record: time alone chooses.
        Assert.All(ExecSessions.Match([Exec(100, "id"), Exec(101, "id")], SomeContainer.With(A_journal_file.ContainerId), known), row => Assert.Equal("likely", row.Certainty));

        static EventRow Exec(long after, string command) => new() { Number = 4, Offset = 0, Length = 1, TimeNs = (at + after) * 1_000_000_000, Type = "container", Action = "exec_start", Detail = command, OfContainer = true };
        static SessionRow Session(long after, string command, List<SessionRow> known, string? health = null) =>
            Assert.Single(ExecSessions.Match([Exec(after, command)], SomeContainer.With(A_journal_file.ContainerId), known, health));
    }

    [Property(MaxTest = 300)]
    public void Is_never_a_failure_whatever_stands_in_a_record(byte[] bytes)
    {
        LoginRecords.Parse(bytes, isFailed: true, 0);
        LoginRecords.Parse([7, 0, .. bytes.Take(382), .. new byte[384]], isFailed: false, 0);
        LoginRecords.ParseLast([.. bytes, .. new byte[300]], 1, null, 0);
        AuthLines.FromSyslog(bytes, 0, TimeSpan.Zero, "x");
        AuditRecords records = new(_ => null, _ => { });
        records.Feed([.. "msg=audit(1.123:1): docker "u8, .. bytes]);
        records.Feed([.. "type=EXECVE msg=audit(1.123:1): a0="u8, .. bytes]);
        records.Finish();
        AuthLines.FromMessage("sudo", Encoding.Latin1.GetString(bytes), 0, null, "x");
    }

    [Theory]
    [InlineData("sudo", "  alice : TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/docker exec web sh", "alice|pts/3|sudo as root: /usr/bin/docker exec web sh")]
    [InlineData("sudo", "bob : 1 incorrect password attempt ; TTY=unknown ; PWD=/x ; USER=root ; COMMAND=list", "bob||sudo as root: list")]
    [InlineData("su", "(to root) carol on pts/1", "carol|pts/1|su to root")]
    [InlineData("cron", "Accepted password for root from 1.2.3.4 port 5", null)]
    public void Takes_the_words_of_the_program_that_says_them(string program, string message, string? expected)
    {
        SessionRow? row = AuthLines.FromMessage(program, message, 1, null, "x");
        Assert.Equal(expected, row is null ? null : $"{row.User}|{row.Terminal}|{row.What}");
    }

    private static byte[] Gzip(byte[] content)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return compressed.ToArray();
    }

    private static byte[] Utmp(short type, string line, string user, string address, long at)
    {
        byte[] record = new byte[384];
        BinaryPrimitives.WriteInt16LittleEndian(record, type);
        Encoding.ASCII.GetBytes(line).CopyTo(record, 8);
        Encoding.ASCII.GetBytes(user).CopyTo(record, 44);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(340), (int)at);
        if (address.Length > 0)
        {
            System.Net.IPAddress.Parse(address).GetAddressBytes().CopyTo(record, 348);
        }

        return record;
    }

    private static List<SessionRow> Rows(FolderSink sink)
    {
        using FileStream rows = File.OpenRead(sink.PathOf("sessions.jsonl"));
        return [.. SessionRow.Read(rows, line => Assert.Fail("a broken row at " + line.Offset))];
    }

    private sealed class HostFolder : IDisposable
    {
        public string Root { get; } = Directory.CreateTempSubdirectory("cir-host-").FullName;

        public void Put(string path, byte[] content)
        {
            string full = Path.Combine(Root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllBytes(full, content);
        }

        public void Dispose() => Directory.Delete(Root, recursive: true);
    }
}
