using ContainerIR.Analyzers;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>
/// One container. What is shown beyond its configuration is read as evidence is: a look copies it into a sealed bundle of its own, which is removed when the
/// screen is left. Nothing is run inside the container.
/// </summary>
internal sealed class ContainerScreen : Screen
{
    private const int MaxFindingsInOverview = 8;

    private readonly ContainerSummary summary;
    private readonly LinesView overview;
    private readonly BundleTabs tabs;
    private Look? look;
    private bool isGone;

    public ContainerScreen(Shell shell, ContainerSummary summary)
        : base(shell)
    {
        this.summary = summary;
        overview = new LinesView(Colours) { Lines = [.. Overview(summary)] };
        tabs = new BundleTabs(Shell, Colours, overview, "Nothing was copied yet: l looks (volatile state, 1 s), L looks at the changed files too.");
        Add(tabs);
    }

    public override string Heading => $"{DisplayText.Escape(summary.Container.Name)}  {summary.Container.State.ToString().ToLowerInvariant()}  {tabs.Heading}";

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Of('a', "acquire", "Acquire evidence of this container", () => Shell.Open(new AcquireScreen(Shell, summary.Container))),
        KeyAction.Of('f', "findings", "What is wrong with it, with proof", OpenFindings),
        KeyAction.Of('p', "playbook", "Run a playbook on it: those its findings call for first", () => Shell.Open(new PlaybooksScreen(Shell, summary.Container, look?.Report))),
        KeyAction.Of('c', "contain", "Cut it off, hold it, end it: what each costs, and what can be undone", () => Shell.Open(new ContainScreen(Shell, summary.Container))),
        KeyAction.Of('o', "output", "What it writes, as it writes it", () => Shell.Open(new LogScreen(Shell, summary.Container))),
        KeyAction.Of('l', "look", "Copy processes, sockets and events for a look", () => TakeLook(Collectors.Profile.Triage)),
        KeyAction.Of('L', "look at files", "Copy changed files and logs too, for a look", () => TakeLook(Collectors.Profile.Standard)),
        .. tabs.Keys,
    ];

    public override bool CanFilter => true;

    public override void Shown()
    {
        tabs.Show();
        if (look is null && summary.Container.State is ContainerState.Running or ContainerState.Paused && Shell.Facts.Surroundings.IsRoot)
        {
            TakeLook(Collectors.Profile.Triage);
        }
    }

    protected override void Filtered() => tabs.SetFilter(Filter);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            isGone = true;
            tabs.Close();
            look?.Dispose();
            look = null;
        }

        base.Dispose(disposing);
    }

    private static IEnumerable<TextLine> Overview(ContainerSummary summary)
    {
        ContainerRef container = summary.Container;
        yield return new TextLine($"Name      {DisplayText.Escape(container.Name)}");
        yield return new TextLine($"Id        {DisplayText.Escape(container.Id)}");
        yield return new TextLine($"Image     {DisplayText.Escape(container.ImageName)}");
        yield return new TextLine($"          {DisplayText.Escape(container.ImageId)}");
        yield return new TextLine($"State     {container.State.ToString().ToLowerInvariant()}{(container.InitPid > 0 ? $", init is pid {container.InitPid} of this host" : "")}");
        yield return new TextLine($"Created   {Quantities.Instant(container.CreatedAt)}{(container.StartedAt is { } started ? $", started {Quantities.Instant(started)}" : "")}");
        foreach (ContainerNetwork network in container.Networks)
        {
            yield return new TextLine($"Network   {DisplayText.Escape($"{network.Name} {network.IPv4} {network.IPv6}")}");
        }

        foreach (ContainerMount mount in container.Mounts)
        {
            yield return new TextLine($"Mount     {DisplayText.Escape($"{mount.Type} {mount.Source} -> {mount.Destination} ({(mount.Writable ? "rw" : "ro")})")}");
        }

        yield return new TextLine("");
        yield return new TextLine(summary.Risks.Count == 0 ? "No mark of risk in its configuration." : "Marks of risk in its configuration (facts, not findings):", summary.Risks.Count == 0 ? Tone.Good : Tone.Title);
        foreach (RiskMark mark in summary.Risks)
        {
            yield return new TextLine($"  ! {mark.Id,-22} {DisplayText.Escape(mark.Text)}", Tone.Warning);
        }
    }

    private void OpenFindings()
    {
        if (look is { } taken)
        {
            Shell.Open(new FindingsScreen(Shell, taken.Report, taken.BundlePath, summary.Container));
        }
        else
        {
            Shell.Say("Nothing was copied yet: l looks first.", Tone.Warning);
        }
    }

    private IEnumerable<TextLine> Judged(TriageReport report)
    {
        yield return new TextLine($"Score     {report.Score} of 100, {Quantities.Count(report.Findings.Count, "finding")} (f shows them with proof)", report.Worst is { } worst ? FindingsScreen.ToneOf(worst) : Tone.Good);
        foreach (Finding finding in report.Findings.Where(finding => finding.Severity >= Severity.Medium).Take(MaxFindingsInOverview))
        {
            yield return new TextLine($"  {finding.Severity.ToString().ToUpperInvariant(),-8}  {finding.Rule.Id}  {finding.Rule.Title}: {Cells.Fit(FindingsScreen.Seen(finding), 120)}", FindingsScreen.ToneOf(finding.Severity));
        }

        yield return new TextLine("");
        foreach (TextLine line in Overview(summary))
        {
            yield return line;
        }
    }

    private void TakeLook(Collectors.Profile profile) => Shell.Work(
        profile == Collectors.Profile.Triage ? "Looking: volatile state" : "Looking: changed files and logs as well",
        ct => Look.TakeAsync(Shell.Facts, summary.Container, profile, ct),
        taken =>
        {
            if (isGone)
            {
                taken.Dispose();
                return;
            }

            tabs.Close();
            look?.Dispose();
            look = taken;
            overview.Lines = [.. Judged(taken.Report)];
            tabs.Open(taken.OpenIndex(), taken.BundlePath);
            Shell.Say($"Looked at {DisplayText.Escape(summary.Container.Name)}: score {taken.Report.Score}, {taken.Gaps} gaps. Nothing of it is kept; a acquires evidence.");
        });
}
