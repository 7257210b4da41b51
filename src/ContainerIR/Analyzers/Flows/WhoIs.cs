using System.Net;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers.Flows;

/// <summary>
/// Finds whose a flow was: the tracked flows of a bundle say which addresses stand for which, its sockets say which process held the container's end.
/// An end may be given as it was on the wire, on the host, or in the container.
/// </summary>
public static class WhoIs
{
    private const int MaxAnswers = 1000;

    /// <summary>Asks one bundle.</summary>
    /// <param name="bundle">Its folder.</param>
    /// <param name="question">The flow.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Best first; empty when it is none of this container.</returns>
    /// <exception cref="OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static IReadOnlyList<FlowAnswer> Find(string bundle, FlowQuestion question, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(question);
        Scene scene = Scene.Open(bundle, ct);
        NetworkPlaces places = NetworkPlaces.Of(scene);
        List<TrackedLeg> legs = [.. Legs(scene, question, ct).Take(MaxAnswers)];
        FlowAnswer blank = new()
        {
            ContainerName = DisplayText.Shorten(scene.Record.ContainerName ?? "", 256),
            ContainerId = DisplayText.Shorten(scene.Record.ContainerId ?? "", 128),
            BundleId = DisplayText.Shorten(scene.Record.BundleId, 64),
            TakenAt = places.TakenAt,
            Kind = "flow",
            Protocol = "",
        };
        List<FlowAnswer> answers = [];
        HashSet<TrackedLeg> explained = [];
        foreach ((FindingPlace place, SocketRow socket) in scene.Sockets(ct))
        {
            if (answers.Count < MaxAnswers && OfSocket(scene, places, question, legs, explained, blank, place, socket) is { } answer)
            {
                answers.Add(answer);
            }
        }

        answers.AddRange(legs.Where(leg => !explained.Contains(leg)).Select(leg => blank with
        {
            Protocol = leg.Row.Protocol,
            State = leg.Row.State,
            Path = leg.Path,
            Where = [leg.Place],
            Notes = ["no socket of the container was there for it when the bundle was made: it had ended, or is another's in the same network"],
        }));
        answers.AddRange(places.Published.Where(port => port.IsAt(question.End) || (question.Peer is { } peer && port.IsAt(peer))).Select(port => blank with
        {
            Kind = "published port",
            Protocol = port.Protocol,
            Path = [$"{port.Host} of the host is carried to {port.Inside} by the engine's proxy"],
            Where = [places.Place],
            Notes = ["behind the proxy the container sees the gateway's address in place of the client's"],
        }));
        // Where both ends were asked for and found, who else might have taken it is of no interest.
        bool isFound = question.Peer is not null && answers.Exists(answer => answer.Kind == "flow");
        return [.. answers.Where(answer => !isFound || answer.Kind == "flow").Select(answer => Dated(answer, question)).OrderBy(answer => answer.Rank)];
    }

    private static FlowAnswer? OfSocket(
        Scene scene, NetworkPlaces places, FlowQuestion question, List<TrackedLeg> legs, HashSet<TrackedLeg> explained, FlowAnswer blank, FindingPlace place, SocketRow socket)
    {
        if (socket.IsHostSide || !IPAddress.TryParse(socket.LocalAddress, out IPAddress? address))
        {
            return null;
        }

        IPEndPoint local = new(FlowQuestion.Plain(address), socket.LocalPort);
        IPEndPoint? remote = socket.RemotePort > 0 && IPAddress.TryParse(socket.RemoteAddress, out address) ? new IPEndPoint(FlowQuestion.Plain(address), socket.RemotePort) : null;
        TrackedLeg[] own = remote is null ? [] : [.. legs.Where(leg => leg.Row.Protocol == socket.Protocol && leg.IsSeenAs(local, remote))];
        bool isAsked = own.Length > 0
            || (remote is not null && ((Same(local, question.End) && Same(remote, question.Peer)) || (Same(remote, question.End) && Same(local, question.Peer))));
        bool isListener = remote is null && socket.State is "LISTEN" or "UNCONN" or "CLOSE" && (places.IsListenerOf(local, question.End) || (question.Peer is { } peer && places.IsListenerOf(local, peer)));
        if (!isAsked && !isListener)
        {
            return null;
        }

        FlowProcess[] holders = [.. socket.Owners.Where(owner => owner.IsMember).Select(owner => ProcessOf(scene, owner))];
        explained.UnionWith(own);
        // Held by others only, or in the host's own network without a holder: not this container's.
        if (holders.Length == 0 && (socket.Owners.Count > 0 || places.IsHost(socket.NetworkNamespace)))
        {
            return null;
        }

        return blank with
        {
            Kind = isAsked ? "flow" : "listener",
            Protocol = socket.Protocol,
            State = socket.State,
            Path = own.Length > 0 ? [.. own.SelectMany(leg => leg.Path).Distinct()] : [remote is null ? $"{local} listens" : $"{local} with {remote}"],
            Processes = holders,
            Where = [place, .. own.Select(leg => leg.Place), .. holders.Select(holder => scene.Process(holder.Pid)?.Place).OfType<FindingPlace>()],
            Notes = holders.Length > 0 ? [] : ["no process held the socket any more"],
        };
    }

    private static FlowProcess ProcessOf(Scene scene, SocketOwner owner) => scene.Process(owner.Pid) is { } process
        ? new FlowProcess(owner.Pid, process.ExecutableLink, process.ExecutableSha256, process.CommandLine, process.StartedAt)
        : new FlowProcess(owner.Pid, owner.ExecutablePath ?? "", owner.ExecutableSha256, "", null);

    private static IEnumerable<TrackedLeg> Legs(Scene scene, FlowQuestion question, CancellationToken ct)
    {
        foreach ((FindingPlace place, ConntrackRow row) in scene.Rows("network", "conntrack.jsonl", ConntrackRow.Parse, ct))
        {
            if (TrackedLeg.Of(row, place) is { } leg && leg.IsAsked(question))
            {
                yield return leg;
            }
        }
    }

    private static bool Same(IPEndPoint end, IPEndPoint? asked) => asked is null || end.Equals(asked);

    private static FlowAnswer Dated(FlowAnswer answer, FlowQuestion question) => question.At is not { } at
        ? answer
        : answer with
        {
            Notes =
            [
                .. answer.Notes,
                .. answer.Processes.Where(process => process.StartedAt > at).Select(process => $"process {process.Pid} started after the time asked for: it was not the one"),
                .. (at - answer.TakenAt).Duration() > TimeSpan.FromSeconds(1) ? [$"read {Math.Abs((answer.TakenAt - at).TotalSeconds):F0} s {(answer.TakenAt > at ? "after" : "before")} the time asked for"] : Array.Empty<string>(),
            ],
        };
}

/// <summary>A tracked flow with its four ends.</summary>
internal sealed record TrackedLeg(ConntrackRow Row, FindingPlace Place, IPEndPoint From, IPEndPoint To, IPEndPoint AnswersFrom, IPEndPoint AnswersTo)
{
    public static TrackedLeg? Of(ConntrackRow row, FindingPlace place) =>
        End(row.OriginalSource, row.OriginalSourcePort) is { } from && End(row.OriginalDestination, row.OriginalDestinationPort) is { } to
        && End(row.ReplySource, row.ReplySourcePort) is { } answersFrom && End(row.ReplyDestination, row.ReplyDestinationPort) is { } answersTo
            ? new TrackedLeg(row, place, from, to, answersFrom, answersTo)
            : null;

    /// <summary>How it went, in words.</summary>
    public IReadOnlyList<string> Path =>
    [
        $"{From} -> {To} as it was opened",
        .. Row.IsTranslated
            ? [$"{AnswersTo} -> {AnswersFrom} after translation of {(From.Equals(AnswersTo) ? "the destination" : To.Equals(AnswersFrom) ? "the source" : "both ends")} (table of the {DisplayText.Shorten(Row.Side, 16)})"]
            : Array.Empty<string>(),
    ];

    /// <summary>Whether the asked ends are those of one of its forms: before and after translation, and between the two.</summary>
    public bool IsAsked(FlowQuestion question) => question.Peer is not { } peer
        ? new[] { From, To, AnswersFrom, AnswersTo }.Contains(question.End)
        : IsPair(question.End, peer, From, To) || IsPair(question.End, peer, AnswersTo, AnswersFrom) || IsPair(question.End, peer, From, AnswersFrom) || IsPair(question.End, peer, AnswersTo, To);

    /// <summary>Whether a socket with these ends is an end of it.</summary>
    public bool IsSeenAs(IPEndPoint local, IPEndPoint remote) =>
        (local.Equals(From) && remote.Equals(To)) || (local.Equals(AnswersFrom) && remote.Equals(AnswersTo)) || (local.Equals(From) && remote.Equals(AnswersFrom)) || (local.Equals(AnswersFrom) && remote.Equals(From));

    private static bool IsPair(IPEndPoint a, IPEndPoint b, IPEndPoint one, IPEndPoint other) => (a.Equals(one) && b.Equals(other)) || (a.Equals(other) && b.Equals(one));

    private static IPEndPoint? End(string address, int port) => IPAddress.TryParse(address, out IPAddress? parsed) ? new IPEndPoint(FlowQuestion.Plain(parsed), port) : null;
}

/// <summary>What <c>namespaces.json</c> says of addresses.</summary>
internal sealed class NetworkPlaces
{
    private readonly HashSet<long> hostNamespaces = [];
    private readonly HashSet<IPAddress> addresses = [];

    public FindingPlace Place { get; private init; } = new("");

    public DateTimeOffset TakenAt { get; private init; }

    public List<PublishedPort> Published { get; } = [];

    public static NetworkPlaces Of(Scene scene)
    {
        (JsonElement root, FindingPlace place) = scene.ReadDocument("network", "network/namespaces.json", "namespaces.json");
        long? readAt = scene.Record.Items.FirstOrDefault(item => item.Collector == "network")?.OpenedAtNs;
        NetworkPlaces places = new() { Place = place, TakenAt = DateTimeOffset.UnixEpoch.AddTicks((readAt ?? scene.Record.SealedAtNs ?? 0) / 100) };
        foreach (JsonElement space in root.Items("namespaces"))
        {
            if (space.Flag("host"))
            {
                places.hostNamespaces.Add(space.Number("inode") ?? 0);
            }

            foreach (string text in space.Items("interfaces").SelectMany(link => link.Texts("addresses")))
            {
                if (IPAddress.TryParse(text.Split('/')[0], out IPAddress? address))
                {
                    places.addresses.Add(address);
                }
            }
        }

        foreach (JsonElement port in root.Items("published_ports"))
        {
            if (IPAddress.TryParse(port.Text("host_address"), out IPAddress? host) && IPAddress.TryParse(port.Text("container_address"), out IPAddress? inside)
                && port.Number("host_port") is > 0 and < 65536 and var hostPort && port.Number("container_port") is > 0 and < 65536 and var containerPort)
            {
                places.Published.Add(new PublishedPort(DisplayText.Shorten(port.Text("protocol") ?? "tcp", 16), new IPEndPoint(host, (int)hostPort), new IPEndPoint(inside, (int)containerPort)));
            }
        }

        return places;
    }

    public bool IsHost(long space) => hostNamespaces.Contains(space);

    /// <summary>Whether who listens here takes what is sent there.</summary>
    public bool IsListenerOf(IPEndPoint local, IPEndPoint asked) =>
        local.Port == asked.Port && (local.Address.Equals(asked.Address) || (IsAny(local.Address) && addresses.Contains(asked.Address)));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}

/// <summary>A port of the host that the engine carries to the container.</summary>
internal sealed record PublishedPort(string Protocol, IPEndPoint Host, IPEndPoint Inside)
{
    /// <summary>Whether this end is the port at the host. On all addresses of the host any address but the container's own counts.</summary>
    public bool IsAt(IPEndPoint end) => end.Port == Host.Port
        && (end.Address.Equals(Host.Address) || ((Host.Address.Equals(IPAddress.Any) || Host.Address.Equals(IPAddress.IPv6Any)) && !end.Address.Equals(Inside.Address)));
}
