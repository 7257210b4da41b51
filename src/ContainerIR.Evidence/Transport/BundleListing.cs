using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Transport;

/// <summary>The files and directories of a bundle in the order of the transport tar: by path, ordinal, the bundle's own name in front.</summary>
internal static class BundleListing
{
    public const int MaxEntries = 200_000;

    /// <exception cref="OperatorException">The directory holds something no bundle holds: it is named.</exception>
    public static IReadOnlyList<TarEntry> Read(string bundle)
    {
        string name = Path.GetFileName(bundle);
        if (!ItemName.IsSafeSegment(name) || name.Length > 100)
        {
            throw new OperatorException($"'{DisplayText.Shorten(name, 120)}' is no name of a bundle.", "Name the directory of a bundle: letters, digits, '.', '_' and '-', at most 100.");
        }

        if (RegularFile.KindOf(bundle) != FileKind.Directory)
        {
            throw new OperatorException($"{bundle} is no directory.", "Name the directory of a sealed bundle.");
        }

        List<TarEntry> entries = [new(name, 0, true)];
        Add(entries, bundle, name, "");
        entries.Sort((left, right) => string.CompareOrdinal(left.Path, right.Path));
        return entries;
    }

    private static void Add(List<TarEntry> entries, string bundle, string name, string folder)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(Path.Combine(bundle, folder)))
        {
            string relative = folder.Length == 0 ? Path.GetFileName(path) : $"{folder}/{Path.GetFileName(path)}";
            FileKind kind = RegularFile.KindOf(path);
            if (kind is not (FileKind.Regular or FileKind.Directory) || !ItemName.IsSafePath(relative))
            {
                throw new OperatorException(
                    $"'{DisplayText.Shorten(relative, 200)}' in {bundle} is not of a bundle: {(kind is FileKind.Regular or FileKind.Directory ? "no bundle has such a name" : "neither file nor directory")}.",
                    $"Look at it with: cir verify {bundle}");
            }

            if (entries.Count == MaxEntries)
            {
                throw new OperatorException($"{bundle} has more than {MaxEntries} files: no bundle has.", $"Look at it with: cir verify {bundle}");
            }

            bool isDirectory = kind == FileKind.Directory;
            entries.Add(new TarEntry($"{name}/{relative}", isDirectory ? 0 : new FileInfo(path).Length, isDirectory));
            if (isDirectory)
            {
                Add(entries, bundle, name, relative);
            }
        }
    }
}
