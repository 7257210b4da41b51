using System.Globalization;
using System.Text;
using ContainerIR.Linux;

namespace ContainerIR.Runtimes.Stores;

/// <summary>
/// Where containerd's overlay snapshotter keeps the layers of a container: an engine with a containerd store (Docker 29) names no directories, and a stopped container
/// has no mount table. The snapshotter's database has, under <c>v1/snapshots</c>, a bucket <c>NAMESPACE/NUMBER/NAME</c> for each snapshot with its directory's number
/// (<c>id</c>, a varint) and the key it stands on (<c>parent</c>); the engine names a container's snapshot by the container's id (containerd: snapshots/storage/bolt.go,
/// metadata/snapshot.go; moby: daemon/containerd/image_snapshot.go).
/// </summary>
internal static class ContainerdSnapshots
{
    private const int MaxSnapshots = 500_000;
    private const int MaxLayers = 1024;

    /// <summary>The snapshotters whose layers are directories for overlay, the usual one first.</summary>
    public static IReadOnlyList<string> Overlays { get; } = ["overlayfs", "fuse-overlayfs"];

    /// <summary>The layers of a container.</summary>
    /// <param name="engineRoot">The engine's data directory, true for us.</param>
    /// <param name="driver">The storage driver the engine names: the snapshotter's name.</param>
    /// <param name="id">The container's id.</param>
    /// <returns>The writable layer and those below, topmost first; null when no such snapshotter knows the container.</returns>
    /// <exception cref="IOException">Its database cannot be read.</exception>
    /// <exception cref="InvalidDataException">Its database is damaged.</exception>
    public static (string Upper, IReadOnlyList<string> Lowers)? Find(string engineRoot, string driver, string id)
    {
        foreach (string home in Overlays.Contains(driver) ? HomesOf(engineRoot).Select(folder => $"{folder}/io.containerd.snapshotter.v1.{driver}") : [])
        {
            if (HostFile.TryStat($"{home}/metadata.db") is null)
            {
                continue;
            }

            using BoltFile database = BoltFile.Open($"{home}/metadata.db");
            if (database.Read(root => ChainOf(database, root, id)) is { Count: > 0 } chain)
            {
                string[] layers = [.. chain.Select(number => string.Create(CultureInfo.InvariantCulture, $"{home}/snapshots/{number}/fs"))];
                return (layers[0], layers[1..]);
            }
        }

        return null;
    }

    /// <summary>Data directories of a containerd an engine may use: its own, and the one beside it.</summary>
    public static IEnumerable<string> HomesOf(string engineRoot) => [$"{engineRoot}/containerd/daemon", $"{engineRoot[..Math.Max(engineRoot.LastIndexOf('/'), 0)]}/containerd"];

    private static List<ulong> ChainOf(BoltFile database, IEnumerable<BoltEntry> root, string id)
    {
        Dictionary<string, (ulong Number, string Parent)> all = [];
        string? key = null;
        foreach (BoltEntry snapshot in In(database, In(database, root, "v1"), "snapshots"))
        {
            if (all.Count >= MaxSnapshots)
            {
                throw new InvalidDataException($"it has more than {MaxSnapshots} snapshots");
            }

            string name = Encoding.UTF8.GetString(snapshot.Key);
            if (!snapshot.IsBucket)
            {
                continue;
            }

            key = name.EndsWith("/" + id, StringComparison.Ordinal) ? name : key;
            List<BoltEntry> fields = [.. database.Within(snapshot)];
            all[name] = (Number(fields.Find(field => field.Key.AsSpan().SequenceEqual("id"u8)).Value.Span), Encoding.UTF8.GetString(fields.Find(field => field.Key.AsSpan().SequenceEqual("parent"u8)).Value.Span));
        }

        List<ulong> chain = [];
        while (!string.IsNullOrEmpty(key))
        {
            if (!all.TryGetValue(key, out (ulong Number, string Parent) snapshot) || snapshot.Number == 0 || chain.Count >= MaxLayers)
            {
                throw new InvalidDataException("a snapshot stands on one that is not there, or on itself");
            }

            chain.Add(snapshot.Number);
            key = snapshot.Parent;
        }

        return chain;
    }

    private static IEnumerable<BoltEntry> In(BoltFile database, IEnumerable<BoltEntry> entries, string name)
    {
        byte[] key = Encoding.UTF8.GetBytes(name);
        return entries.Where(entry => entry.IsBucket && entry.Key.AsSpan().SequenceEqual(key)).Take(1).SelectMany(database.Within);
    }

    // encoding/binary's Uvarint: seven bits a byte, the lowest first.
    private static ulong Number(ReadOnlySpan<byte> value)
    {
        ulong number = 0;
        for (int i = 0; i < value.Length && i < 10; i++)
        {
            number |= (ulong)(value[i] & 0x7F) << (7 * i);
            if (value[i] < 0x80)
            {
                return number;
            }
        }

        return 0;
    }
}
