using System.CommandLine;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir keys age</c>: the recipient others encrypt bundles to.</summary>
internal static class KeysAge
{
    public static Command Make(Surroundings surroundings)
    {
        Option<string?> file = new("--out") { Description = "File of the identity. Default: age-identity.txt beside the responder's keys.", HelpName = "FILE" };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("age", "Print your age recipient, to which others encrypt bundles for you; the identity that opens them is made on first use.") { file, home, json };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            string path = parsed.GetValue(file) ?? Path.Combine(place.KeysFolder, BundleUnpack.DefaultIdentity);
            bool isNew = !File.Exists(path);
            string recipient = isNew ? MakeNew(path, place, surroundings.Clock) : Read(path);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, new AgeJson(recipient, path, isNew), CliJson.Default.AgeJson);
            }
            else
            {
                surroundings.Out.WriteLine(recipient);
            }

            surroundings.Say($"The identity is {(isNew ? "made" : "kept")} in {DisplayText.Escape(path)}: only its owner can read it, and whoever reads it opens what is encrypted to you.");
            surroundings.Say("Give the recipient to whoever hands bundles over to you: cir handover BUNDLE --recipient age1…");
            return ExitCode.Success;
        });
        return command;
    }

    private static string MakeNew(string path, CaseHome home, TimeProvider clock)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) == home.KeysFolder)
        {
            CaseHome.MakePrivate(home.Path);
            CaseHome.MakePrivate(home.KeysFolder);
        }

        using AgeIdentity identity = AgeIdentity.Generate();
        AgeIdentityFile.Write(path, identity, clock.GetUtcNow());
        return identity.Recipient.ToString();
    }

    private static string Read(string path)
    {
        IReadOnlyList<AgeIdentity> identities = AgeIdentityFile.Read(path);
        string recipient = identities[0].Recipient.ToString();
        foreach (AgeIdentity identity in identities)
        {
            identity.Dispose();
        }

        return recipient;
    }
}

/// <summary>What <c>cir keys age --json</c> prints.</summary>
internal sealed record AgeJson(string Recipient, string IdentityFile, bool IsNew);
