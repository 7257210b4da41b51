using System.Buffers.Binary;
using System.Diagnostics;
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

    [Property(MaxTest = 300)]
    public void Is_never_a_failure_whatever_stands_in_a_record(byte[] bytes)
    {
        LoginRecords.Parse(bytes, isFailed: true, 0);
        LoginRecords.Parse([7, 0, .. bytes.Take(382), .. new byte[384]], isFailed: false, 0);
        LoginRecords.ParseLast([.. bytes, .. new byte[300]], 1, null, 0);
        AuthLines.FromSyslog(bytes, 0, TimeSpan.Zero, "x");
        AuthLines.FromAudit([.. "msg=audit(1.123:1): docker "u8, .. bytes], _ => null);
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
