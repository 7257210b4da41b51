using System.CommandLine;
using System.Security.Cryptography;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir keys new|show|csr|install-chain|age</c>: the responder identity bundles are sealed with.</summary>
internal static class KeysCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Command command = new("keys", "The responder identity: the key and certificate bundles are sealed with.");
        command.Add(MakeNew(surroundings));
        command.Add(MakeShow(surroundings));
        command.Add(KeysCsr.MakeRequest(surroundings));
        command.Add(KeysCsr.MakeInstall(surroundings));
        command.Add(KeysAge.Make(surroundings));
        return command;
    }

    private static Command MakeNew(Surroundings surroundings)
    {
        Option<string?> name = new("--name") { Description = "Whom the certificate names. Default: your login.", HelpName = "NAME" };
        Option<string?> organisation = new("--organisation") { Description = "Organisation in the certificate.", HelpName = "NAME" };
        Option<string?> email = new("--email") { Description = "Address in the certificate.", HelpName = "ADDRESS" };
        Option<bool> pq = new("--pq") { Description = "Make an ML-DSA-65 key as well, for a second signature (acquire --pq); also later, for an identity that is there." };
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("new", "Make the responder identity: ECDSA P-256 key in encrypted PKCS#8, self-signed certificate.")
        {
            name, organisation, email, pq, passphraseFile, home, json,
        };
        command.SetAction(parsed =>
        {
            ResponderSubject subject = Responder.SubjectOf(parsed.GetValue(name)) with { Organisation = parsed.GetValue(organisation), Email = parsed.GetValue(email) };
            Passphrases passphrases = new(surroundings, parsed.GetValue(passphraseFile));
            Cases.CaseHome place = surroundings.Home(parsed.GetValue(home));
            bool exists = IdentityFolder.Exists(place.KeysFolder);
            if (exists && (!parsed.GetValue(pq) || MlDsaSigner.Exists(place.KeysFolder)))
            {
                throw new Evidence.OperatorException(
                    $"{DisplayText.Escape(place.KeysFolder)} holds an identity already{(parsed.GetValue(pq) ? ", with an ML-DSA-65 key" : "")}.",
                    "See it: cir keys show. Keys are never overwritten: choose another --home for another identity.");
            }

            if (exists)
            {
                // The passphrase of the identity protects the second key too: it must open the first.
                ResponderIdentity identity = IdentityFolder.Load(place.KeysFolder, passphrases.Read(PassphraseUse.OpenKey));
                subject = subject with { Name = parsed.GetValue(name) ?? identity.Name };
            }

            KeysJson keys = exists ? ResponderKeys.Read(place) : ResponderKeys.Make(place, subject, passphrases, surroundings.Clock);
            if (parsed.GetValue(pq))
            {
                byte[] certificate = MlDsaSigner.Create(place.KeysFolder, subject, passphrases.Read(PassphraseUse.ProtectNewKey), surroundings.Clock.GetUtcNow()).Certificate;
                keys = keys with { MlDsa65CertificateSha256 = Convert.ToHexStringLower(SHA256.HashData(certificate)) };
            }

            Print(surroundings, keys, parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeShow(Surroundings surroundings)
    {
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("show", "Show the responder identity. Needs no passphrase.") { home, json };
        command.SetAction(parsed =>
        {
            Print(surroundings, ResponderKeys.Read(surroundings.Home(parsed.GetValue(home))), parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    public static void Print(Surroundings surroundings, KeysJson keys, bool json)
    {
        if (json)
        {
            CliJson.Write(surroundings.Out, keys, CliJson.Default.KeysJson);
            return;
        }

        surroundings.Out.WriteLine($"Certificate  {keys.Subject}");
        surroundings.Out.WriteLine($"Issuer       {(keys.Issuer == keys.Subject ? "itself" : keys.Issuer)}");
        surroundings.Out.WriteLine($"Valid        {keys.NotBefore:yyyy-MM-dd} to {keys.NotAfter:yyyy-MM-dd}");
        surroundings.Out.WriteLine($"Fingerprint  sha256 {keys.CertificateSha256}");
        if (keys.MlDsa65CertificateSha256 is { } second)
        {
            surroundings.Out.WriteLine($"ML-DSA-65    sha256 {second}");
        }

        surroundings.Out.WriteLine($"Kept in      {DisplayText.Escape(keys.Folder)}");
        surroundings.Say("Give the fingerprint to whoever will verify your bundles, by another way than the bundle.");
    }
}
