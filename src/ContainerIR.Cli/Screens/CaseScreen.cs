using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Screens;

/// <summary>One case: its bundles, its record, its runs of playbooks; and the way to its timeline, search and hand-out.</summary>
internal sealed class CaseScreen : Screen
{
    private const int MaxRecordRows = 5000;

    private readonly string caseId;
    private readonly Tab[] tabs;
    private int tab;
    private CaseOverview? overview;
    private List<(long Number, PlaybookEvent Row)> record = [];
    private List<CaseRun> runs = [];

    public CaseScreen(Shell shell, string caseId)
        : base(shell)
    {
        this.caseId = caseId;
        tabs =
        [
            new("Bundles", new RowsView(Colours, new("ACQUIRED", MinCells: 20), new("CONTAINER", MinCells: 10), new("HOST", MinCells: 6), new("SCORE", Right: true), new("GAPS", Right: true), new("READ", Right: true), new("ITEMS", Right: true), new("BUNDLE", MinCells: 12)), OpenBundle),
            new("Record", new RowsView(Colours, new("ROW", Right: true), new("WHEN", MinCells: 20), new("WHO", MinCells: 6), new("EVENT"), new("STEP", MinCells: 6), new("WHAT", MinCells: 20)), OpenRecord),
            new("Runs", new RowsView(Colours, new("RUN"), new("PLAYBOOK", MinCells: 10), new("CONTAINER", MinCells: 10), new("STATE", MinCells: 12)), OpenRun),
        ];
        foreach (Tab each in tabs)
        {
            each.Rows.Chosen = each.Open;
        }

        Add(tabs[0].Rows);
    }

    public override string Heading => $"Case {caseId}  {tabs[tab].Title}  {(overview is null ? "" : Quantities.Count(overview.Bundles.Count, "bundle"))}{(overview?.Casebook.ClosedAt is null ? "" : "  CLOSED")}  {overview?.Reason}";

    public override string? CaseId => caseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter(tab == 2 ? "go on" : "open", tab == 2 ? "Go on with a run that was cut, or see what it did" : "Open this row", () => tabs[tab].Open()),
        KeyAction.Of('t', "timeline", "What happened, over all bundles", () => Shell.Open(new TimelineScreen(Shell, caseId))),
        KeyAction.Of('s', "search", "A text, digest, address or path in all of its evidence", () => Shell.Ask(SearchScreen.Prompt, "", text => Shell.Open(new SearchScreen(Shell, caseId, text)))),
        KeyAction.Of('e', "hand out", "Export it, or write a report", () => Shell.Open(new HandOutScreen(Shell, caseId))),
        KeyAction.Of('v', "verify", "Verify this bundle", () => WithBundle((_, path) => Shell.Open(new VerifyScreen(Shell, path)))),
        KeyAction.Of('p', "prove", "Prove that the record is as it was written", Prove),
        .. tabs.Select((each, i) => KeyAction.Of((char)('1' + i), each.Title.ToLowerInvariant(), $"The case's {each.Title.ToLowerInvariant()}", () => Show(i))),
    ];

    public override bool CanFilter => true;

    private CaseHome Home => CaseFields.HomeOf(Shell.Facts);

    public override void Shown()
    {
        Shell.LastCase = caseId;
        Shell.Quietly(
            _ =>
            {
                using CaseStore store = CaseStore.OpenReadOnly(Home, caseId);
                return Task.FromResult((Overview: CaseReader.ReadOverview(store), Record: Casebook.ReadNumbered(store).TakeLast(MaxRecordRows).Reverse().ToList(), Runs: CaseRun.List(store.Folder).ToList()));
            },
            read =>
            {
                (overview, record, runs) = read;
                Filtered();
                if (read.Overview.NotIndexed.Count > 0)
                {
                    Shell.Say($"Not in the index: {string.Join(", ", read.Overview.NotIndexed.Take(3))} (interrupted, or put there by hand; cir case rebuild says why)", Tone.Warning);
                }
            },
            problem => Shell.Say(problem, Tone.Bad));
    }

    protected override void Filtered()
    {
        foreach (Tab each in tabs)
        {
            each.Rows.WhenEmpty = Filter.Length > 0 ? "No row matches the filter." : $"No {each.Title.ToLowerInvariant()} yet.";
        }

        tabs[0].Rows.Rows = new RowList([.. Bundles().Select(bundle => new RowCells(
            bundle.IncompleteItems > 0 ? Tone.Warning : Tone.Plain,
            bundle.OpenedAt is { } at ? Quantities.Instant(at) : "?",
            bundle.ContainerName ?? "?",
            bundle.Host ?? "?",
            Quantities.Number(bundle.Score),
            Quantities.Number(bundle.Gaps.Count),
            Quantities.Bytes(bundle.RawBytes),
            Quantities.Number(bundle.Items),
            bundle.Folder))]);
        tabs[1].Rows.Rows = new RowList([.. Records().Select(row => new RowCells(
            row.Row.Event switch { "failed" or "break_glass" => Tone.Bad, "refused" => Tone.Warning, "note" => Tone.Key, _ => Tone.Plain },
            Quantities.Number(row.Number),
            Quantities.Instant(DateTimeOffset.UnixEpoch.AddTicks(row.Row.UtcNs / 100)),
            DisplayText.Escape(row.Row.Actor),
            row.Row.Event,
            DisplayText.Escape(row.Row.Step),
            Cells.Safe(DisplayText.Shorten(row.Row.Result.Length > 0 ? row.Row.Result : string.Join(' ', row.Row.Command), 1000))))]);
        tabs[2].Rows.Rows = new RowList([.. Runs().Select(run => new RowCells(
            run.IsEnded ? Tone.Plain : run.IsAtWork ? Tone.Key : Tone.Warning, run.Id, DisplayText.Escape(run.Playbook), DisplayText.Escape(run.Container[..Math.Min(run.Container.Length, 12)]),
            run.IsEnded ? run.Outcome : run.IsAtWork ? "runs" : "cut: Enter goes on"))]);
    }

    private List<BundleOverview> Bundles() => [.. (overview?.Bundles ?? []).Where(bundle => Matches(bundle.Folder, bundle.ContainerName, bundle.Host))];

    private List<(long Number, PlaybookEvent Row)> Records() => [.. record.Where(row => Matches(row.Row.Actor, row.Row.Event, row.Row.Step, row.Row.Result, row.Row.Target))];

    private List<CaseRun> Runs() => [.. runs.Where(run => Matches(run.Id, run.Playbook, run.Container))];

    private void Show(int which)
    {
        Remove(tabs[tab].Rows);
        tab = which;
        Add(tabs[tab].Rows);
        tabs[tab].Rows.SetFocus();
        Shown();
    }

    private void OpenBundle() => WithBundle((bundle, path) => Shell.Open(new BundleScreen(Shell, caseId, bundle, path)));

    private void OpenRecord()
    {
        if (tabs[1].Rows.Selected is >= 0 and int at && Records() is var rows && at < rows.Count)
        {
            PlaybookEvent row = rows[at].Row;
            Shell.Open(new TextScreen(Shell, $"Record of {caseId}, row {rows[at].Number}",
            [
                new TextLine($"{Rfc3339.Format(row.UtcNs)}  {row.Event}", Tone.Title),
                new TextLine($"Who       {DisplayText.Escape(row.Actor)} ({DisplayText.Escape(row.ActorAuth)}), host {DisplayText.Escape(row.Host)}, terminal {DisplayText.Escape(row.Terminal ?? "none")}{(row.SshClient is { } ssh ? $", ssh {DisplayText.Escape(ssh)}" : "")}"),
                new TextLine($"Clock     {DisplayText.Escape(row.ClockState)}"),
                new TextLine($"Target    {DisplayText.Escape(row.Target)}"),
                new TextLine($"Playbook  {DisplayText.Escape(row.Playbook)} {row.PlaybookSha256}"),
                new TextLine($"Step      {DisplayText.Escape(row.Step)}  {string.Join(' ', row.Tags.Select(DisplayText.Escape))}"),
                new TextLine($"Command   {Cells.Safe(string.Join(' ', row.Command))}"),
                new TextLine($"Result    {Cells.Safe(row.Result)}"),
                .. row.EvidenceRefs.Select(reference => new TextLine($"Evidence  {DisplayText.Escape(reference)}")),
            ]));
        }
    }

    private void OpenRun()
    {
        if (tabs[2].Rows.Selected is not (>= 0 and int at) || Runs() is not { } shown || at >= shown.Count)
        {
            return;
        }

        CaseRun run = shown[at];
        if (run.IsEnded || run.IsAtWork)
        {
            ShowRun(run.Id);
            return;
        }

        CaseFields common = new(Shell.Facts);
        if (common.Key.Any())
        {
            Shell.Open(new ResumeScreen(Shell, caseId, run));
        }
        else
        {
            ResumeScreen.GoOn(Shell, caseId, run, new Passphrases(Shell.Facts.Surroundings, Shell.Facts.PassphraseFile));
        }
    }

    // What an ended run did stands in the record.
    private void ShowRun(string runId)
    {
        List<TextLine> lines = [.. record.Where(row => row.Row.RunId == runId).Reverse().Select(row => new TextLine(
            $"{Rfc3339.Format(row.Row.UtcNs)}  {row.Row.Event,-11} {DisplayText.Escape(row.Row.Step)}  {Cells.Safe(DisplayText.Shorten(row.Row.Result, 500))}",
            row.Row.Event switch { "failed" or "break_glass" => Tone.Bad, "refused" => Tone.Warning, "executed" or "verified" => Tone.Good, _ => Tone.Plain }))];
        Shell.Open(new TextScreen(Shell, runId, lines));
    }

    private void Prove() => Shell.Work(
        "Proving the record",
        _ =>
        {
            using CaseStore store = CaseStore.OpenReadOnly(Home, caseId);
            return Task.FromResult(CasebookCheck.Run(store));
        },
        seen =>
        {
            if (seen.Faults.Count == 0)
            {
                Shell.Say($"The record is as it was written: {Quantities.Count(seen.Rows, "row")}, {Quantities.Count(seen.SealedHeads, "head")} sealed in bundles.", Tone.Good);
            }
            else
            {
                Shell.Open(new TextScreen(Shell, "The record is NOT as it was written", [.. seen.Faults.Select(fault => new TextLine(Cells.Safe(fault), Tone.Bad))]));
            }
        });

    private void WithBundle(Action<BundleOverview, string> run)
    {
        List<BundleOverview> shown = Bundles();
        if (tab == 0 && tabs[0].Rows.Selected is >= 0 and int at && at < shown.Count)
        {
            run(shown[at], Path.Combine(Home.FolderOf(caseId), "bundles", shown[at].Folder));
        }
    }

    private sealed record Tab(string Title, RowsView Rows, Action Open);
}
