using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>The engine: who of the container talks to it, whether its programs are what was installed, and whether it listens for everybody.</summary>
internal sealed class EngineAnalyzer : IAnalyzer
{
    private const int MaxSockets = 100_000;
    private static readonly Rule InUse = RuleList.Of("CIR-019");
    private static readonly Rule Tampered = RuleList.Of("CIR-017");
    private static readonly Rule Exposed = RuleList.Of("CIR-025");
    private static readonly string[] EngineSockets = ["docker.sock", "containerd.sock", "crio.sock", "podman.sock", "dockershim.sock", "cri-dockerd.sock"];

    public string Name => "engine";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct) => OfSockets(scene, ct).Concat(OfHost(scene));

    private static IEnumerable<Finding> OfSockets(Scene scene, CancellationToken ct)
    {
        Dictionary<long, string> engine = [];
        List<(FindingPlace Place, SocketRow Row)> own = [];
        foreach ((FindingPlace place, SocketRow row) in scene.Sockets(ct))
        {
            if (row.Protocol != "unix" || own.Count == MaxSockets)
            {
                continue;
            }

            if (row.Inode != 0 && row.Name is { } name && EngineSockets.Contains(SeenProcess.LastOf(name)))
            {
                engine[row.Inode] = name;
            }

            if (row.PeerInode != 0 && row.Owners.Any(owner => owner.IsMember))
            {
                own.Add((place, row));
            }
        }

        foreach ((FindingPlace place, SocketRow row) in own)
        {
            if (engine.TryGetValue(row.PeerInode, out string? name) && row.Owners.Where(owner => owner.IsMember).Select(owner => scene.Process(owner.Pid)).OfType<SeenProcess>().FirstOrDefault() is { } process)
            {
                yield return new Finding(InUse, InUse.Severity, process.Seen(SeenValue.Of("engine_socket", name), new("peer_inode", row.PeerInode.ToString(System.Globalization.CultureInfo.InvariantCulture))), place);
            }
        }
    }

    private static IEnumerable<Finding> OfHost(Scene scene)
    {
        (JsonElement engine, FindingPlace place) = scene.Document("host-context", "engine.json");
        foreach (JsonElement program in engine.Items("programs"))
        {
            if ((program.Text("state") ?? "").StartsWith("CHANGED", StringComparison.Ordinal))
            {
                yield return new Finding(
                    Tampered, Tampered.Severity,
                    [SeenValue.Of("path", program.Text("path") ?? ""), SeenValue.Of("sha256", program.Text("sha256") ?? ""), SeenValue.Of("package", program.Text("package") ?? ""), SeenValue.Of("changed", program.Text("changed") ?? "")],
                    place);
            }
        }

        string[] listeners = [.. engine.Texts("listeners").Where(listener => listener.StartsWith("tcp ", StringComparison.Ordinal))];
        if (listeners.Length > 0 && !engine.Flag("tls"))
        {
            List<SeenValue> seen = [.. listeners.Select(listener => SeenValue.OfRaw("listener", listener)), new("tls", "no --tls among the engine's arguments")];
            yield return listeners.All(listener => listener["tcp ".Length..].StartsWith("127.", StringComparison.Ordinal) || listener.Contains("[::1]", StringComparison.Ordinal) || listener.StartsWith("tcp ::1", StringComparison.Ordinal))
                ? new Finding(Exposed, Severity.Medium, seen, place, "it listens to this host alone: a laboratory looks so")
                : new Finding(Exposed, Exposed.Severity, seen, place);
        }
    }
}
