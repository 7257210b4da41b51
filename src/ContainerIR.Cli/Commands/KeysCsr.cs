using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir keys csr</c> and <c>cir keys install-chain</c>: the way to a certificate of the organisation's own CA.</summary>
internal static class KeysCsr
{
    public static Command MakeRequest(Surroundings surroundings)
    {
        Option<string?> name = new("--name") { Description = "Whom the certificate is to name. Default: your login.", HelpName = "NAME" };
        Option<string?> organisation = new("--organisation") { Description = "Organisation in the certificate.", HelpName = "NAME" };
        Option<string?> email = new("--email") { Description = "Address in the certificate.", HelpName = "ADDRESS" };
        Option<string?> file = new("--out") { Description = "File that gets the request. Default: printed.", HelpName = "FILE" };
        Option<bool> json = Shared.Json();
        SigningOptions signing = new(surroundings);
        Command command = new("csr", "Make a request for a certificate (PKCS#10) for the CA of your organisation.") { name, organisation, email, file };
        signing.AddTo(command);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            ResponderSubject subject = Responder.SubjectOf(parsed.GetValue(name)) with { Organisation = parsed.GetValue(organisation), Email = parsed.GetValue(email) };
            signing.Check(parsed);
            string request;
            if (signing.IsToken(parsed))
            {
                Pkcs11Signer key = signing.OpenTokenKey(parsed);
                request = SigningRequest.Create(subject, key.SubjectPublicKeyInfo.Span, content => key.Sign(content));
            }
            else
            {
                request = SigningRequest.Create(subject, signing.Open(parsed).Signer);
            }

            if (parsed.GetValue(file) is { } path)
            {
                WriteNew(path, request);
            }

            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, new RequestJson(DisplayText.Escape(subject.Name), parsed.GetValue(file), request), CliJson.Default.RequestJson);
            }
            else if (parsed.GetValue(file) is null)
            {
                surroundings.Out.Write(request);
            }

            surroundings.Say("Have the CA issue a certificate for it with keyUsage digitalSignature, nonRepudiation and extendedKeyUsage emailProtection.");
            surroundings.Say(signing.IsToken(parsed) ? "Then write it into the token: pkcs11-tool --write-object FILE --type cert --id ID" : "Then: cir keys install-chain FILE, with that certificate and those of the CA in PEM.");
            return ExitCode.Success;
        });
        return command;
    }

    public static Command MakeInstall(Surroundings surroundings)
    {
        Argument<string> file = new("FILE") { Description = "PEM file with the certificate issued for your request and those of the CA, in any order." };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("install-chain", "Give the responder identity the certificate a CA issued for its key. Needs no passphrase.") { file, home, json };
        command.SetAction(parsed =>
        {
            Cases.CaseHome place = surroundings.Home(parsed.GetValue(home));
            IReadOnlyList<byte[]> chain = CertificateChain.Install(place.KeysFolder, parsed.GetRequiredValue(file), surroundings.Clock.GetUtcNow());
            surroundings.Say($"{Quantities.Count(chain.Count, "certificate")} will stand in every seal; the certificate before is kept beside it as .old.");
            KeysCommand.Print(surroundings, ResponderKeys.Read(place), parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    private static void WriteNew(string path, string text)
    {
        try
        {
            using FileStream stream = new(path, FileMode.CreateNew, FileAccess.Write);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{DisplayText.Escape(path)} cannot be written: {failure.Message}", "Choose a new file name in a directory you may write to: --out FILE", failure);
        }
    }
}

/// <summary>What <c>cir keys csr --json</c> prints.</summary>
internal sealed record RequestJson(string Name, string? File, string RequestPem);
