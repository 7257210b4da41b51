using System.Collections.Concurrent;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Cis;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir triage</c>: what is wrong with a container, from its sealed bundle or live, with proof.</summary>
internal static class TriageCommand
{
    private const int AtOnce = 2;

    public static Command Make(Surroundings surroundings)
    {
        Argument<string?> target = new("CONTAINER|BUNDLE") { Description = "Id, unique prefix or name of a container, or the folder of a sealed bundle.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> all = new("--all") { Description = "Every running container of the engine, worst first." };
        Option<string> least = new("--min-severity") { Description = "Leave out what is less bad.", HelpName = "info|low|medium|high|critical", DefaultValueFactory = _ => "info" };
        least.AcceptOnlyFromAmong("info", "low", "medium", "high", "critical");
        Option<string[]> folders = new("--rules") { Description = "Folder of Sigma rules to hold against it too; may be repeated.", HelpName = "DIR" };
        Option<string?> allow = new("--allow") { Description = "Reviewed file of findings that are expected: they stay in the result, marked, and are not counted.", HelpName = "FILE" };
        Option<string?> baseline = new("--baseline") { Description = "Bundle of the same image, known to be good: name what is new since.", HelpName = "BUNDLE" };
        Option<string[]> yara = new("--yara") { Description = "File of YARA rules to hold against programs, files and memory in the bundle; may be repeated.", HelpName = "FILE" };
        Option<bool> cis = new("--cis") { Description = "Show the checks of the CIS Docker Benchmark that matter to a responder too (--json always has them)." };
        Option<string?> endpoint = Shared.Endpoint();
        Option<bool> json = Shared.Json();
        Command command = new("triage", "Say what is wrong with a container, each finding with its proof. Nothing is kept: acquire what shall be.") { target, all, folders, yara, cis, allow, baseline, least, endpoint, json };
        command.SetAction(async (parsed, ct) =>
        {
            Severity severity = Enum.Parse<Severity>(parsed.GetRequiredValue(least), ignoreCase: true);
            string? name = parsed.GetValue(target);
            if (parsed.GetValue(all) == (name is not null))
            {
                throw new OperatorException("Triage needs a container, a bundle, or --all, and not two of them.", "cir containers shows the names.");
            }

            TriageRules rules = TriageRules.Load(parsed.GetValue(folders) ?? [], parsed.GetValue(yara) ?? []);
            Expectations expected = new()
            {
                Allowed = parsed.GetValue(allow) is { } file ? AllowList.Read(file) : AllowList.None,
                Baseline = parsed.GetValue(baseline) is { } good ? Baseline.Read(good, ct) : null,
            };
            if (name is null && expected.Baseline is not null)
            {
                throw new OperatorException("A baseline is of one image, --all looks at every container.", "Name the container.");
            }

            List<TriageReport> reports = name is null
                ? await RunAllAsync(surroundings, parsed.GetValue(endpoint), rules, expected, ct)
                : [IsBundle(name) ? Triage.Run(name, rules, expected, ct) : await RunLiveAsync(surroundings, name, parsed.GetValue(endpoint), rules, expected, ct)];
            reports = [.. reports.Select(report => report.AtLeast(severity))];
            if (parsed.GetValue(json))
            {
                WriteJson(surroundings.Out, reports, asList: name is null);
            }
            else if (name is null)
            {
                WriteRanking(surroundings, reports);
            }
            else
            {
                Write(surroundings.Out, reports[0]);
                if (parsed.GetValue(cis))
                {
                    WriteCis(surroundings, reports[0]);
                }
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static bool IsBundle(string name) => name.Contains('/', StringComparison.Ordinal) || File.Exists(Path.Combine(name, "bagit.txt"));

    private static Task<TriageReport> RunLiveAsync(Surroundings surroundings, string container, string? endpoint, TriageRules rules, Expectations expected, CancellationToken ct) => surroundings.IsRoot
        ? LiveTriage.RunAsync(container, endpoint, rules, expected, (request, parts, token) => surroundings.Acquire(request, parts, null, token), surroundings.Clock, ct)
        : throw new OperatorException("Triage of a living container needs root: it is read from the host's side.", "sudo cir triage … (the same command), or name a bundle.");

    private static async Task<List<TriageReport>> RunAllAsync(Surroundings surroundings, string? endpoint, TriageRules rules, Expectations expected, CancellationToken ct)
    {
        ConcurrentBag<TriageReport> reports = [];
        IReadOnlyList<ContainerSummary> containers;
        await using (IContainerRuntime runtime = RuntimeConnector.Find(endpoint, clock: surroundings.Clock))
        {
            containers = await runtime.ListAsync(ct);
        }

        // One reads while another waits for the engine or the disk; more would be a load of their own on a host in trouble.
        await Parallel.ForEachAsync(containers.Where(each => each.Container.HasProcesses), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct }, async (each, token) =>
        {
            try
            {
                reports.Add(await RunLiveAsync(surroundings, each.Container.Id, endpoint, rules, expected, token));
            }
            catch (OperatorException problem) when (surroundings.IsRoot)
            {
                // One that went away meanwhile must not cost the others; it is said.
                surroundings.Say($"{DisplayText.Escape(each.Container.Name)} was not examined: {problem.Message}");
            }
        });

        return [.. reports.OrderByDescending(report => report.Score).ThenBy(report => report.ContainerName, StringComparer.Ordinal)];
    }

    private static void WriteJson(TextWriter writer, List<TriageReport> reports, bool asList)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true }))
        {
            if (!asList)
            {
                reports[0].Write(json);
            }
            else
            {
                json.WriteStartArray();
                reports.ForEach(report => report.Write(json));
                json.WriteEndArray();
            }
        }

        writer.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static void WriteRanking(Surroundings surroundings, List<TriageReport> reports)
    {
        Table table = new(new("SCORE", Right: true), new("NAME", MinCells: 12), new("ID"), new("WORST"), new("FINDINGS", MinCells: 20));
        foreach (TriageReport report in reports)
        {
            table.Add(
                report.Score.ToString(System.Globalization.CultureInfo.InvariantCulture),
                report.ContainerName,
                report.ContainerId.Length > 12 ? report.ContainerId[..12] : report.ContainerId,
                report.Worst?.ToString().ToLowerInvariant() ?? "-",
                string.Join(' ', report.Counted.Select(finding => finding.Rule.Id).Distinct()));
        }

        table.Write(surroundings.Out, surroundings.OutWidth());
        surroundings.Say("Next: cir triage NAME shows the proof of each finding.");
    }

    private static void WriteCis(Surroundings surroundings, TriageReport report)
    {
        Table table = new(new("CIS"), new("CHECK", MinCells: 20), new("VALUE READ", MinCells: 20), new("OTHER THAN ADVISED"), new("FOR", MinCells: 12));
        foreach (CisRow row in report.Cis)
        {
            table.Add(row.Id, row.Title, row.Value, row.Differs switch { true => "yes", false => "no", null => "-" }, row.Feeds);
        }

        surroundings.Out.WriteLine();
        table.Write(surroundings.Out, surroundings.OutWidth());
    }

    private static void Write(TextWriter writer, TriageReport report)
    {
        writer.WriteLine($"Container  {Cells.Safe(report.ContainerName)} {Cells.Safe(report.ContainerId)}");
        writer.WriteLine($"Image      {Cells.Safe(report.Image)}");
        writer.WriteLine($"Bundle     {Cells.Safe(report.BundleId)}, root sha256 {report.RootSha256}");
        writer.WriteLine($"Score      {report.Score} of 100, {Quantities.Count(report.Counted.Count(), "finding")}{(report.Counted.Count() < report.Findings.Count ? $", {report.Findings.Count - report.Counted.Count()} suppressed" : "")}");
        foreach (Finding finding in report.Findings)
        {
            writer.WriteLine();
            writer.WriteLine($"{finding.Severity.ToString().ToUpperInvariant(),-8}  {finding.Rule.Id}  {finding.Rule.Title}  [{string.Join(' ', finding.Rule.Techniques)}]");
            if (finding.SuppressedBy is { } entry)
            {
                writer.WriteLine($"          suppressed by the allow-list, {Cells.Fit(entry, 200)}");
            }

            foreach (SeenValue value in finding.Seen)
            {
                writer.WriteLine($"          {Cells.Safe(value.Name)}: {Cells.Fit(value.Text, 200)}");
            }

            writer.WriteLine($"          in {Cells.Safe(finding.Where.Item)}{(finding.Where.Row is { } row ? $" row {row}" : "")}{(finding.Where.Offset is { } offset ? $" offset {offset}" : "")}");
            writer.WriteLine(finding.LoweredBy is { } lowered ? $"          lowered: {lowered}" : $"          {finding.Rule.Why}");
            writer.WriteLine($"          Or: {finding.Rule.FalsePositives}");
            writer.WriteLine($"          Next: {finding.Rule.NextStep} Playbook: {finding.Playbook}");
        }

        foreach ((string id, int count) in report.LeftOut)
        {
            writer.WriteLine($"…         {count} more of {id}");
        }

        if (report.RulesRun + report.RuleNotes.Count > 0)
        {
            writer.WriteLine($"Rules of files: {report.RulesRun} run, {report.RuleNotes.Count(note => !note.IsRun)} not run");
            foreach (RuleNote note in report.RuleNotes)
            {
                writer.WriteLine($"{(note.IsRun ? "Rule, in part" : "Rule not run")}: {Cells.Safe(note.File)}: {Cells.Fit($"{note.Title}: {note.Reason}", 200)}");
            }
        }

        foreach (string what in report.NotExamined)
        {
            writer.WriteLine($"Not examined: {Cells.Fit(what, 200)}");
        }
    }
}
