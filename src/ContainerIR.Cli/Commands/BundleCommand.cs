using System.CommandLine;
using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Recoveries;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;
using ContainerIR.Exporters;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle …</c>: what can be done with a bundle besides verifying it.</summary>
internal static class BundleCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Command command = new("bundle", "Work on a single bundle.");
        command.Add(MakeRecover(surroundings));
        command.Add(MakeExportImage(surroundings));
        command.Add(BundleTimestamp.Make(surroundings));
        command.Add(BundleSign.Make(surroundings));
        command.Add(BundleProve.Make(surroundings));
        command.Add(BundleExtract.Make(surroundings));
        command.Add(BundlePack.Make(surroundings));
        command.Add(BundleUnpack.Make(surroundings));
        return command;
    }

    private static Command MakeRecover(Surroundings surroundings)
    {
        Argument<string> bundle = new("BUNDLE") { Description = "The folder of the unsealed bundle." };
        Option<string?> home = Shared.Home();
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Option<bool> json = Shared.Json();
        SealingOptions sealing = new(surroundings, home, passphraseFile);
        Command command = new("recover", "Seal what an interrupted acquisition can prove; put the rest beside it.") { bundle };
        sealing.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, ct) =>
        {
            Passphrases passphrases = new(surroundings, parsed.GetValue(passphraseFile));
            using TimestampClient? authorities = sealing.Authorities(parsed);
            ResponderIdentity identity = sealing.OpenForRecovery(parsed, passphrases);
            RecoveryOptions options = new()
            {
                Agent = ToolFacts.Agent,
                MakeFrameDecoder = () => new ZstdFrameDecoder(),
                Clock = surroundings.Clock,
                Policy = sealing.PolicyOf(parsed),
                Authorities = authorities,
            };
            RecoveredBundle recovered = await BundleRecovery.RecoverAsync(parsed.GetRequiredValue(bundle), identity, options, ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, RecoveredJson.From(recovered), CliJson.Default.RecoveredJson);
            }
            else
            {
                Print(surroundings.Out, recovered);
            }

            return recovered.Bundle.Gaps.Count + recovered.Salvaged.Count + recovered.Lost.Count == 0 && recovered.Bundle.TimestampFault is null ? ExitCode.Success : ExitCode.SealedWithGaps;
        });
        return command;
    }

    private static Command MakeExportImage(Surroundings surroundings)
    {
        Argument<string> bundle = new("BUNDLE") { Description = "The folder of the sealed bundle." };
        Option<string> to = new("--out") { Description = "Archive to write, for docker load.", HelpName = "FILE", Required = true };
        Command command = new("export-image", "Make an image of the container's files as they were, for analysis with docker load.") { bundle, to };
        command.SetAction(parsed =>
        {
            string path = Path.GetFullPath(parsed.GetRequiredValue(to));
            if (Path.Exists(path))
            {
                throw new OperatorException($"{DisplayText.Escape(path)} exists.", "Name a file that does not: nothing is overwritten.");
            }

            ExportedImage image = ImageArchive.Export(parsed.GetRequiredValue(bundle), path, CancellationToken.None);
            surroundings.Out.WriteLine($"Image    {image.Reference} in {DisplayText.Escape(image.Path)}");
            surroundings.Out.WriteLine($"Layers   {image.LayersInside} of the image, and the container's own with {Quantities.Count((int)Math.Min(int.MaxValue, image.Deletions), "deletion")}");
            if (image.LayersOutside > 0)
            {
                surroundings.Out.WriteLine($"Missing  {Quantities.Count(image.LayersOutside, "layer")} of the image: the engine that loads it must have the image, or acquire with --profile full");
            }

            if (image.NotRepresentable > 0)
            {
                surroundings.Out.WriteLine($"Not said {Quantities.Count((int)Math.Min(int.MaxValue, image.NotRepresentable), "object")} that a layer cannot say (redirect, metacopy)");
            }

            surroundings.Out.WriteLine();
            surroundings.Out.WriteLine($"Next     docker load -i {DisplayText.Escape(path)}    on a machine for analysis; never start it on this host");
            return ExitCode.Success;
        });
        return command;
    }

    private static void Print(TextWriter writer, RecoveredBundle recovered)
    {
        string path = DisplayText.Escape(recovered.Bundle.Path);
        writer.WriteLine($"Sealed   {path}");
        writer.WriteLine($"Root     sha256 {recovered.Bundle.RootSha256}");
        writer.WriteLine($"Items    {recovered.Bundle.Items.Count}, {recovered.Salvaged.Count} of them cut to what is provable, {recovered.Lost.Count} lost");
        foreach (EvidenceItem item in recovered.Salvaged.Concat(recovered.Lost))
        {
            writer.WriteLine($"         {item.Path}: {JsonNamingPolicy.KebabCaseLower.ConvertName(item.Status.ToString())}, {Quantities.Bytes(item.RawBytes)} kept");
        }

        writer.WriteLine($"Gaps     {recovered.Bundle.Gaps.Count}");
        if (recovered.Bundle.TimestampFault is { } fault)
        {
            writer.WriteLine($"Time     no token: {Cells.Safe(DisplayText.Escape(fault))}");
        }

        if (recovered.UnprovenFolder is { } unproven)
        {
            writer.WriteLine($"Unproven {DisplayText.Escape(unproven)} (not evidence)");
        }

        writer.WriteLine();
        writer.WriteLine($"Next     cir verify {path}");
        writer.WriteLine("         cir case rebuild CASE    fills the index of its case");
    }
}

/// <summary>What <c>cir bundle recover --json</c> prints.</summary>
internal sealed record RecoveredJson(
    string BundlePath, string RootSha256, int Items, IReadOnlyList<string> Salvaged, IReadOnlyList<string> Lost, int Gaps, string? UnprovenFolder, string? TimestampFault)
{
    public static RecoveredJson From(RecoveredBundle recovered) => new(
        recovered.Bundle.Path,
        recovered.Bundle.RootSha256,
        recovered.Bundle.Items.Count,
        [.. recovered.Salvaged.Select(item => item.Path)],
        [.. recovered.Lost.Select(item => item.Path)],
        recovered.Bundle.Gaps.Count,
        recovered.UnprovenFolder,
        recovered.Bundle.TimestampFault);
}
