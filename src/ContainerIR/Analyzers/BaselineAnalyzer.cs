using System.Globalization;
using ContainerIR.Diffs;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>What the baseline does not have.</summary>
internal sealed class BaselineAnalyzer(Baseline baseline) : IAnalyzer
{
    private static readonly Rule Program = RuleList.Of("BASE-001");
    private static readonly Rule Listener = RuleList.Of("BASE-002");
    private static readonly Rule Peer = RuleList.Of("BASE-003");
    private static readonly Rule File = RuleList.Of("BASE-004");

    public string Name => "baseline";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        baseline.MustFit(scene);
        foreach (string what in baseline.NotExamined)
        {
            scene.Note($"baseline: {what}");
        }

        SeenValue from = new("baseline", baseline.BundleId);
        foreach (SeenProcess process in scene.Processes.Where(process => !baseline.HasProgram(process)))
        {
            yield return new Finding(Program, Program.Severity, process.Seen(from), process.Place);
        }

        // Who connected to a listener of the container is a client, not a peer it chose.
        HashSet<(string, int)> doors = [.. Baseline.Own(scene, ct).Where(each => each.Row.State == "LISTEN").Select(each => (each.Row.Protocol, each.Row.LocalPort))];
        foreach ((FindingPlace place, SocketRow row) in Baseline.Own(scene, ct))
        {
            SeenValue socket = SeenValue.Of("socket", string.Create(CultureInfo.InvariantCulture, $"{row.Protocol} {row.State} {row.LocalAddress}:{row.LocalPort} -> {row.RemoteAddress}:{row.RemotePort}"));
            SeenValue owner = SeenValue.Of("exe", row.FirstOwner?.ExecutablePath ?? "unknown");
            if (Baseline.IsListener(row) && !baseline.HasListener(row))
            {
                yield return new Finding(Listener, Listener.Severity, [socket, owner, from], place);
            }
            else if (Baseline.IsConnected(row) && !doors.Contains((row.Protocol, row.LocalPort)) && !baseline.HasPeer(row))
            {
                yield return new Finding(Peer, Peer.Severity, [socket, owner, from], place);
            }
        }

        foreach ((FindingPlace place, DiffEntry entry) in scene.Changes(ct).Where(change => Baseline.IsChange(change.Entry) && !baseline.HasFile(change.Entry)))
        {
            yield return new Finding(File, File.Severity, [.. DiffAnalyzer.Seen(entry), from], place);
        }
    }
}
