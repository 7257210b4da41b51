using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Transport;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle pack</c>: a bundle becomes parts that can travel.</summary>
internal static class BundlePack
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Option<string[]> recipients = Shared.Recipients();
        Option<long> partSize = Shared.PartSize();
        Option<string?> outDirectory = new("--out") { Description = "Directory for the parts. Default: the bundle's name with .parts, here.", HelpName = "DIR" };
        Option<bool> json = Shared.Json();
        Command command = new("pack", "Make a bundle ready to travel: one tar, encrypted to recipients, cut into parts.") { bundle, recipients, partSize, outDirectory, json };
        command.SetAction(async (parsed, ct) =>
        {
            AgeRecipient[] to = [.. (parsed.GetValue(recipients) ?? []).Select(AgeRecipient.Parse)];
            string path = parsed.GetRequiredValue(bundle);
            PackedBundle packed = await BundlePacker.PackAsync(path, parsed.GetValue(outDirectory) ?? DefaultOut(path), to, parsed.GetValue(partSize), ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, PackedJson.From(packed), CliJson.Default.PackedJson);
            }
            else
            {
                Print(surroundings, packed);
            }

            return ExitCode.Success;
        });
        return command;
    }

    public static string DefaultOut(string bundle) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(bundle))) + ".parts";

    public static void Print(Surroundings surroundings, PackedBundle packed)
    {
        surroundings.Out.WriteLine($"Packed   {DisplayText.Escape(packed.PartsListPath)}");
        surroundings.Out.WriteLine($"         sha256 {packed.PartsListSha256}");
        surroundings.Out.WriteLine($"Parts    {Quantities.Count(packed.PartPaths.Count, "part")}, {Quantities.Bytes(packed.SizeBytes)}, {(packed.IsEncrypted ? "encrypted (age v1)" : "not encrypted")}");
        if (!packed.IsEncrypted)
        {
            surroundings.Say("The parts are not encrypted: whoever gets them reads the evidence. Encrypt them: --recipient age1…");
        }
    }
}

/// <summary>What <c>cir bundle pack --json</c> prints.</summary>
internal sealed record PackedJson(string PartsList, string PartsListSha256, IReadOnlyList<string> Parts, long SizeBytes, bool IsEncrypted)
{
    public static PackedJson From(PackedBundle packed) => new(packed.PartsListPath, packed.PartsListSha256, packed.PartPaths, packed.SizeBytes, packed.IsEncrypted);
}
