using System.CommandLine;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Transport;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle unpack</c>: parts become a bundle again; damaged ones are named.</summary>
internal static class BundleUnpack
{
    /// <summary>Beside the responder's keys; made by <c>cir keys age</c>.</summary>
    public const string DefaultIdentity = "age-identity.txt";

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> parts = new("PARTS") { Description = "The directory of the parts, or their NAME.parts.sha256." };
        Option<string[]> identities = Shared.Identities();
        Option<string?> outDirectory = new("--out") { Description = "Directory that gets the bundle's folder. Default: here.", HelpName = "DIR" };
        Option<bool> check = new("--check") { Description = "Check the parts only; extract nothing." };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("unpack", "Check the parts of a packed bundle and unpack it. Repeat after damaged parts were sent again.") { parts, identities, outDirectory, check, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            if (parsed.GetValue(check))
            {
                return Print(surroundings, await BundleUnpacker.CheckAsync(parsed.GetRequiredValue(parts), ct), parsed.GetValue(json));
            }

            string bundle = await UnpackAsync(
                parsed.GetRequiredValue(parts), parsed.GetValue(outDirectory) ?? ".", parsed.GetValue(identities) ?? [], surroundings.Home(parsed.GetValue(home)), ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, new UnpackedJson(bundle), CliJson.Default.UnpackedJson);
            }
            else
            {
                surroundings.Out.WriteLine(DisplayText.Escape(bundle));
                surroundings.Say($"The parts are as their list says; that proves nothing of the bundle. Next: cir verify {DisplayText.Escape(bundle)}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Unpacks with the identities named, or with the one of the home.</summary>
    public static async Task<string> UnpackAsync(string parts, string outDirectory, string[] identityFiles, CaseHome home, CancellationToken ct)
    {
        string own = Path.Combine(home.KeysFolder, DefaultIdentity);
        IEnumerable<string> files = identityFiles.Length > 0 ? identityFiles : File.Exists(own) ? [own] : [];
        List<AgeIdentity> identities = [.. files.SelectMany(AgeIdentityFile.Read)];
        try
        {
            return await BundleUnpacker.UnpackAsync(parts, outDirectory, identities, ct);
        }
        finally
        {
            identities.ForEach(identity => identity.Dispose());
        }
    }

    private static int Print(Surroundings surroundings, PartsCheck check, bool json)
    {
        int good = check.PartCount - check.Missing.Count - check.Damaged.Count;
        if (json)
        {
            CliJson.Write(surroundings.Out, new PartsJson(check.Name, check.IsEncrypted, check.PartCount, good, check.Missing, check.Damaged), CliJson.Default.PartsJson);
        }
        else
        {
            surroundings.Out.WriteLine($"{check.Name}: {good} of {Quantities.Count(check.PartCount, "part")} are good{(check.IsEncrypted ? ", encrypted" : "")}");
            foreach (string part in check.Missing)
            {
                surroundings.Out.WriteLine($"missing  {part}");
            }

            foreach (string part in check.Damaged)
            {
                surroundings.Out.WriteLine($"damaged  {part}");
            }
        }

        return good == check.PartCount ? ExitCode.Success : ExitCode.VerificationFailed;
    }
}

/// <summary>What <c>cir bundle unpack --json</c> prints.</summary>
internal sealed record UnpackedJson(string BundlePath);

/// <summary>What <c>cir bundle unpack --check --json</c> prints.</summary>
internal sealed record PartsJson(string Name, bool IsEncrypted, int Parts, int Good, IReadOnlyList<string> Missing, IReadOnlyList<string> Damaged);
