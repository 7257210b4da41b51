using System.Text;
using ContainerIR.Collectors.Mounts;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Stores;

namespace ContainerIR.Collectors;

/// <summary>Where the layers of a container lie on the host.</summary>
internal sealed record LayerPaths
{
    /// <summary>The writable layer.</summary>
    public required byte[] Upper { get; init; }

    /// <summary>The layers below, topmost first.</summary>
    public required IReadOnlyList<byte[]> Lowers { get; init; }

    /// <summary>Whether overlay marks are <c>user.overlay.*</c>.</summary>
    public required bool UserXattr { get; init; }

    /// <summary>Who named them: <c>mount-table</c> or <c>engine</c>.</summary>
    public required string FoundBy { get; init; }

    /// <summary>Where the container has other file systems over its root, as its first process sees them; without the root.</summary>
    public required IReadOnlyList<byte[]> MountPoints { get; init; }

    /// <summary>What the mount table and the engine do not agree on; each is a gap.</summary>
    public required IReadOnlyList<string> Disagreements { get; init; }

    /// <summary>Finds them: by the mount table of the container's first process, checked against the engine's word; by the engine alone for a container without processes.</summary>
    /// <param name="container">The container.</param>
    /// <param name="engineRoot">The engine's data directory, for mounts made with relative paths; null when unknown.</param>
    /// <param name="whyNot">Why there are none; empty when there are.</param>
    public static LayerPaths? Find(ContainerRef container, string? engineRoot, out string whyNot)
    {
        IReadOnlyList<ProcMount> table = [];
        List<string> remarks = [];
        if (container.HasProcesses)
        {
            table = ReadTable(container.InitPid, remarks);
        }

        return Find(container, table, engineRoot, remarks, out whyNot);
    }

    /// <summary>The same, and where that finds none: in the engine's data directory, by what its storage driver's own files say.</summary>
    /// <param name="runtime">The engine; null where there is none.</param>
    /// <param name="container">The container.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The layers, or why there are none.</returns>
    public static async Task<(LayerPaths? Paths, string WhyNot)> FindAsync(IContainerRuntime? runtime, ContainerRef container, CancellationToken ct)
    {
        LayerPaths? paths = Find(container, engineRoot: null, out string whyNot);
        if (paths is not null || runtime is null)
        {
            return (paths, whyNot);
        }

        try
        {
            string root = (await runtime.ReadFactsAsync(ct)).RootDirectory;
            paths = root.Length > 0 ? Find(container, root, out whyNot) : null;
            if (paths is null && root.Length > 0 && !container.StorageData.ContainsKey("UpperDir"))
            {
                string prefix = EngineProcess.Find(runtime.Endpoint)?.PathPrefix() ?? "";
                IReadOnlyDictionary<string, string> stored = DockerStore.TryOpen(prefix + root)?.StorageDataOf(container.StorageDriver ?? "", container.Id) ?? container.StorageData;
                paths = stored.Count > 0 ? Find(container with { StorageData = stored }, root, out whyNot) : null;
            }
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            whyNot = $"{whyNot}; {failure.Message}";
        }

        return (paths, whyNot);
    }

    /// <summary>The same from a mount table already read.</summary>
    internal static LayerPaths? Find(ContainerRef container, IReadOnlyList<ProcMount> table, string? engineRoot, List<string> remarks, out string whyNot)
    {
        OverlayOptions? word = EngineWord(container);
        List<ProcMount> roots = [.. table.Where(row => row.MountPoint.AsSpan().SequenceEqual("/"u8))];
        List<byte[]> mountPoints = [.. table.Select(row => row.MountPoint).Where(point => !point.AsSpan().SequenceEqual("/"u8))];
        ProcMount? root = roots.LastOrDefault();
        OverlayOptions? mounted = root?.FileSystem == "overlay" ? Resolved(OverlayOptions.Parse(root.SuperOptions), container, word, engineRoot) : null;

        if (mounted?.Upper is not null && word?.Upper is not null && !SameDirectory(mounted.Upper, word.Upper))
        {
            remarks.Add($"the mount table names {DisplayText.Escape(mounted.Upper)} as writable layer, the engine {DisplayText.Escape(word.Upper)}: the engine's was read, "
                + "because a process with the right to mount can put another root over its own");
            mounted = null;
        }
        else if (mounted is not null && word is not null && !SameDirectories(mounted.Lowers, word.Lowers))
        {
            remarks.Add($"the mount table names {mounted.Lowers.Count} lower layers, the engine {word.Lowers.Count}, or others: the mount table's were read");
        }
        else if (root is not null && root.FileSystem != "overlay" && word?.Upper is not null)
        {
            remarks.Add($"the mount table names a root of type {DisplayText.Escape(root.FileSystem)}, the engine an overlay: the engine's layers were read");
        }

        OverlayOptions? chosen = mounted?.Upper is not null ? mounted : word;
        if (chosen?.Upper is null)
        {
            string error = container.StorageData.TryGetValue(DockerStore.LayerError, out string? said) ? $"; {DisplayText.Escape(said)}" : "";
            string driver = container.StorageDriver is { Length: > 0 } name ? $"storage driver {DisplayText.Escape(name)}" : "unknown storage driver";
            whyNot = root is { FileSystem: "overlay" } && OverlayOptions.Parse(root.SuperOptions) is { IsRelative: true, Upper: not null }
                ? $"{driver}: the mount names its layers relative to a directory, and below none that the engine names are they there"
                : root is { FileSystem: not "overlay" }
                ? $"{driver}, root file system of type {DisplayText.Escape(root.FileSystem)}: its writable layer is not a directory this version can read"
                : $"{driver}: neither the mount table nor the engine names a writable layer{error}";
            return null;
        }

        whyNot = "";
        return new()
        {
            Upper = chosen.Upper,
            Lowers = chosen.Lowers,
            UserXattr = chosen.UserXattr,
            FoundBy = mounted?.Upper is not null ? "mount-table" : "engine",
            MountPoints = [.. table.Count > 0 ? mountPoints : ExpectedMounts.UsualPlaces.Select(Encoding.UTF8.GetBytes), .. container.Mounts.Select(mount => Encoding.UTF8.GetBytes(mount.Destination))],
            Disagreements = remarks,
        };
    }

    private static List<ProcMount> ReadTable(int pid, List<string> remarks)
    {
        using ProcEntry? process = ProcEntry.Open(pid, out int errno);
        Bytes raw = new([], false, errno);
        List<ProcMount> table = process is null ? [] : ProcMounts.Read(process, out raw).All;
        if (!raw.IsRead || raw.IsCut)
        {
            string why = raw.IsRead ? $"cut after {raw.Content.Length} bytes" : Libc.Describe(raw.Errno);
            remarks.Add($"mount table of process {pid}: {why}; {(table.Count == 0 ? "the engine's word was taken alone" : "what was read of it was used")}");
        }

        return table;
    }

    private static OverlayOptions? EngineWord(ContainerRef container) =>
        container.StorageData.TryGetValue("UpperDir", out string? upper) && upper.Length > 0
            ? new(
                Encoding.UTF8.GetBytes(upper),
                container.StorageData.TryGetValue("LowerDir", out string? lower) ? OverlayOptions.SplitLowers(Encoding.UTF8.GetBytes(lower)) : [],
                UserXattr: false)
            : null;

    /// <summary>Mounts with many layers are made from the driver's own directory with paths relative to it (the options of a mount end at one page).</summary>
    private static OverlayOptions? Resolved(OverlayOptions options, ContainerRef container, OverlayOptions? word, string? engineRoot)
    {
        if (!options.IsRelative || options.Upper is null)
        {
            return options;
        }

        List<byte[]> homes = [];
        if (word?.Upper is { } full && full.AsSpan().EndsWith(options.Upper) && full.Length > options.Upper.Length + 1)
        {
            homes.Add(full[..(full.Length - options.Upper.Length - 1)]);
        }

        if (engineRoot is not null)
        {
            homes.Add(Encoding.UTF8.GetBytes($"{engineRoot.TrimEnd('/')}/{container.StorageDriver ?? "overlay2"}"));
        }

        return homes.Select(options.Below).FirstOrDefault(at => CanOpen(at.Upper!) && at.Lowers.All(CanOpen));
    }

    private static bool CanOpen(byte[] path) => KeyOf(path) is not null;

    private static bool SameDirectory(byte[] one, byte[] other) => one.AsSpan().SequenceEqual(other) || (KeyOf(one) is { } key && key == KeyOf(other));

    private static bool SameDirectories(IReadOnlyList<byte[]> ones, IReadOnlyList<byte[]> others) =>
        ones.Count == others.Count && ones.Zip(others).All(pair => SameDirectory(pair.First, pair.Second));

    private static ObjectKey? KeyOf(byte[] path)
    {
        try
        {
            using PrivateTree tree = PrivateTree.Open(path);
            StatX stat = default;
            return Nodes.Stat(tree.Descriptor, ref stat) ? ObjectKey.Of(stat) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
