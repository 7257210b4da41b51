using System.Text.RegularExpressions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Verification;

/// <summary>Only files and directories, only names a bundle can have, nothing half-written, nothing outside the layout.</summary>
internal static partial class StructureCheck
{
    private const string Name = "structure";

    public static string Run(VerificationRun run)
    {
        int files = 0;
        foreach (TreeEntry entry in run.Tree.Walk())
        {
            files += entry.Kind == TreeEntryKind.File ? 1 : 0;
            if (entry.IsSafeName)
            {
                run.Entries[entry.Path] = entry;
            }

            if (WhyNotAllowed(entry) is string reason)
            {
                run.Fail(Name, entry.Path, reason);
            }
        }

        return $"{files} files";
    }

    private static string? WhyNotAllowed(TreeEntry entry)
    {
        string path = entry.Path;
        return !entry.IsSafeName ? "a bundle has no such name"
            : entry.Kind == TreeEntryKind.Special ? "it is a link or a special file"
            : path.EndsWith(ItemName.PartialSuffix, StringComparison.Ordinal) ? "it is a half-written item, which no sealed bundle has"
            : entry.Kind == TreeEntryKind.Directory ? WhyNoSuchDirectory(path)
            : path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal) ? (SectionFile().IsMatch(path) ? null : "it stands in no section data/NNNN-COLLECTOR/")
            : path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal) ? (SealFolder.IsKnown(path) ? null : "seal/ has no such file")
            : path == BundleLayout.TagManifest || BundleLayout.TagFiles.Contains(path) ? null
            : "it is not part of a bundle";
    }

    private static string? WhyNoSuchDirectory(string path) =>
        path is "data" or "seal" || path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal) ? null : "it is not part of a bundle";

    [GeneratedRegex(@"\Adata/[0-9]{4}-[A-Za-z0-9._-]+/")]
    private static partial Regex SectionFile();
}
