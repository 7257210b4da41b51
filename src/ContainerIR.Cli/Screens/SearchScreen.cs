using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Screens;

/// <summary>Where something stands in the evidence of a case: the same question as <c>cir search</c>.</summary>
internal sealed class SearchScreen : Screen
{
    private const int MaxHits = 2000;

    private readonly string caseId;
    private readonly string asked;
    private readonly RowsView list;
    private List<SearchHit> hits = [];
    private bool isRead;

    public SearchScreen(Shell shell, string caseId, string asked)
        : base(shell)
    {
        (this.caseId, this.asked) = (caseId, asked);
        list = new RowsView(Colours, new("KIND"), new("WHERE", MinCells: 16), new("WHAT", MinCells: 24)) { WhenEmpty = "It is being searched …", Chosen = Open };
        Add(list);
    }

    /// <summary>What can be typed.</summary>
    public const string Prompt = "Search (or hash:, ip:, path:, re:):";

    public override string Heading => $"{caseId}  {DisplayText.Escape(asked)}  {(isRead ? $"{(hits.Count == MaxHits ? "more than " : "")}{Quantities.Count(hits.Count, "hit")}" : "")}";

    public override string? CaseId => caseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Enter("evidence", "The line of the evidence", Open),
        KeyAction.Of('s', "search", "Another question", () => Shell.Ask(Prompt, asked, text => Shell.Replace(new SearchScreen(Shell, caseId, text)))),
    ];

    public override void Shown()
    {
        if (isRead)
        {
            return;
        }

        isRead = true;
        Shell.Work(
            "Searching",
            ct =>
            {
                SearchQuery query = QueryOf(asked);
                using CaseStore store = CaseStore.OpenReadOnly(CaseFields.HomeOf(Shell.Facts), caseId);
                using CaseSearch search = new(store);
                List<SearchHit> found = [];
                foreach (SearchHit hit in search.Find(query, ct).Take(MaxHits))
                {
                    ct.ThrowIfCancellationRequested();
                    found.Add(hit);
                }

                return Task.FromResult(found);
            },
            found =>
            {
                hits = found;
                list.WhenEmpty = "Nothing answers that.";
                list.Rows = new RowList([.. found.Select(hit => new RowCells(Tone.Plain, hit.Kind, $"{DisplayText.Escape(hit.Bundle ?? "record")}{(hit.Item is { } item ? "/" + Cells.Safe(item) : "")}", Cells.Safe(hit.Text)))]);
            },
            _ => list.WhenEmpty = "It could not be searched.");
    }

    private static SearchQuery QueryOf(string text) => text.Split(':', 2) switch
    {
        ["hash", var digest] => SearchQuery.OfHash(digest.Trim()),
        ["ip", var address] => SearchQuery.OfAddress(address.Trim()),
        ["path", var path] => SearchQuery.OfPath(path.Trim()),
        ["re", var pattern] => SearchQuery.OfRegex(pattern.Trim()),
        _ => text.Trim().Length > 0 ? SearchQuery.OfText(text.Trim()) : throw new OperatorException("There is nothing to search for.", "Type a text: s"),
    };

    private void Open()
    {
        if (list.Selected < 0 || list.Selected >= hits.Count)
        {
            return;
        }

        SearchHit hit = hits[list.Selected];
        Shell.Open(hit is { Bundle: { } bundle, Item: { } item } && item.StartsWith("data/", StringComparison.Ordinal)
            ? new ItemScreen(Shell, Path.Combine(CaseFields.HomeOf(Shell.Facts).FolderOf(caseId), "bundles", bundle), item, hit.Row)
            : new TextScreen(Shell, hit.Kind, [new TextLine(Cells.Safe(hit.Text)), new TextLine(hit.Bundle is { } folder ? DisplayText.Escape(folder) : "in the record of the case", Tone.Dim)]));
    }
}
