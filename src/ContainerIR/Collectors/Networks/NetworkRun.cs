using System.Globalization;
using System.Net;
using ContainerIR.Collectors.Processes;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Networks;

/// <summary>One run of the network collector over one container: enters, lists, joins, writes.</summary>
internal sealed class NetworkRun(ContainerRef container, Membership membership, IEvidenceSink sink, ReadWorkerLaunch worker) : IDisposable
{
    private const int MaxNamespaces = 256;
    private const int EBADF = 9;
    private readonly List<NetworkSpace> spaces = [];
    private readonly List<NetworkSpace> hostSide = [];
    private readonly DescriptorScan scan = new();
    private readonly PeerNames peers = new();
    private readonly HashSet<IPAddress> ownAddresses = [];
    private readonly List<SocketEntry> unlisted = [];
    private List<PortProxy> proxies = [];

    public async Task CollectAsync(Func<CancellationToken, Task<IReadOnlyList<NamedAddresses>>> others, CancellationToken ct)
    {
        string modulesBefore = DiagnosticModules();
        await using (RowLines raw = new(sink.Create("raw.jsonl.zst", new ItemOptions("/proc/net of each network namespace", ItemForm.Frames))))
        {
            await EnterAllAsync(raw, ct);
            foreach (NetworkSpace space in spaces)
            {
                space.ReadRouting(isWhole: true, Problem(space));
            }

            EnterHostSide();
            LearnAddresses();
            HashSet<ulong> sides = [.. hostSide.Select(s => s.Inode)];
            proxies = PublishedPorts.Find(membership.Seen.Values.Where(f => sides.Contains(f.Namespaces.Network)), ownAddresses);
            ListHostSide();
            FindForeignHolders();
            await LearnPeersAsync(others, ct);
            FlowPairs pairs = new(peers, DisplayText.Escape(container.Name));
            await ConntrackCopy.WriteAsync(spaces.Concat(hostSide), ownAddresses, peers, pairs, sink, ct);
            foreach (NetworkSpace space in spaces.Where(s => !membership.HostNamespaces.Contains(s.Inode)))
            {
                pairs.Add(space);
            }

            await pairs.WriteAsync(sink, ct);
            await FirewallCopy.WriteAsync(spaces.Concat(hostSide), ownAddresses, OwnInterfaces(), sink, ct);
            MountTables tables = new(membership.Init);
            using OverlayLayers layers = OverlayLayers.Open(tables.InitRoot);
            using FileContents contents = new(layers, worker);
            using FileShelf digests = new(contents, sink, new FileLimits(1L << 30, 0));
            await WriteSocketsAsync(new SocketOwners(scan, digests, tables), ct);
            List<(string, byte[])> names = await NameFiles.ReadAsync(membership.Init, tables, contents, raw, sink, ct);
            await sink.AddAsync("namespaces.json", NetworkLines.WriteNamespaces(spaces, membership, hostSide, peers, names, proxies, BoundElsewhere()), new ItemOptions("rtnetlink"), ct);
            await raw.CompleteAsync(null, ct);
            if (contents.ReadInView > 0)
            {
                sink.AddEffect(
                    $"{contents.ReadInView} reads of files by the container's own inodes (name resolution files, executables without a name): access times kept (O_NOATIME), but an inotify watch on them inside would have seen an open");
            }
        }

        string modulesAfter = DiagnosticModules();
        if (modulesAfter != modulesBefore)
        {
            sink.AddEffect($"the kernel loaded modules to answer the socket lists: {modulesBefore} before, {modulesAfter} after");
        }
    }

    public void Dispose()
    {
        spaces.ForEach(space => space.Dispose());
        hostSide.ForEach(space => space.Dispose());
    }

    // Asking for a list may make the kernel load its *_diag module; that is a change of the host, and is said.
    private static string DiagnosticModules()
    {
        using Descriptor? file = Descriptor.Open(Libc.AT_FDCWD, "/proc/modules", Libc.O_RDONLY, out _);
        ReadOnlySpan<byte> text = file is null ? [] : ProcEntry.ReadToEnd(file, 1 << 20).Content;
        List<string> names = [];
        foreach (Range range in text.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text[range];
            int end = line.IndexOf((byte)' ');
            if (end > 0 && line[..end].EndsWith("_diag"u8))
            {
                names.Add(DisplayText.Escape(line[..end]));
            }
        }

        return names.Count == 0 ? "none" : string.Join(' ', names.Order(StringComparer.Ordinal));
    }

    private Action<string, string> Problem(NetworkSpace space) => (what, reason) => sink.AddGap($"{what} of network namespace {space.Inode}", reason);

    // Namespaces of members, then those their descriptors keep open, then those only a socket keeps alive; each once.
    private async Task EnterAllAsync(RowLines raw, CancellationToken ct)
    {
        foreach (Member member in membership.Members)
        {
            scan.AddMember(member.Facts.Pid, member.Facts.StartTicks);
        }

        HashSet<ulong> known = [];
        foreach (Member member in membership.Members)
        {
            // A member that ended leaves its namespace to the next one in it.
            if (member.Facts.Namespaces.Network is not 0 and var inode && !known.Contains(inode))
            {
                await EnterAsync($"/proc/{member.Facts.Pid.ToString(CultureInfo.InvariantCulture)}/ns/net", inode, raw, known, ct);
            }
        }

        foreach ((ulong inode, string path) in scan.NamespaceLinks)
        {
            if (!known.Contains(inode))
            {
                await EnterAsync(path, inode, raw, known, ct);
            }
        }

        foreach (BoundNamespace bound in BoundNamespaces.Find(membership.Members.Select(m => m.Facts).Where(f => !membership.HostNamespaces.Contains(f.Namespaces.Mount))))
        {
            if (known.Contains(bound.Inode))
            {
                continue;
            }

            using Descriptor? nsfs = BoundNamespaces.Open(bound, membership.Init.RootDevice, out int errno);
            string where = $"mount {DisplayText.Escape(bound.Path)} of pid {bound.Owner.Pid}";
            if (nsfs is null)
            {
                sink.AddGap($"network namespace {bound.Inode} ({where})", Libc.Describe(errno));
                continue;
            }

            await EnterAsync(nsfs, where, raw, known, ct);
        }

        foreach (ulong inode in membership.Members.Select(m => m.Facts.Namespaces.Network).Concat(scan.NamespaceLinks.Keys).Distinct())
        {
            if (inode != 0 && !known.Contains(inode))
            {
                sink.AddGap($"network namespace {inode}", "it could not be opened: the processes in it ended");
            }
        }

        await FollowSocketsAsync(raw, known, ct);
    }

    private async Task EnterAsync(string path, ulong inode, RowLines raw, HashSet<ulong> known, CancellationToken ct)
    {
        using Descriptor? nsfs = Descriptor.Open(Libc.AT_FDCWD, path, Libc.O_RDONLY, out _);
        // The number may be another process's by now, in another namespace.
        if (nsfs is not null && nsfs.TryStat(out StatX stat, out _) && stat.stx_ino == inode)
        {
            await EnterAsync(nsfs, path, raw, known, ct);
        }
    }

    private async Task EnterAsync(Descriptor nsfs, string foundBy, RowLines raw, HashSet<ulong> known, CancellationToken ct)
    {
        if (spaces.Count >= MaxNamespaces)
        {
            sink.AddGap($"network namespace {foundBy}", $"more than {MaxNamespaces} network namespaces");
            return;
        }

        if (NetworkSpace.Enter(nsfs, foundBy, "container", withTables: true, out string? error) is not { } space)
        {
            sink.AddGap($"network namespace {foundBy}", error!);
            return;
        }

        known.Add(space.Inode);
        spaces.Add(space);
        space.ListSockets(_ => true, Problem(space));
        await RawTables.CopyAsync(space, raw, sink, ct);
        if (space.Sockets.IsCut)
        {
            sink.AddGap($"sockets of network namespace {space.Inode}", $"more than {SocketTable.MaxSockets}: the rest stands in the raw tables only");
        }
    }

    // A socket in no list: its namespace may have no process at all, or it is of a kind that is listed nowhere.
    private async Task FollowSocketsAsync(RowLines raw, HashSet<ulong> known, CancellationToken ct)
    {
        List<(ulong Inode, SocketHold Hold)> unresolved = [.. scan.All.Select(pair => (pair.Key, pair.Value[0])).Where(pair => !IsListed(pair.Key))];
        foreach ((ulong inode, SocketHold hold) in unresolved)
        {
            ct.ThrowIfCancellationRequested();
            if (IsListed(inode))
            {
                continue;
            }

            using BorrowedSocket? socket = BorrowedSocket.Open(hold.Pid, hold.Descriptor, inode, out int errno);
            if (socket is null)
            {
                // Closed since: not a loss. Anything else is one.
                if (errno is not (Libc.ESRCH or EBADF))
                {
                    sink.AddGap($"socket {inode} of pid {hold.Pid}", "pidfd_getfd: " + Libc.Describe(errno));
                }

                continue;
            }

            using Descriptor? nsfs = socket.OpenNamespace(out _);
            if (nsfs is not null && nsfs.TryStat(out StatX stat, out _) && !known.Contains(stat.stx_ino))
            {
                await EnterAsync(nsfs, $"socket {inode} of pid {hold.Pid}, descriptor {hold.Descriptor}", raw, known, ct);
            }

            if (!IsListed(inode))
            {
                unlisted.Add(socket.Describe(inode));
            }
        }
    }

    private bool IsListed(ulong inode) => spaces.Exists(space => space.Sockets.Inodes.Contains(inode));

    // The namespaces at the other end of the container's veth: the engine's and ours, where they differ.
    private void EnterHostSide()
    {
        string engine = $"/proc/{membership.Init.ParentPid.ToString(CultureInfo.InvariantCulture)}/ns/net";
        foreach ((string path, string side) in ((string, string)[])[(engine, "engine"), ("/proc/self/ns/net", "host")])
        {
            using Descriptor? nsfs = Descriptor.Open(Libc.AT_FDCWD, path, Libc.O_RDONLY, out int errno);
            if (nsfs is null || !nsfs.TryStat(out StatX stat, out errno))
            {
                sink.AddGap($"network namespace of the {side}", Libc.Describe(errno));
                continue;
            }

            if (spaces.Exists(s => s.Inode == stat.stx_ino) || hostSide.Exists(s => s.Inode == stat.stx_ino))
            {
                continue;
            }

            if (NetworkSpace.Enter(nsfs, path, side, withTables: false, out string? error) is not { } space)
            {
                sink.AddGap($"network namespace of the {side}", error!);
                continue;
            }

            hostSide.Add(space);
            space.ReadRouting(isWhole: false, Problem(space));
        }
    }

    private void LearnAddresses()
    {
        foreach (ContainerNetwork network in container.Networks)
        {
            foreach (string text in (string[])[network.IPv4, network.IPv6])
            {
                if (IPAddress.TryParse(text, out IPAddress? address))
                {
                    ownAddresses.Add(address);
                }
            }
        }

        foreach (NetworkSpace space in spaces.Where(s => !membership.HostNamespaces.Contains(s.Inode)))
        {
            ownAddresses.UnionWith(space.OwnAddresses);
        }
    }

    // At the host's side: the other ends of the container's veth, and the bridges they are ports of.
    private List<byte[]> OwnInterfaces()
    {
        List<byte[]> names = [];
        foreach (LinkEntry link in spaces.Where(s => !membership.HostNamespaces.Contains(s.Inode)).SelectMany(s => s.Links).Where(l => l.Kind == "veth"))
        {
            foreach (NetworkSpace side in hostSide)
            {
                if (side.Links.Find(l => l.Index == link.PeerIndex && l.PeerIndex == link.Index && l.Kind == "veth") is { } peer)
                {
                    names.Add(peer.Name);
                    names.AddRange(side.Links.Where(l => l.Index == peer.Master).Select(l => l.Name));
                }
            }
        }

        return names;
    }

    // Namespaces mounted at the engine's or our side that no process is in: whose they are, nothing says.
    private List<BoundNamespace> BoundElsewhere()
    {
        HashSet<ulong> taken = [.. membership.Seen.Values.Select(f => f.Namespaces.Network), .. spaces.Select(s => s.Inode)];
        return BoundNamespaces.Find(membership.Seen.Values.Where(f => f.Pid == membership.Init.ParentPid || f.Pid == Environment.ProcessId)).FindAll(b => !taken.Contains(b.Inode));
    }

    // docker-proxy and the host's own connections to the container show only here.
    private void ListHostSide()
    {
        // The other ends of the container's unix sockets say which engine it talks to.
        HashSet<ulong> ends = [.. spaces.SelectMany(space => space.Sockets.Entries).Where(socket => socket is { Protocol: "unix", Inode: not 0 }).Select(socket => socket.Inode)];
        foreach (NetworkSpace space in hostSide)
        {
            space.ListSockets(socket => ends.Contains(socket.PeerInode) || IsOwn(socket.Local) || IsOwn(socket.Remote) || proxies.Exists(proxy => proxy.Sockets.Contains(socket.Inode)), Problem(space));
        }

        bool IsOwn(IPAddress? address) => address is not null && ownAddresses.Contains(PeerNames.Plain(address));
    }

    // Sockets no member holds may be a sharer's or, in the host's namespace, anybody's.
    private void FindForeignHolders()
    {
        List<NetworkSpace> all = [.. spaces, .. hostSide];
        HashSet<ulong> wanted = [.. all.SelectMany(s => s.Sockets.Inodes).Where(inode => scan.HoldersOf(inode).Count == 0)];
        HashSet<ulong> where = [.. all.Where(s => s.Sockets.Inodes.Overlaps(wanted)).Select(s => s.Inode)];
        if (wanted.Count > 0)
        {
            // The engine keeps sockets in the namespaces it makes, while it stands in its own.
            where.UnionWith(hostSide.Where(s => s.Side == "engine").Select(s => s.Inode));
        }

        HashSet<int> members = [.. membership.Members.Select(m => m.Facts.Pid)];
        foreach (ProcessFacts facts in membership.Seen.Values.Where(f => where.Contains(f.Namespaces.Network) && !members.Contains(f.Pid)))
        {
            scan.AddForeign(facts.Pid, wanted);
        }

        if (scan.IsForeignCut)
        {
            sink.AddGap("holders of sockets among processes that are not the container's", "the search ended at its limit");
        }
    }

    private async Task LearnPeersAsync(Func<CancellationToken, Task<IReadOnlyList<NamedAddresses>>> others, CancellationToken ct)
    {
        IReadOnlyList<NamedAddresses> known = [];
        try
        {
            known = await others(ct);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException or Evidence.OperatorException)
        {
            sink.AddGap("names of other containers by address", failure.Message);
        }

        foreach (IPAddress address in ownAddresses)
        {
            peers.Add(address.ToString(), "itself");
        }

        peers.Add(container, known);
        foreach (NetworkSpace space in hostSide.Concat(spaces.Where(s => membership.HostNamespaces.Contains(s.Inode))))
        {
            foreach (IPAddress address in space.OwnAddresses)
            {
                peers.Add(address.ToString(), "host");
            }
        }
    }

    private async Task WriteSocketsAsync(SocketOwners holders, CancellationToken ct)
    {
        await using RowLines lines = new(sink.Create("sockets.jsonl", new ItemOptions("sock_diag and /proc/net of each network namespace, /proc/PID/fd")));
        foreach (NetworkSpace space in spaces.Concat(hostSide))
        {
            foreach (SocketEntry socket in space.Sockets.Entries)
            {
                IReadOnlyList<OwnerFacts> owners = await holders.OfAsync(socket.Inode, ct);
                if (socket.Family == Libc.AF_NETLINK && socket.PortId == 0 && owners.Count == 0)
                {
                    // The kernel's own end of each netlink family: a dozen in every namespace. They stand in the raw table.
                    continue;
                }

                await lines.WriteAsync(json => NetworkLines.WriteSocket(json, space, socket, owners, peers), ct);
            }
        }

        foreach (SocketEntry socket in unlisted)
        {
            IReadOnlyList<OwnerFacts> owners = await holders.OfAsync(socket.Inode, ct);
            await lines.WriteAsync(json => NetworkLines.WriteSocket(json, socket, owners, peers), ct);
        }

        await lines.CompleteAsync(null, ct);
    }
}
