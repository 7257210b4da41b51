using System.CommandLine;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir case archive</c>: a closed case as one file.</summary>
internal static class CaseTar
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Option<string> target = new("--out") { Description = "The tar to write.", HelpName = "FILE", Required = true };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("archive", "Put a closed case into one tar: its database, its bundles, and a list of digests that sha256sum checks.") { id, target, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            using CaseStore store = CaseStore.OpenReadOnly(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id));
            ArchivedCase archived = await CaseArchive.WriteAsync(store, parsed.GetRequiredValue(target), ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, archived, CliJson.Default.ArchivedCase);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"{archived.Sha256}  {DisplayText.Escape(archived.Path)}");
            surroundings.Say($"{Quantities.Count(archived.Files, "file")}, {Quantities.Bytes(archived.SizeBytes)}. It is not encrypted: whoever has it reads the evidence.");
            surroundings.Say($"To check it: tar -xf FILE && cd {store.Id} && sha256sum --check --quiet {CaseArchive.Manifest}; then cir verify each bundle.");
            return ExitCode.Success;
        });
        return command;
    }
}
