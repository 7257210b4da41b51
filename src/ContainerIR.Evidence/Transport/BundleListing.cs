using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Transport;

/// <summary>The files and directories of a bundle in the order of the transport tar: by path, ordinal, the bundle's own name in front.</summary>
internal static class BundleListing
{
    /// <exception cref="OperatorException">The directory holds something no bundle holds: it is named.</exception>
    public static IReadOnlyList<TarEntry> Read(string bundle, BundleTree tree)
    {
        string name = Path.GetFileName(bundle);
        if (!ItemName.IsSafeSegment(name) || name.Length > 100)
        {
            throw new OperatorException($"'{DisplayText.Shorten(name, 120)}' is no name of a bundle.", "Name the directory of a bundle: letters, digits, '.', '_' and '-', at most 100.");
        }

        List<TarEntry> entries = [new(name, 0, true)];
        try
        {
            foreach (TreeEntry entry in tree.Walk())
            {
                if (entry.Kind == TreeEntryKind.Special || !entry.IsSafeName)
                {
                    throw new FormatException($"'{DisplayText.Shorten(entry.Path, 200)}' is {(entry.IsSafeName ? "neither file nor directory" : "no name a bundle has")}");
                }

                bool isDirectory = entry.Kind == TreeEntryKind.Directory;
                entries.Add(new TarEntry($"{name}/{entry.Path}", isDirectory ? 0 : entry.SizeBytes, isDirectory));
            }
        }
        catch (FormatException failure)
        {
            throw new OperatorException($"{bundle} is not as a bundle is: {failure.Message}.", $"Look at it with: cir verify {bundle}", failure);
        }

        entries.Sort((left, right) => string.CompareOrdinal(left.Path, right.Path));
        return entries;
    }
}
