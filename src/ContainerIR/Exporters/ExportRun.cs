using System.Globalization;
using ContainerIR.Evidence;

namespace ContainerIR.Exporters;

/// <summary>What an export gave.</summary>
/// <param name="Folder">The derived bag.</param>
/// <param name="RootSha256">SHA-256 of its tag manifest.</param>
/// <param name="Files">Files in it.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="LeftOut">What could not be read of the bundles.</param>
internal sealed record ExportResult(string Folder, string RootSha256, int Files, long Bytes, IReadOnlyList<string> LeftOut);

/// <summary>Makes a derived bag of verified bundles.</summary>
internal static class ExportRun
{
    /// <summary>The format of a name.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public static IExporter Find(string name) => ExporterList.All.FirstOrDefault(each => each.Name == name) ?? throw new OperatorException(
        $"There is no format {Evidence.Text.DisplayText.Shorten(name, 60)}.", $"Choose one of: {string.Join(", ", ExporterList.All.Select(each => each.Name))}");

    /// <summary>Writes the bag. Disks and decompression have no asynchronous form here: the work has a thread of its own.</summary>
    /// <exception cref="OperatorException">It cannot be written, or a bundle changed meanwhile.</exception>
    public static Task<ExportResult> RunAsync(IExporter exporter, HandoutSource source, string outFolder, string agent, TimeProvider clock, CancellationToken ct) => Task.Factory.StartNew(
        () =>
        {
            DateTimeOffset now = clock.GetUtcNow();
            string name = string.Create(CultureInfo.InvariantCulture, $"{exporter.Name}-{source.Name}-{now.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}");
            using DerivedBag bag = DerivedBag.Create(outFolder, name, now);
            try
            {
                foreach (VerifiedBundle bundle in source.Bundles)
                {
                    exporter.Export(bundle, bag.FolderFor(bundle), ct);
                }
            }
            catch (IOException failure)
            {
                throw new OperatorException($"The export cannot be written: {failure.Message}", "Free space, or choose another place with --out DIR.", failure);
            }

            if (bag.Files == 0)
            {
                string[] why = [.. source.Bundles.SelectMany(bundle => bundle.Notes).Take(5)];
                throw new OperatorException(
                    $"There is nothing to write as {exporter.Name}: {(why.Length > 0 ? string.Join("; ", why) : "the bundles hold nothing of the kind")}.",
                    "Acquire with --profile full, or choose another format.");
            }

            string root = bag.Complete(exporter, agent, source.Bundles);
            return new ExportResult(
                bag.Path, root, bag.Files, bag.Bytes, [.. source.Bundles.SelectMany(bundle => bundle.Notes), .. source.Unsealed.Select(each => $"{each}: not sealed")]);
        },
        ct,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
