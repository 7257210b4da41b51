using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Verification;

/// <summary>The signed root lists exactly the tag files, and each is as listed.</summary>
internal static class RootCheck
{
    public const int MaxBytes = 64 * 1024;

    private const string Name = "root";

    private static readonly string[] RequiredLabels =
        ["Bag-Software-Agent", "Bagging-Date", "ContainerIR-Bundle-Id", "ContainerIR-Case", "External-Identifier", "Payload-Oxum"];

    public static string Run(VerificationRun run)
    {
        run.Root = run.ReadSmall(Name, BundleLayout.TagManifest, MaxBytes);
        run.Tags = ManifestReader.Read(run, Name, BundleLayout.TagManifest, SHA256.HashSizeInBytes, isPayload: false);
        foreach (string path in BundleLayout.TagFiles)
        {
            if (!run.Tags.ContainsKey(path))
            {
                run.Fail(Name, path, "the root does not list it");
            }
        }

        foreach ((string path, string expected) in run.Tags)
        {
            using FileStream? file = run.Tree.OpenRead(path);
            if (file is null)
            {
                run.Fail(Name, path, "the root lists it, and it is missing or no regular file");
            }
            else if (Convert.ToHexStringLower(SHA256.HashData(file)) != expected)
            {
                run.Fail(Name, path, "its SHA-256 is not the one in the root");
            }
        }

        if (run.ReadSmall(Name, BundleLayout.BagIt, 1024) is byte[] bagIt && !bagIt.AsSpan().SequenceEqual(Encoding.ASCII.GetBytes(BundleLayout.BagItText)))
        {
            run.Fail(Name, BundleLayout.BagIt, "it does not declare BagIt 1.0 in UTF-8");
        }

        ReadBagInfo(run);
        return $"{run.Tags.Count} tag files";
    }

    private static void ReadBagInfo(VerificationRun run)
    {
        if (run.ReadSmall(Name, BundleLayout.BagInfo, BagInfo.MaxBytes) is not byte[] text)
        {
            return;
        }

        if (BagInfo.Parse(Encoding.Latin1.GetString(text)) is not IReadOnlyDictionary<string, string> values)
        {
            run.Fail(Name, BundleLayout.BagInfo, "a line has no label, or a label stands twice");
            return;
        }

        run.BagInfo = values;
        if (values.GetValueOrDefault("ContainerIR-Schema") != BundleLayout.Schema)
        {
            run.Fail(Name, BundleLayout.BagInfo, $"it does not name the format {BundleLayout.Schema}");
        }

        foreach (string label in RequiredLabels)
        {
            if (string.IsNullOrWhiteSpace(values.GetValueOrDefault(label)))
            {
                run.Fail(Name, BundleLayout.BagInfo, $"it does not say {label}");
            }
        }

        if (values.TryGetValue("External-Identifier", out string? name) && (name.Length > BundleName.MaxCharacters || !ItemName.IsSafeSegment(name)))
        {
            run.Fail(Name, BundleLayout.BagInfo, "External-Identifier is no name of a bundle");
        }

        if (SealPolicy.Parse(values.GetValueOrDefault("ContainerIR-Seal-Policy", "")) is null)
        {
            run.Fail(Name, BundleLayout.BagInfo, "its seal policy is missing or unknown");
        }
    }
}
