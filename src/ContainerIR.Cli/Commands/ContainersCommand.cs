using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir containers</c>: what is on this host, the risky first.</summary>
internal static class ContainersCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> root = Shared.Root();
        Option<bool> json = Shared.Json();
        Command command = new("containers", "List every container with the risks its configuration shows, running or not.") { endpoint, root, json };
        command.SetAction(async (parsed, ct) =>
        {
            await using IContainerRuntime runtime = parsed.GetValue(root) is { Length: > 0 } data
                ? RuntimeConnector.OpenDisk(data, clock: surroundings.Clock)
                : RuntimeConnector.Find(parsed.GetValue(endpoint), clock: surroundings.Clock);
            IReadOnlyList<ContainerSummary> containers = await runtime.ListAsync(ct);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, ContainersJson.From(runtime, containers), CliJson.Default.ContainersJson);
            }
            else
            {
                Write(surroundings, runtime.Endpoint, containers);
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Most risks first; of equal ones those that run, then by name.</summary>
    public static IEnumerable<ContainerSummary> InOrder(IEnumerable<ContainerSummary> containers) => containers
        .OrderByDescending(each => each.Risks.Count)
        .ThenByDescending(each => each.Container.State is ContainerState.Running or ContainerState.Paused or ContainerState.Restarting)
        .ThenBy(each => each.Container.Name, StringComparer.Ordinal);

    // Every mark's name fits a line where their texts would not; of capabilities the name is the mark. --json has the texts.
    public static string RisksOf(ContainerSummary summary) => string.Join(
        ", ",
        summary.Risks.GroupBy(risk => risk.Id).Select(marks => marks.Key == "cap-add" ? $"cap-add {string.Join('+', marks.Select(mark => mark.Text))}" : marks.Key));

    public static void Write(Surroundings surroundings, string endpoint, IReadOnlyList<ContainerSummary> containers)
    {
        if (containers.Count == 0)
        {
            surroundings.Say($"No container at {DisplayText.Escape(endpoint)}.");
            return;
        }

        DateTimeOffset now = surroundings.Clock.GetUtcNow();
        Table table = new(
            new("NAME", MinCells: 12), new("ID"), new("STATE"), new("AGE", Right: true), new("IMAGE", MinCells: 12), new("NETWORKS", MinCells: 8), new("RISKS", MinCells: 16));
        foreach (ContainerSummary each in InOrder(containers))
        {
            ContainerRef container = each.Container;
            table.Add(
                DisplayText.Escape(container.Name),
                DisplayText.Escape(container.ShortId),
                container.State.ToString().ToLowerInvariant(),
                Quantities.Age(now - container.CreatedAt),
                DisplayText.Escape(container.ImageName),
                DisplayText.Escape(string.Join(',', container.Networks.Select(network => network.IPv4.Length > 0 ? $"{network.Name}={network.IPv4}" : network.Name))),
                DisplayText.Escape(RisksOf(each)));
        }

        table.Write(surroundings.Out, surroundings.OutWidth());
        surroundings.Say($"{Quantities.Count(containers.Count, "container")} at {DisplayText.Escape(endpoint)}. Next: cir acquire NAME --case ID");
    }
}

/// <summary>What <c>cir containers --json</c> prints. Texts are the engine's own.</summary>
internal sealed record ContainersJson(string Runtime, string Endpoint, IReadOnlyList<ContainerJson> Containers)
{
    public static ContainersJson From(IContainerRuntime runtime, IReadOnlyList<ContainerSummary> containers) => new(
        runtime.Kind,
        runtime.Endpoint,
        [
            .. ContainersCommand.InOrder(containers).Select(each => new ContainerJson(
                each.Container.Id,
                each.Container.Name,
                each.Container.ImageName,
                each.Container.ImageId,
                each.Container.State.ToString().ToLowerInvariant(),
                each.Container.InitPid,
                each.Container.CreatedAt,
                each.Container.StartedAt,
                each.Container.FinishedAt,
                each.Container.Networks,
                each.Risks)),
        ]);
}

/// <summary>One container of the list.</summary>
internal sealed record ContainerJson(
    string Id, string Name, string Image, string ImageId, string State, int InitPid, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt, IReadOnlyList<ContainerNetwork> Networks, IReadOnlyList<RiskMark> Risks);
