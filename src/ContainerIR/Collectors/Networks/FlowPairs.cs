using System.Net;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Networks;

/// <summary>Who talks to whom: connections of sockets and tracked flows, those of the same two ends and service as one row.</summary>
internal sealed class FlowPairs(PeerNames peers, string ownName)
{
    private const int MaxPairs = 65_536;
    private const int MaxPorts = 65_536;
    private readonly Dictionary<(string Protocol, IPAddress From, IPAddress To, int Port), Pair> pairs = [];
    private long left;

    /// <summary>Adds a tracked flow: from who opened it to where it really went.</summary>
    public void Add(TrackedFlow flow, string side)
    {
        if (flow.Original.Source is not { } from || (flow.Reply.Source ?? flow.Original.Destination) is not { } to)
        {
            return;
        }

        if (PairOf(flow.Protocol, from, to, flow.Reply.SourcePort) is { } pair)
        {
            pair.Take(flow.Original.SourcePort, flow.State, $"conntrack of the {side}");
            if (!Equals(flow.Original.Destination, flow.Reply.Source) || flow.Original.DestinationPort != flow.Reply.SourcePort)
            {
                pair.Via.Add(new IPEndPoint(flow.Original.Destination ?? IPAddress.Any, flow.Original.DestinationPort).ToString());
            }

            if (!Equals(flow.Reply.Destination, flow.Original.Source) && flow.Reply.Destination is { } seenAs)
            {
                pair.SeenAs.Add(seenAs.ToString());
            }
        }
    }

    /// <summary>Adds the connections of a namespace, after the tracked flows. Whoever listens on the port, or is known to have been called, was called; else it called.</summary>
    public void Add(NetworkSpace space)
    {
        HashSet<(string, int)> listening = [.. space.Sockets.Entries.Where(s => s.State == "LISTEN").Select(s => (s.Protocol, s.LocalPort))];
        foreach (SocketEntry socket in space.Sockets.Entries)
        {
            if (socket.Local is not { } local || socket.Remote is not { } remote || socket.RemotePort == 0 || peers.Of(remote) is null)
            {
                continue;
            }

            (local, remote) = (PeerNames.Plain(local), PeerNames.Plain(remote));
            bool isCalled = listening.Contains((socket.Protocol, socket.LocalPort)) || pairs.ContainsKey((socket.Protocol, remote, local, socket.LocalPort));
            Pair? pair = isCalled ? PairOf(socket.Protocol, remote, local, socket.LocalPort) : PairOf(socket.Protocol, local, remote, socket.RemotePort);
            pair?.Take(isCalled ? socket.RemotePort : socket.LocalPort, socket.State, $"sockets of the {space.Side}");
        }
    }

    /// <summary>Writes <c>connections.jsonl</c>.</summary>
    public async Task WriteAsync(IEvidenceSink sink, CancellationToken ct)
    {
        await using RowLines lines = new(sink.Create("connections.jsonl", new ItemOptions("sockets and tracked flows, joined")));
        foreach (((string protocol, IPAddress from, IPAddress to, int port), Pair pair) in pairs)
        {
            await lines.WriteAsync(
                json =>
                {
                    json.WriteString("protocol", protocol);
                    json.WriteString("from", Name(from));
                    json.WriteString("from_address", from.ToString());
                    json.WriteString("to", Name(to));
                    json.WriteString("to_address", to.ToString());
                    json.WriteNumber("to_port", port);
                    json.WriteNumber("connections", pair.Ports.Count);
                    Texts("states", pair.States);
                    Texts("via", pair.Via);
                    Texts("seen_as", pair.SeenAs);
                    Texts("seen_by", pair.SeenBy);

                    void Texts(string name, SortedSet<string> texts)
                    {
                        if (texts.Count > 0)
                        {
                            json.WriteStartArray(name);
                            foreach (string text in texts)
                            {
                                json.WriteStringValue(text);
                            }

                            json.WriteEndArray();
                        }
                    }
                },
                ct);
        }

        await lines.CompleteAsync(null, ct);
        if (left > 0)
        {
            sink.AddGap("who talks to whom", $"only the first {MaxPairs} pairs are joined; {left} connections more stand in sockets.jsonl and conntrack.jsonl");
        }
    }

    private string Name(IPAddress address) => peers.Of(address) is "itself" or null ? "container " + ownName : peers.Of(address)!;

    private Pair? PairOf(string protocol, IPAddress from, IPAddress to, int port)
    {
        if (pairs.TryGetValue((protocol, from, to, port), out Pair? pair))
        {
            return pair;
        }

        if (pairs.Count >= MaxPairs)
        {
            left++;
            return null;
        }

        return pairs[(protocol, from, to, port)] = new Pair();
    }

    private sealed class Pair
    {
        private const int MaxTexts = 64;

        public HashSet<int> Ports { get; } = [];

        public SortedSet<string> States { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> Via { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> SeenAs { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> SeenBy { get; } = new(StringComparer.Ordinal);

        public void Take(int port, string state, string by)
        {
            if (Ports.Count < MaxPorts)
            {
                Ports.Add(port);
            }

            if (state.Length > 0 && States.Count < MaxTexts)
            {
                States.Add(state);
            }

            SeenBy.Add(by);
        }
    }
}
