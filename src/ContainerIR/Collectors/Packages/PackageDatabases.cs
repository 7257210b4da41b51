using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Overlays;

namespace ContainerIR.Collectors.Packages;

/// <summary>
/// The databases of the system's package managers as they stand in the container, with the layer each package came in: every layer that has its own copy
/// of a database is read, the lowest first, and a package belongs to the first copy that names it in its present version.
/// </summary>
internal sealed class PackageDatabases(LayerStack stack, Action<string, string> onGap)
{
    private const int FileLimitBytes = 256 * 1024 * 1024;

    private readonly List<(FoundPackage Package, DatabasePackage Entry)> installed = [];
    private readonly List<FoundPackage> removed = [];

    /// <summary>Packages of the container now, with their entries as first written.</summary>
    public IReadOnlyList<(FoundPackage Package, DatabasePackage Entry)> Installed => installed;

    /// <summary>Packages that the image has and the container's database does not name any more, or in another version.</summary>
    public IReadOnlyList<FoundPackage> RemovedAtRunTime => removed;

    /// <summary>Databases found, display form.</summary>
    public List<string> Found { get; } = [];

    /// <summary>Reads all of them.</summary>
    public void Read(CancellationToken ct)
    {
        ReadDatabase("deb", DpkgDatabase.StatusPath, (_, file) => DpkgDatabase.Parse(file.ReadAll(FileLimitBytes)), ct);
        ReadStatusFolder(ct);
        ReadDatabase("apk", ApkDatabase.Path, (_, file) => ApkDatabase.Parse(file.ReadAll(FileLimitBytes)), ct);
        foreach (string path in RpmDatabase.SqlitePaths)
        {
            ReadDatabase("rpm", path, (tree, file) => RpmDatabase.Read(tree, path, file), ct);
        }

        using MergedTree container = new(stack, 0);
        foreach (string path in RpmDatabase.OtherPaths)
        {
            using MergedFile? other = container.Open(path);
            if (other is not null)
            {
                onGap($"packages of {other.DisplayPath}", "an RPM database in Berkeley DB or ndb form, which is not read; on a machine with rpm: rpm --dbpath <folder> -qa on the copied layers");
            }
        }
    }

    private void ReadDatabase(string kind, string path, Func<MergedTree, MergedFile, List<DatabasePackage>> read, CancellationToken ct)
    {
        Dictionary<(string, string), (FoundPackage Package, DatabasePackage Entry)> known = [], image = [];
        int last = -1;
        for (int layer = stack.Lowers.Count - 1; layer >= 0; layer--)
        {
            ct.ThrowIfCancellationRequested();
            using MergedTree tree = new(stack, layer);
            using MergedFile? file = tree.Open(path);
            if (file is null || file.Layer != layer)
            {
                last = file is null ? -1 : last;
                continue;
            }

            try
            {
                Dictionary<(string, string), (FoundPackage, DatabasePackage)> now = [];
                foreach (DatabasePackage entry in read(tree, file))
                {
                    (string, string) key = (entry.Name, entry.Architecture ?? "");
                    now[key] = known.TryGetValue(key, out (FoundPackage Package, DatabasePackage Entry) before) && before.Entry.Version == entry.Version
                        ? before
                        : (Make(kind, entry, file.DisplayPath, layer), entry);
                }

                (known, last) = (now, layer);
                image = layer > 0 ? now : image;
            }
            catch (IOException failure)
            {
                onGap($"packages of {file.DisplayPath} in layer {layer}", DisplayText.Shorten(failure.Message, 300));
            }
        }

        if (last < 0)
        {
            if (image.Count > 0)
            {
                onGap($"packages of /{path}", $"the container deleted the database; the image's {image.Count} packages are listed as removed");
                removed.AddRange(image.Values.Select(pair => pair.Package));
            }

            return;
        }

        Found.Add("/" + path);
        installed.AddRange(known.Values);
        removed.AddRange(image.Where(pair => !known.TryGetValue(pair.Key, out (FoundPackage Package, DatabasePackage Entry) now) || now.Entry.Version != pair.Value.Entry.Version).Select(pair => pair.Value.Package));
    }

    /// <summary>Images without dpkg have a file a package.</summary>
    private void ReadStatusFolder(CancellationToken ct)
    {
        using MergedTree tree = new(stack, 0);
        foreach (byte[] name in tree.Names(DpkgDatabase.StatusFolder, 10_000).Where(name => !name.AsSpan().EndsWith(".md5sums"u8)))
        {
            ct.ThrowIfCancellationRequested();
            using MergedFile? file = tree.Open([.. System.Text.Encoding.ASCII.GetBytes(DpkgDatabase.StatusFolder + "/"), .. name]);
            if (file is null)
            {
                continue;
            }

            try
            {
                foreach (DatabasePackage entry in DpkgDatabase.Parse(file.ReadAll(FileLimitBytes)))
                {
                    installed.Add((Make("deb", entry, file.DisplayPath, file.Layer), entry));
                }
            }
            catch (IOException failure)
            {
                onGap($"package of {file.DisplayPath}", DisplayText.Shorten(failure.Message, 300));
            }
        }
    }

    private static FoundPackage Make(string kind, DatabasePackage entry, string evidence, int layer) =>
        new() { Kind = kind, Name = entry.Name, Version = entry.Version, Architecture = entry.Architecture, Source = entry.Source, Evidence = evidence, Layer = layer };
}
