using System.CommandLine;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir doctor</c>: what will work on this host, what will not, and the remedy.</summary>
internal static class DoctorCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> outDirectory = new("--out") { Description = "Where bundles will be written. Default: the home of cases.", HelpName = "DIR" };
        Option<string?> home = Shared.Home();
        Option<bool> repair = new("--repair") { Description = "Thaw what an earlier run left frozen when it was killed." };
        Option<bool> json = Shared.Json();
        Command command = new("doctor", "Say what will work on this host, what will not, and the remedy. Changes nothing unless asked to repair.")
        {
            endpoint, outDirectory, home, repair, json,
        };
        command.SetAction(async (parsed, ct) =>
        {
            if (parsed.GetValue(repair))
            {
                LeftFrozen.Repair(surroundings);
            }

            string target = parsed.GetValue(outDirectory) is { Length: > 0 } given ? given : surroundings.Home(parsed.GetValue(home)).Path;
            IReadOnlyList<ReadinessCheck> checks = [.. await HostReadiness.CheckAsync(parsed.GetValue(endpoint), target, ct), .. CheckCases(surroundings.Home(parsed.GetValue(home)))];
            bool fails = checks.Any(check => check.State == ReadinessState.Failure);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, DoctorJson.From(checks), CliJson.Default.DoctorJson);
            }
            else
            {
                Write(surroundings.Out, checks, surroundings.OutWidth());
                surroundings.Say(fails ? "Something will not work: mend what is marked FAIL first." : "An acquisition will work here.");
            }

            return fails ? ExitCode.OperatorProblem : ExitCode.Success;
        });
        return command;
    }

    // A damaged case keeps nobody from acquiring into another: a warning, with the way to mend it.
    private static IEnumerable<ReadinessCheck> CheckCases(CaseHome home)
    {
        IReadOnlyList<CaseSummary> cases = CaseStore.List(home);
        int sound = 0;
        foreach (CaseSummary each in cases)
        {
            (string? fault, string remedy) = FaultOf(home, each.Id);
            sound += fault is null ? 1 : 0;
            if (fault is not null)
            {
                yield return new ReadinessCheck("case", $"Case {each.Id}", ReadinessState.Warning, DisplayText.Shorten(fault, 300), "Its database is not as SQLite left it; its bundles are not touched by that.", remedy);
            }
        }

        if (cases.Count > 0)
        {
            yield return new ReadinessCheck("cases", "Databases of cases", ReadinessState.Ok, $"{sound} of {cases.Count} sound", "Integrity and references of each were checked.", null);
        }
    }

    private static (string? Fault, string Remedy) FaultOf(CaseHome home, string id)
    {
        try
        {
            using CaseStore store = CaseStore.OpenReadOnly(home, id);
            return (CasebookCheck.Integrity(store) is [var first, ..] ? first : null, $"cir case rebuild {id}, which keeps the damaged file; then cir case check {id}");
        }
        catch (OperatorException problem)
        {
            return (problem.Message, problem.Remedy);
        }
    }

    public static void Write(TextWriter writer, IReadOnlyList<ReadinessCheck> checks, int? width)
    {
        int titles = checks.Max(check => check.Title.Length);
        string indent = new(' ', titles + 8);
        foreach (ReadinessCheck check in checks)
        {
            string word = check.State switch
            {
                ReadinessState.Ok => "ok  ",
                ReadinessState.Warning => "warn",
                _ => "FAIL",
            };
            writer.WriteLine(Cells.Fit($"{word}  {Cells.Pad(check.Title, titles, right: false)}  {check.Seen}", width ?? 400).TrimEnd());
            if (check.State != ReadinessState.Ok)
            {
                Wrapped(writer, check.Meaning, indent, width);
                if (check.Remedy is { } remedy)
                {
                    Wrapped(writer, "What to do: " + remedy, indent, width);
                }
            }
        }
    }

    // Broken between words: a remedy that is cut off helps nobody.
    private static void Wrapped(TextWriter writer, string text, string indent, int? width)
    {
        int room = Math.Max(20, (width ?? 120) - indent.Length);
        string line = "";
        foreach (string word in Cells.Safe(text).Split(' '))
        {
            if (line.Length > 0 && Cells.Count(line) + 1 + Cells.Count(word) > room)
            {
                writer.WriteLine(indent + line);
                line = "";
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        writer.WriteLine(indent + line);
    }
}

/// <summary>What <c>cir doctor --json</c> prints.</summary>
internal sealed record DoctorJson(bool Ready, IReadOnlyList<DoctorCheckJson> Checks)
{
    public static DoctorJson From(IReadOnlyList<ReadinessCheck> checks) => new(
        checks.All(check => check.State != ReadinessState.Failure),
        [.. checks.Select(check => new DoctorCheckJson(check.Id, check.Title, check.State.ToString().ToLowerInvariant(), check.Seen, check.Meaning, check.Remedy))]);
}

/// <summary>One check.</summary>
internal sealed record DoctorCheckJson(string Id, string Title, string State, string Seen, string Meaning, string? Remedy);
