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

    /// <summary>Writes <c>conntrack.jsonl</c>.</summary>
    public static async Task WriteAsync(
        IEnumerable<NetworkSpace> spaces, IReadOnlySet<IPAddress> ownAddresses, PeerNames peers, IEvidenceSink sink, CancellationToken ct)
    {
        await using RowLines lines = new(sink.Create("conntrack.jsonl", new ItemOptions("/proc/net/nf_conntrack of each network namespace")));
        byte[] piece = new byte[256 * 1024];
        foreach (NetworkSpace space in spaces)
        {
            (Descriptor? file, int errno) = space.Tables.GetValueOrDefault("nf_conntrack", (null, Libc.ENOENT));
            string sought = $"tracked flows of network namespace {space.Inode} ({space.Side})";
            if (file is null)
            {
                sink.AddGap(sought, errno == Libc.ENOENT ? "the kernel has no /proc/net/nf_conntrack: connection tracking is not loaded or not shown there" : Libc.Describe(errno));
                continue;
            }

            LineCutter cutter = new();
            List<ConntrackLine> flows = [];
            int malformed = 0;
            void Take(ReadOnlySpan<byte> line)
            {
                if (ConntrackLine.Parse(line) is not { } flow)
                {
                    malformed += line.IsEmpty ? 0 : 1;
                }
                else if (space.Side == "container" || flow.Touches(ownAddresses))
                {
                    flows.Add(flow);
                }
            }

            int count;
            long total = 0;
            while ((count = file.Read(piece, out errno)) > 0 && (total += count) < MaxTableBytes)
            {
                cutter.Feed(piece.AsSpan(0, count), Take);
                await WriteFlowsAsync();
            }

            cutter.End(Take);
            await WriteFlowsAsync();
            if (count != 0)
            {
                sink.AddGap(sought, count < 0 ? Libc.Describe(errno) : $"cut at {MaxTableBytes} bytes");
            }

            if (malformed > 0)
            {
                sink.AddGap(sought, $"{malformed} lines were not of the known form");
            }

            async Task WriteFlowsAsync()
            {
                foreach (ConntrackLine flow in flows)
                {
                    await lines.WriteAsync(json => NetworkLines.WriteConntrack(json, space, flow, peers), ct);
                }

                flows.Clear();
            }
        }

        await lines.CompleteAsync(null, ct);
    }
}
