using System.CommandLine;
using System.Text;
using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers.Flows;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir whois</c>: from the addresses of an alert to container, process and the way between.</summary>
internal static class WhoisCommand
{
    private static readonly string[] NotNeeded = ["rootfs-diff", "configuration"];

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> end = new("IP:PORT") { Description = "One end of the flow, as the alert has it: of the host, the container or the other side." };
        Option<string?> peer = new("--peer") { Description = "The other end.", HelpName = "IP:PORT" };
        Option<string?> at = new("--at") { Description = "When it was seen (UTC where no offset is given): 2026-11-22T19:43:00", HelpName = "TIME" };
        Option<string[]> bundles = new("--bundle") { Description = "Ask this sealed bundle in place of the living containers; may be repeated.", HelpName = "DIR" };
        Option<string?> caseId = new("--case") { Description = "Ask all sealed bundles of this case.", HelpName = "ID" };
        Option<string?> home = Shared.Home();
        Option<string?> endpoint = Shared.Endpoint();
        Option<bool> json = Shared.Json();
        Command command = new("whois", "Name the container and process of a flow, and the way of its packets.") { end, peer, at, bundles, caseId, home, endpoint, json };
        command.SetAction(async (parsed, ct) =>
        {
            FlowQuestion question = FlowQuestion.Parse(parsed.GetRequiredValue(end), parsed.GetValue(peer), parsed.GetValue(at));
            List<string> folders = [.. parsed.GetValue(bundles) ?? []];
            if (parsed.GetValue(caseId) is { } id)
            {
                using CaseStore store = CaseStore.OpenReadOnly(surroundings.Home(parsed.GetValue(home)), id);
                folders.AddRange(store.ListBundles());
            }

            IEnumerable<FlowAnswer> found = folders.Count > 0
                ? AskBundles(surroundings, folders, question, ct)
                : await AskLivingAsync(surroundings, question, parsed.GetValue(endpoint), ct);
            List<FlowAnswer> answers =
            [
                .. found.OrderBy(answer => answer.Notes.Any(note => note.EndsWith("it was not the one", StringComparison.Ordinal)))
                    .ThenBy(answer => answer.Processes.Count == 0)
                    .ThenBy(answer => answer.Kind != "flow")
                    .ThenBy(answer => question.At is { } when ? (answer.TakenAt - when).Duration() : TimeSpan.Zero),
            ];
            if (parsed.GetValue(json))
            {
                WriteJson(surroundings.Out, answers);
            }
            else
            {
                Write(surroundings, answers);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static List<FlowAnswer> AskBundles(Surroundings surroundings, List<string> folders, FlowQuestion question, CancellationToken ct)
    {
        List<FlowAnswer> answers = [];
        foreach (string folder in folders)
        {
            try
            {
                // The case's folder holds a bundle kept elsewhere as a link.
                answers.AddRange(WhoIs.Find(Directory.Exists(folder) ? Directory.ResolveLinkTarget(folder.TrimEnd('/'), returnFinalTarget: true)?.FullName ?? folder : folder, question, ct));
            }
            catch (OperatorException problem) when (folders.Count > 1)
            {
                surroundings.Say($"{DisplayText.Escape(folder)} was not asked: {problem.Message}");
            }
        }

        return answers;
    }

    private static async Task<List<FlowAnswer>> AskLivingAsync(Surroundings surroundings, FlowQuestion question, string? endpoint, CancellationToken ct)
    {
        if (!surroundings.IsRoot)
        {
            throw new OperatorException("Living containers can be asked by root only: sockets are read from the host's side.", "sudo cir whois … (the same command), or --bundle DIR, or --case ID.");
        }

        IReadOnlyList<ContainerSummary> containers;
        await using (IContainerRuntime runtime = RuntimeConnector.Find(endpoint, clock: surroundings.Clock))
        {
            containers = await runtime.ListAsync(ct);
        }

        ContainerRef[] living = [.. containers.Select(each => each.Container).Where(container => container.HasProcesses)];
        // An address of a container's own leads to it without asking the others.
        string[] asked = [.. new[] { question.End, question.Peer }.OfType<System.Net.IPEndPoint>().Select(each => each.Address.ToString())];
        ContainerRef[] owners = [.. living.Where(container => container.Networks.Any(network => asked.Contains(network.IPv4) || asked.Contains(network.IPv6)))];
        List<FlowAnswer> answers = [];
        foreach (ContainerRef container in owners.Length > 0 ? owners : living)
        {
            try
            {
                answers.AddRange(await LiveTriage.ReadAsync(
                    container.Id,
                    endpoint,
                    NotNeeded,
                    (request, parts, token) => surroundings.Acquire(request, parts, null, token),
                    bundle => WhoIs.Find(bundle, question, ct),
                    surroundings.Clock,
                    ct));
            }
            catch (OperatorException problem)
            {
                // One that went away meanwhile must not cost the others; it is said.
                surroundings.Say($"{DisplayText.Escape(container.Name)} was not asked: {problem.Message}");
            }
        }

        return answers;
    }

    private static void WriteJson(TextWriter writer, List<FlowAnswer> answers)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            answers.ForEach(answer => answer.Write(json));
            json.WriteEndArray();
        }

        writer.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static void Write(Surroundings surroundings, List<FlowAnswer> answers)
    {
        foreach (FlowAnswer answer in answers)
        {
            surroundings.Out.WriteLine($"{answer.Kind.ToUpperInvariant()}  {Cells.Safe(answer.Protocol)} {Cells.Safe(answer.State)}");
            surroundings.Out.WriteLine($"  Container  {Cells.Safe(answer.ContainerName)} {Cells.Safe(answer.ContainerId)}");
            foreach (FlowProcess process in answer.Processes)
            {
                surroundings.Out.WriteLine($"  Process    {process.Pid} {Cells.Safe(process.ExecutablePath)}{(process.ExecutableSha256 is { } digest ? $" sha256 {Cells.Safe(digest)}" : "")}");
                surroundings.Out.WriteLine($"             {Cells.Fit(process.CommandLine, 200)}{(process.StartedAt is { } started ? $", since {started:u}" : "")}");
            }

            foreach (string leg in answer.Path)
            {
                surroundings.Out.WriteLine($"  Path       {leg}");
            }

            foreach (string note in answer.Notes)
            {
                surroundings.Out.WriteLine($"  But        {note}");
            }

            string places = string.Join(", ", answer.Where.Select(place => $"{Cells.Safe(place.Item)}{(place.Row is { } row ? $" row {row}" : "")}"));
            surroundings.Out.WriteLine($"  Proof      bundle {Cells.Safe(answer.BundleId)} of {answer.TakenAt:u}: {places}");
        }

        if (answers.Count == 0)
        {
            surroundings.Say("No container's: it may have ended, or be the host's own.");
        }
    }
}
