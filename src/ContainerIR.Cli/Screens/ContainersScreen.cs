using System.Globalization;
using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Analyzers;
using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>The containers of this host, risk first; read again at the console's pace.</summary>
internal sealed class ContainersScreen : Screen
{
    private readonly RowsView list;
    private readonly Pace pace;
    private readonly Dictionary<string, TriageReport> judged = [];
    private readonly Queue<string> toJudge = [];
    private Dictionary<string, (LiveUse Use, double? CpuShare, long At)> uses = [];
    private ILookup<string, string> inForce = Array.Empty<Change>().ToLookup(change => change.ContainerId, change => change.Action);
    private IReadOnlyList<ContainerSummary> all = [];
    private List<ContainerSummary> shown = [];
    private string endpoint = "";
    private DateTimeOffset readAt;
    private bool isReading;
    private string? problem;

    public ContainersScreen(Shell shell)
        : base(shell)
    {
        pace = new Pace(shell);
        list = new RowsView(
            Colours, new("NAME", MinCells: 18), new("SCORE", Right: true), new("STATE", MinCells: 7), new("IN FORCE", MinCells: 8), new("RISKS", MinCells: 12), new("CPU", Right: true), new("MEMORY", Right: true), new("TCP", Right: true),
            new("AGE", Right: true), new("IMAGE", MinCells: 10), new("NETWORKS", MinCells: 8), new("ID"))
        {
            WhenEmpty = "The engine is asked …",
            Chosen = Look,
        };
        Add(list);
    }

    public override string Heading => $"Containers  {all.Count} at {DisplayText.Escape(endpoint)}  {all.Count(each => each.Risks.Any(IsGrave))} with marks of risk{(readAt == default ? "" : string.Create(CultureInfo.InvariantCulture, $"  as of {readAt.UtcDateTime:HH:mm:ss}Z"))}";

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("look", "Look at this container", Look),
        KeyAction.Of('s', "score", "Judge every running container by the rules, worst first", Score),
        KeyAction.Of('a', "acquire", "Acquire evidence of this container", () => WithSelected(each => Shell.Open(new AcquireScreen(Shell, each.Container)))),
        KeyAction.Of('p', "playbook", "Run a playbook on this container", () => WithSelected(each => Shell.Open(new PlaybooksScreen(Shell, each.Container, judged.GetValueOrDefault(each.Container.Id))))),
        KeyAction.Of('c', "contain", "Cut it off, hold it, end it: what each costs, and what can be undone", () => WithSelected(each => Shell.Open(new ContainScreen(Shell, each.Container)))),
        KeyAction.Of('r', "refresh", "Ask the engine again", Read),
    ];

    public override bool CanFilter => true;

    private ContainerSummary? Selected => list.Selected < 0 || list.Selected >= shown.Count ? null : shown[list.Selected];

    public override void Shown() => Read();

    public override void Tick()
    {
        if (pace.IsDue)
        {
            Read();
        }
    }

    protected override void Filtered()
    {
        string? id = Selected?.Container.Id;
        shown = [.. ContainersCommand.InOrder(all).OrderByDescending(each => judged.TryGetValue(each.Container.Id, out TriageReport? report) ? report.Score : -1).Where(each => Matches(each.Container.Name, each.Container.Id, each.Container.ImageName, ContainersCommand.RisksOf(each)))];
        list.WhenEmpty = problem ?? (all.Count == 0 ? "This engine has no container." : "No container matches the filter.");
        list.Rows = new RowList([.. shown.Select(Row)]);
        int at = shown.FindIndex(each => each.Container.Id == id);
        list.Selected = at < 0 ? list.Selected : at;
    }

    private RowCells Row(ContainerSummary each) => new(
        judged.TryGetValue(each.Container.Id, out TriageReport? found) && found.Worst >= Severity.High ? Tone.Bad : each.Risks.Any(IsGrave) ? Tone.Warning : each.Container.State is ContainerState.Running ? Tone.Plain : Tone.Dim,
        DisplayText.Escape(each.Container.Name),
        judged.TryGetValue(each.Container.Id, out TriageReport? report) ? report.Score.ToString(CultureInfo.InvariantCulture) : toJudge.Contains(each.Container.Id) ? "..." : "",
        each.Container.State.ToString().ToLowerInvariant(),
        string.Join(' ', inForce[each.Container.Id].Distinct()),
        DisplayText.Escape(ContainersCommand.RisksOf(each)),
        uses.GetValueOrDefault(each.Container.Id).CpuShare is { } share ? string.Create(CultureInfo.InvariantCulture, $"{share:P0}") : "",
        uses.GetValueOrDefault(each.Container.Id).Use?.MemoryBytes is { } memory ? Quantities.Bytes(memory) : "",
        Quantities.Number(uses.GetValueOrDefault(each.Container.Id).Use?.Connections),
        Quantities.Age(Shell.Facts.Surroundings.Clock.GetUtcNow() - each.Container.CreatedAt),
        DisplayText.Escape(each.Container.ImageName),
        DisplayText.Escape(string.Join(',', each.Container.Networks.Select(network => network.IPv4.Length > 0 ? $"{network.Name}={network.IPv4}" : network.Name))),
        DisplayText.Escape(each.Container.ShortId));

    // An image without a digest is usual where images are built on the host.
    private static bool IsGrave(RiskMark mark) => mark.Id != "no-digest";

    private void Score()
    {
        if (!Shell.Facts.Surroundings.IsRoot)
        {
            Shell.Say("Judging living containers needs root: they are read from the host's side.", Tone.Warning);
            return;
        }

        bool isRunning = toJudge.Count > 0;
        foreach (ContainerSummary each in shown.Where(each => each.Container.HasProcesses && !toJudge.Contains(each.Container.Id)))
        {
            toJudge.Enqueue(each.Container.Id);
        }

        if (!isRunning)
        {
            JudgeNext();
        }
    }

    // One after another: a host in trouble has better things to do than to be read by many at once.
    private void JudgeNext()
    {
        Filtered();
        if (!toJudge.TryPeek(out string? id))
        {
            Shell.Say($"{Quantities.Count(judged.Count, "container")} judged. Nothing of it is kept. Enter shows why.");
            return;
        }

        Shell.Say($"Judging {Quantities.Count(toJudge.Count, "container")} …", Tone.Dim);
        Shell.Quietly(
            ct => LiveTriage.RunAsync(id, Shell.Facts.Endpoint, TriageRules.None, Expectations.None, (request, parts, token) => Shell.Facts.Surroundings.Acquire(request, parts, null, token), Shell.Facts.Surroundings.Clock, ct),
            report =>
            {
                judged[id] = report;
                toJudge.Dequeue();
                JudgeNext();
            },
            failure =>
            {
                // It may have ended meanwhile: the others are judged all the same.
                Shell.Say(failure, Tone.Warning);
                toJudge.Dequeue();
                JudgeNext();
            });
    }

    // Processor time is a share of one processor since the reading before.
    private Dictionary<string, (LiveUse Use, double? CpuShare, long At)> ReadUses(IReadOnlyList<ContainerSummary> containers)
    {
        Dictionary<string, (LiveUse Use, double? CpuShare, long At)> read = [];
        TimeProvider clock = Shell.Facts.Surroundings.Clock;
        foreach (ContainerRef each in containers.Select(summary => summary.Container).Where(container => container.HasProcesses))
        {
            if (LiveUse.Read(each.InitPid) is { } use)
            {
                long now = clock.GetTimestamp();
                double? share = uses.TryGetValue(each.Id, out (LiveUse Use, double? CpuShare, long At) before) && use.CpuNanoseconds - before.Use.CpuNanoseconds is >= 0 and { } spent
                    ? spent / clock.GetElapsedTime(before.At, now).TotalNanoseconds : null;
                read[each.Id] = (use, share, now);
            }
        }

        return read;
    }

    private void Look() => WithSelected(each => Shell.Open(new ContainerScreen(Shell, each)));

    private void WithSelected(Action<ContainerSummary> run)
    {
        if (Selected is { } selected)
        {
            run(selected);
        }
    }

    private void Read()
    {
        if (isReading)
        {
            return;
        }

        isReading = true;
        pace.Begin();
        ActionParts parts = DoCommand.PartsOf(Shell.Facts.Surroundings, Shell.Facts.Home, Shell.Facts.Endpoint);
        Shell.Quietly(
            async ct =>
            {
                await using IContainerRuntime runtime = RuntimeConnector.Find(Shell.Facts.Endpoint);
                IReadOnlyList<ContainerSummary> containers = await runtime.ListAsync(ct);
                return (runtime.Endpoint, Containers: containers, Uses: ReadUses(containers), InForce: parts.Journal.List(out _).Where(ChangeJournal.IsOpen).ToLookup(change => change.ContainerId, change => change.Action));
            },
            read =>
            {
                (endpoint, all, uses, inForce, problem, isReading, readAt) = (read.Endpoint, read.Containers, read.Uses, read.InForce, null, false, Shell.Facts.Surroundings.Clock.GetUtcNow());
                Filtered();
            },
            failure =>
            {
                (all, problem, isReading) = ([], failure, false);
                Filtered();
            });
    }
}
