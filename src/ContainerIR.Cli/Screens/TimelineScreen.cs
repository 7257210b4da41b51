using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Screens;

/// <summary>What happened, over all bundles of a case and its record: the same question as <c>cir timeline</c>, narrowed around the selected row and widened again.</summary>
internal sealed class TimelineScreen : Screen
{
    private const int MaxRows = 10_000;

    // How much is seen on each side of the middle; the first is all there is.
    private static readonly TimeSpan?[] Spans = [null, TimeSpan.FromDays(1), TimeSpan.FromHours(1), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5)];

    private readonly string caseId;
    private readonly RowsView list;
    private List<TimelineRow> rows = [];
    private int zoom;
    private long middleNs;
    private bool isCut;

    public TimelineScreen(Shell shell, string caseId)
        : base(shell)
    {
        this.caseId = caseId;
        list = new RowsView(Colours, new("WHEN"), new("SOURCE", MinCells: 6), new("MEANING", MinCells: 8), new("WHAT", MinCells: 20)) { WhenEmpty = "It is being read …", Chosen = Open };
        Add(list);
    }

    public override string Heading =>
        $"Timeline of {caseId}  {(Spans[zoom] is { } span ? $"{Quantities.Elapsed(span)} around {Rfc3339.Format(middleNs)}" : "all of it")}  {Quantities.Count(rows.Count, "row")}{(isCut ? ", more there are: + narrows" : "")}{(Filter.Length > 0 ? $"  filter: {DisplayText.Escape(Filter)}" : "")}";

    public override string? CaseId => caseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("evidence", "The line of the evidence that says so", Open),
        KeyAction.Of('+', "narrow", "Less time around the selected row", () => Zoom(1)),
        KeyAction.Of('-', "widen", "More time around the selected row", () => Zoom(-1)),
    ];

    public override bool CanFilter => true;

    public override void Shown()
    {
        if (rows.Count == 0)
        {
            Read();
        }
    }

    protected override void Filtered() => Read();

    private void Zoom(int by)
    {
        if (list.Selected >= 0 && list.Selected < rows.Count)
        {
            middleNs = rows[list.Selected].AtNs;
        }

        zoom = Math.Clamp(zoom + by, 0, Spans.Length - 1);
        Read();
    }

    private void Read()
    {
        long width = Spans[zoom] is { } span ? (long)span.TotalNanoseconds : 0;
        TimelineQuery query = new()
        {
            FromNs = width == 0 ? long.MinValue : (long)Int128.Max((Int128)middleNs - width, long.MinValue),
            UntilNs = width == 0 ? long.MaxValue : (long)Int128.Min((Int128)middleNs + width, long.MaxValue),
            Grep = Filter.Length > 0 ? Filter : null,
            Limit = MaxRows + 1,
        };
        Shell.Work(
            "Reading the timeline",
            ct =>
            {
                using CaseStore store = CaseStore.OpenReadOnly(CaseFields.HomeOf(Shell.Facts), caseId);
                return Task.FromResult(TimelineReader.Read(store, query).ToList());
            },
            read =>
            {
                isCut = read.Count > MaxRows;
                rows = isCut ? read[..MaxRows] : read;
                list.WhenEmpty = "No row answers that: - widens, / filters.";
                list.Rows = new RowList([.. rows.Select(row => new RowCells(
                    row.Source is TimelineSources.Playbook or TimelineSources.Case ? Tone.Key : row.Source == TimelineSources.Custody ? Tone.Dim : Tone.Plain,
                    Rfc3339.Format(row.AtNs), row.Source, row.Meaning, Cells.Safe(row.Message)))]);
                int at = rows.FindIndex(row => row.AtNs >= middleNs);
                list.Selected = zoom == 0 && middleNs == 0 ? 0 : at < 0 ? rows.Count - 1 : at;
            });
    }

    private void Open()
    {
        if (list.Selected < 0 || list.Selected >= rows.Count)
        {
            return;
        }

        TimelineRow row = rows[list.Selected];
        Shell.Open(row is { Bundle: { } bundle, Item: { } item } && item.StartsWith("data/", StringComparison.Ordinal)
            ? new ItemScreen(Shell, Path.Combine(CaseFields.HomeOf(Shell.Facts).FolderOf(caseId), "bundles", bundle), item, row.Row)
            : new TextScreen(Shell, "Timeline  one row",
            [
                new TextLine($"{Rfc3339.Format(row.AtNs)}  {row.Source}  {row.Meaning}", Tone.Title), new TextLine(Cells.Safe(row.Message)),
                new TextLine(row.Bundle is { } folder ? $"{DisplayText.Escape(folder)}/{row.Item}:{row.Row}" : "in the record of the case", Tone.Dim),
            ]));
    }
}
