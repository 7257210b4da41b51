using System.Globalization;
using ContainerIR.Diffs;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>What a bundle known to be good had: programs, listeners, peers, changed files.</summary>
public sealed class Baseline
{
    private const int MaxEntries = 500_000;
    private readonly HashSet<string> programs = [];
    private readonly HashSet<string> listeners = [];
    private readonly HashSet<string> peers = [];
    private readonly HashSet<string> files = [];

    private Baseline(string imageId, string bundleId, IReadOnlyList<string> notExamined) => (ImageId, BundleId, NotExamined) = (imageId, bundleId, notExamined);

    internal string ImageId { get; }

    internal string BundleId { get; }

    /// <summary>What of it could not be read: the container would look newer than it is.</summary>
    internal IReadOnlyList<string> NotExamined { get; }

    /// <summary>Reads a bundle.</summary>
    /// <param name="bundle">Its folder.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="OperatorException">It is no sealed bundle, or its record is not as it was sealed.</exception>
    public static Baseline Read(string bundle, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        Scene scene = Scene.Open(bundle, ct);
        HashSet<string> programs = [.. scene.Processes.Select(ProgramOf)], listeners = [], peers = [];
        foreach ((_, SocketRow row) in Own(scene, ct))
        {
            if (IsListener(row))
            {
                listeners.Add(ListenerOf(row));
            }
            else if (IsConnected(row))
            {
                peers.Add(PeerOf(row));
            }
        }

        HashSet<string> files = [.. scene.Changes(ct).Where(change => IsChange(change.Entry)).Select(change => change.Entry.DisplayPath).Take(MaxEntries)];
        Baseline baseline = new(scene.Inspect.Text("Image") ?? "", scene.Record.BundleId, [.. scene.NotExamined]);
        baseline.programs.UnionWith(programs);
        baseline.listeners.UnionWith(listeners);
        baseline.peers.UnionWith(peers);
        baseline.files.UnionWith(files);
        return baseline;
    }

    internal bool HasProgram(SeenProcess process) => programs.Contains(ProgramOf(process));

    internal bool HasListener(SocketRow row) => listeners.Contains(ListenerOf(row));

    internal bool HasPeer(SocketRow row) => peers.Contains(PeerOf(row));

    internal bool HasFile(DiffEntry entry) => files.Contains(entry.DisplayPath);

    /// <summary>Refuses a bundle of another image: everything would be new.</summary>
    /// <exception cref="OperatorException">The images differ or one is not known.</exception>
    internal void MustFit(Scene scene)
    {
        string other = scene.Inspect.Text("Image") ?? "";
        if (ImageId.Length == 0 || other != ImageId)
        {
            throw new OperatorException(
                $"The baseline is of image {DisplayText.Shorten(ImageId.Length > 0 ? ImageId : "unknown", 80)}, the container of {DisplayText.Shorten(other.Length > 0 ? other : "unknown", 80)}.", "Name a bundle of the same image.");
        }
    }

    internal static IEnumerable<(FindingPlace Place, SocketRow Row)> Own(Scene scene, CancellationToken ct) =>
        scene.Sockets(ct).Where(each => each.Row.Protocol is "tcp" or "udp" && !each.Row.IsHostSide && each.Row.Owners.Any(owner => owner.IsMember));

    internal static bool IsListener(SocketRow row) => row.State == "LISTEN" || (row.Protocol == "udp" && row.RemotePort == 0);

    internal static bool IsConnected(SocketRow row) => row.RemotePort != 0 && row.State is "ESTABLISHED" or "SYN_SENT" or "CLOSE_WAIT";

    internal static bool IsChange(DiffEntry entry) => entry.Kind is DiffKind.File or DiffKind.SymbolicLink && entry.Verdict is DiffVerdict.Added or DiffVerdict.Modified or DiffVerdict.Renamed or DiffVerdict.Deleted;

    // A name can be kept and its program changed: the digest tells, where it was made.
    private static string ProgramOf(SeenProcess process) => $"{process.ExecutablePath ?? process.ExecutableLink} {process.ExecutableSha256}";

    private static string ListenerOf(SocketRow row) => string.Create(CultureInfo.InvariantCulture, $"{row.Protocol} {row.LocalPort}");

    private static string PeerOf(SocketRow row) => string.Create(CultureInfo.InvariantCulture, $"{row.Protocol} {row.RemoteAddress}:{row.RemotePort}");
}
