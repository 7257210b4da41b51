using System.Net;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Networks;

/// <summary>
/// Copies tracked flows: all of the container's namespaces, and those of the engine's and host's that touch its addresses. Flows between two
/// containers stand only in their own tables; what was translated stands in the host's.
/// </summary>
internal static class ConntrackCopy
{
    private const long MaxTableBytes = 256L << 20;

    // Above this the flows are taken from the text table, which is read as a stream.
    private const int MaxHeldFlows = 50_000;

    /// <summary>Writes <c>conntrack.jsonl</c> and joins the flows.</summary>
    public static async Task WriteAsync(
        IEnumerable<NetworkSpace> spaces, IReadOnlySet<IPAddress> ownAddresses, PeerNames peers, FlowPairs pairs, IEvidenceSink sink, CancellationToken ct, int maxHeldFlows = MaxHeldFlows)
    {
        await using RowLines lines = new(sink.Create("conntrack.jsonl", new ItemOptions("ctnetlink or /proc/net/nf_conntrack of each network namespace")));
        foreach (NetworkSpace space in spaces)
        {
            bool IsWanted(TrackedFlow flow) => space.Side == "container" || flow.Touches(ownAddresses);
            Task WriteAllAsync(List<TrackedFlow> flows, string source) => ConntrackCopy.WriteAllAsync(lines, space, flows, source, peers, pairs, ct);
            string sought = $"tracked flows of network namespace {space.Inode} ({space.Side})";
            if (TryDump(space, IsWanted, maxHeldFlows, sought, sink) is { } dumped)
            {
                await WriteAllAsync(dumped, "ctnetlink");
            }
            else
            {
                await ReadTableAsync(space, IsWanted, sought, sink, flows => WriteAllAsync(flows, "proc"));
            }
        }

        await lines.CompleteAsync(null, ct);
    }

    private static async Task WriteAllAsync(
        RowLines lines, NetworkSpace space, List<TrackedFlow> flows, string source, PeerNames peers, FlowPairs pairs, CancellationToken ct)
    {
        foreach (TrackedFlow flow in flows)
        {
            pairs.Add(flow, space.Side);
            await lines.WriteAsync(json => NetworkLines.WriteConntrack(json, space, flow, source, peers), ct);
        }
    }

    // Null where the kernel does not answer, or answers more than is held at a time.
    private static List<TrackedFlow>? TryDump(NetworkSpace space, Func<TrackedFlow, bool> isWanted, int maxHeldFlows, string sought, IEvidenceSink sink)
    {
        List<TrackedFlow> flows = [];
        bool isTooMuch = false;
        DumpResult? result = space.ListFlows(
            flow =>
            {
                if (isWanted(flow) && !(isTooMuch |= flows.Count >= maxHeldFlows))
                {
                    flows.Add(flow);
                }
            },
            out int malformed);
        if (result is not { Errno: 0 } done || isTooMuch)
        {
            return null;
        }

        if (malformed > 0 || done.WasInterrupted)
        {
            sink.AddGap(sought, malformed > 0 ? $"{malformed} entries were not of the known form" : "the table changed while it was read: some may be missing or twice");
        }

        return flows;
    }

    private static async Task ReadTableAsync(
        NetworkSpace space, Func<TrackedFlow, bool> isWanted, string sought, IEvidenceSink sink, Func<List<TrackedFlow>, Task> writeAsync)
    {
        (Descriptor? file, int errno) = space.Tables.GetValueOrDefault("nf_conntrack", (null, Libc.ENOENT));
        if (file is null)
        {
            sink.AddGap(sought, errno == Libc.ENOENT ? "the kernel answers neither ctnetlink nor has it /proc/net/nf_conntrack: connection tracking is not loaded" : Libc.Describe(errno));
            return;
        }

        LineCutter cutter = new();
        List<TrackedFlow> flows = [];
        int malformed = 0;
        void Take(ReadOnlySpan<byte> line)
        {
            if (TrackedFlow.Parse(line) is not { } flow)
            {
                malformed += line.IsEmpty ? 0 : 1;
            }
            else if (isWanted(flow))
            {
                flows.Add(flow);
            }
        }

        byte[] piece = new byte[256 * 1024];
        int count;
        long total = 0;
        while ((count = file.Read(piece, out errno)) > 0 && (total += count) < MaxTableBytes)
        {
            cutter.Feed(piece.AsSpan(0, count), Take);
            await writeAsync(flows);
            flows.Clear();
        }

        cutter.End(Take);
        await writeAsync(flows);
        if (count != 0)
        {
            sink.AddGap(sought, count < 0 ? Libc.Describe(errno) : $"cut at {MaxTableBytes} bytes");
        }

        if (malformed > 0)
        {
            sink.AddGap(sought, $"{malformed} lines were not of the known form");
        }
    }
}
