using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Hosts;

/// <summary>
/// Who talks to the engine right now: the sockets the engine accepted, their other ends, and the processes that hold those. A client's login uid (the kernel's
/// word, which su and sudo do not change), its terminal, and the SSH connection its ancestors came by say which person it is.
/// </summary>
internal static class EngineClients
{
    private const int MaxProcesses = 65536;
    private const int MaxDescriptors = 4096;
    private const int TextLimitBytes = 64 * 1024;
    private const int MaxAncestors = 32;
    private const int MaxNamespaces = 1024;

    /// <summary>Clients and listeners.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="gap">Told what could not be read.</param>
    public static (IReadOnlyList<SessionRow> Clients, IReadOnlyList<string> Listeners) Find(EngineProcess engine, Action<string, string> gap)
    {
        HashSet<ulong> own = [.. SocketsOf(engine.Pid)];
        List<SocketEntry> sockets = SocketsOfAllNamespaces(engine, gap);
        List<SocketEntry> engines = [.. sockets.Where(socket => own.Contains(socket.Inode))];
        List<string> listeners = [.. engines.Where(socket => socket.State == "LISTEN").Select(Describe).Order(StringComparer.Ordinal)];
        Dictionary<ulong, SocketEntry> byPeer = [];
        foreach (SocketEntry socket in engines.Where(socket => socket.Protocol == "unix" && socket.PeerInode != 0 && socket.Name.Length > 0 && socket.State != "LISTEN"))
        {
            byPeer[socket.PeerInode] = socket;
        }

        List<SessionRow> clients = [.. LocalClients(engine, byPeer)];
        HashSet<int> ports = [.. engines.Where(socket => socket.State == "LISTEN" && socket.Protocol == "tcp").Select(socket => socket.LocalPort)];
        clients.AddRange(engines.Where(socket => socket.Protocol == "tcp" && socket.State == "ESTABLISHED" && ports.Contains(socket.LocalPort)).Select(socket => new SessionRow
        {
            TimeNs = ClockFacts.Read().RealtimeNs,
            Kind = "api-client",
            Source = string.Create(CultureInfo.InvariantCulture, $"{socket.Remote}:{socket.RemotePort}"),
            What = $"connection to the engine's TCP port {socket.LocalPort}",
            Basis = "open now; the engine's own socket",
        }));
        return (clients, listeners);
    }

    /// <summary>A socket accepted from a client is of the client's network namespace (net/unix/af_unix.c, unix_stream_connect): a container that was given the engine's socket has its own.</summary>
    private static List<SocketEntry> SocketsOfAllNamespaces(EngineProcess engine, Action<string, string> gap)
    {
        Dictionary<ulong, int> namespaces = [];
        foreach (int pid in ProcEntry.ListAll(out _).Prepend(engine.Pid).Take(MaxProcesses))
        {
            if (NamespaceHandle.InodeOf(pid) is { } inode)
            {
                namespaces.TryAdd(inode, pid);
            }
        }

        if (namespaces.Count > MaxNamespaces)
        {
            gap("clients of the engine", $"only {MaxNamespaces} of {namespaces.Count} network namespaces were searched");
        }

        List<SocketEntry> sockets = [];
        foreach ((ulong inode, int pid) in namespaces.Take(MaxNamespaces))
        {
            try
            {
                using NamespaceHandle network = NamespaceHandle.OfProcess(pid);
                using NetlinkSocket netlink = network.CreateNetlink(Libc.NETLINK_SOCK_DIAG);
                SockDiag.List(netlink, sockets.Add, (sought, reason) =>
                {
                    // Protocols the kernel does not have are no gap here: engines listen on unix sockets and TCP.
                    if (sought.StartsWith("unix", StringComparison.Ordinal) || sought.StartsWith("tcp", StringComparison.Ordinal))
                    {
                        gap($"{sought} sockets of network namespace {inode}", reason);
                    }
                });
            }
            catch (IOException failure)
            {
                if (ProcEntry.Open(pid, out _) is { } process)
                {
                    process.Dispose();
                    gap($"clients of the engine in network namespace {inode}", failure.Message);
                }
            }
        }

        return sockets;
    }

    private static IEnumerable<SessionRow> LocalClients(EngineProcess engine, Dictionary<ulong, SocketEntry> byPeer)
    {
        BootClock clock = BootClock.Take();
        foreach (int pid in ProcEntry.ListAll(out _).Take(MaxProcesses))
        {
            if (pid == engine.Pid || pid == Environment.ProcessId)
            {
                continue;
            }

            foreach (ulong inode in SocketsOf(pid))
            {
                if (byPeer.TryGetValue(inode, out SocketEntry? accepted) && Describe(pid, clock) is { } client)
                {
                    yield return client with { Basis = $"open now: its socket {inode} is the other end of the engine's {NameOf(accepted)}{client.Basis}" };
                    break;
                }
            }
        }
    }

    /// <summary>A process as a client: when it started, whose it is, on which terminal, from where.</summary>
    private static SessionRow? Describe(int pid, BootClock clock)
    {
        using ProcEntry? process = ProcEntry.Open(pid, out _);
        if (process is null || ProcStat.Parse(process.Read("stat", 4096).Content) is not { } stat)
        {
            return null;
        }

        ProcStatus status = ProcStatus.Parse(process.Read("status", TextLimitBytes).Content);
        uint uid = status.Numbers("Uid") is [var real, ..] ? (uint)real : uint.MaxValue;
        string login = Encoding.ASCII.GetString(process.Read("loginuid", 64).Content).Trim();
        uint? loginUid = uint.TryParse(login, CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue ? number : null;
        string user = loginUid is { } known && known != uid ? $"{Name(known)} (now {Name(uid)})" : Name(loginUid ?? uid);
        byte[] command = process.Read("cmdline", TextLimitBytes).Content;
        return new()
        {
            TimeNs = clock.At(stat.StartTicks) is { } at ? (at - DateTimeOffset.UnixEpoch).Ticks * 100 : null,
            Kind = "api-client",
            User = user,
            AuditSession = uint.TryParse(Encoding.ASCII.GetString(process.Read("sessionid", 64).Content).Trim(), CultureInfo.InvariantCulture, out uint session) && session != uint.MaxValue ? session : null,
            Terminal = Terminal(process),
            Source = SshSource(pid),
            Pid = pid,
            What = Encoding.Latin1.GetString(command).TrimEnd('\0').Replace('\0', ' '),
            Basis = loginUid is null ? "; it has no login uid: started by a service, or by a login without audit sessions" : "; the kernel's login uid",
        };
    }

    private static string Name(uint uid) => Accounts.NameOf(uid) ?? $"uid {uid}";

    private static string? Terminal(ProcEntry process)
    {
        foreach (string descriptor in new[] { "fd/0", "fd/1", "fd/2" })
        {
            if (process.ReadLink(descriptor) is { IsRead: true } link && link.Content.AsSpan().StartsWith("/dev/"u8) && !link.Content.AsSpan().SequenceEqual("/dev/null"u8))
            {
                return DisplayText.Escape(link.Content);
            }
        }

        return null;
    }

    /// <summary>SSH_CONNECTION of the process or of an ancestor that still is: its own word, so it is said to be that.</summary>
    private static string? SshSource(int pid)
    {
        for (int i = 0; i < MaxAncestors && pid > 1; i++)
        {
            using ProcEntry? process = ProcEntry.Open(pid, out _);
            if (process is null || ProcStat.Parse(process.Read("stat", 4096).Content) is not { } stat)
            {
                return null;
            }

            foreach (string variable in Encoding.Latin1.GetString(process.Read("environ", 1024 * 1024).Content).Split('\0'))
            {
                if (variable.StartsWith("SSH_CONNECTION=", StringComparison.Ordinal) && variable[15..].Split(' ') is [var address, var port, ..])
                {
                    return $"{address} port {port} (SSH_CONNECTION of pid {pid})";
                }
            }

            pid = stat.ParentPid;
        }

        return null;
    }

    private static List<ulong> SocketsOf(int pid)
    {
        List<ulong> inodes = [];
        using ProcEntry? process = ProcEntry.Open(pid, out _);
        foreach (int descriptor in process?.Numbers("fd", MaxDescriptors, out _) ?? [])
        {
            Bytes link = process!.ReadLink("fd/" + descriptor.ToString(CultureInfo.InvariantCulture));
            if (link.IsRead && link.Content.AsSpan().StartsWith("socket:["u8) && ulong.TryParse(Encoding.ASCII.GetString(link.Content.AsSpan(8)).TrimEnd(']'), CultureInfo.InvariantCulture, out ulong inode))
            {
                inodes.Add(inode);
            }
        }

        return inodes;
    }

    // The kernel counts the NUL at the end of a path as part of the name; an abstract name begins with one.
    private static string NameOf(SocketEntry socket) => Encoding.Latin1.GetString(socket.Name).TrimEnd('\0').Replace('\0', '@');

    private static string Describe(SocketEntry socket) => socket.Protocol == "unix"
        ? "unix " + NameOf(socket)
        : string.Create(CultureInfo.InvariantCulture, $"{socket.Protocol} {socket.Local}:{socket.LocalPort}");
}
