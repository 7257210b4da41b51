using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>The tables of one bundle, a number key each. Rows are read from the index as they come into view.</summary>
internal sealed class BundleTabs : View
{
    private readonly Shell shell;
    private readonly Func<Palette> palette;
    private readonly LinesView overview;
    private readonly string whenNoBundle;
    private BundleTables? tables;
    private string? bundlePath;
    private RowsView? rows;
    private int tab;
    private string filter = "";
    private long count;

    public BundleTabs(Shell shell, Func<Palette> palette, LinesView overview, string whenNoBundle)
    {
        (this.shell, this.palette, this.overview, this.whenNoBundle) = (shell, palette, overview, whenNoBundle);
        Width = Dim.Fill();
        Height = Dim.Fill();
        CanFocus = true;
        Add(overview);
    }

    public string Heading => tab == 0 ? "Overview" : $"{BundleTable.All[tab - 1].Title}  {(tables is null ? "" : Quantities.Count(count, "row"))}{(filter.Length > 0 ? $"  filter: {filter}" : "")}";

    public IReadOnlyList<KeyAction> Keys =>
    [
        .. tab == 0 ? Array.Empty<KeyAction>() : [KeyAction.Enter("open", "This row whole; of a change, before and after; of an item, what it holds", OpenRow)],
        KeyAction.Of('i', "image", "The image: its base, its layers and whose they are", OpenImage),
        KeyAction.Of('1', "overview", "What this is", () => Show(0)),
        .. BundleTable.All.Select((table, i) => KeyAction.Of((char)('2' + i), table.Title.ToLowerInvariant(), table.Meaning, () => Show(i + 1))),
    ];

    /// <summary>Takes over the tables of a bundle.</summary>
    public void Open(BundleTables opened, string path)
    {
        (tables, bundlePath) = (opened, path);
        Show(tab);
    }

    public void Close()
    {
        tables?.Dispose();
        tables = null;
    }

    public void SetFilter(string text)
    {
        filter = text;
        Show(tab);
    }

    public void Show() => Show(tab);

    private void OpenImage()
    {
        if (tables?.ItemNamed("-image/image.json") is not { } item || bundlePath is not { } bundle)
        {
            shell.Say(tables is null ? whenNoBundle : "The bundle has no facts of the image.", Tone.Warning);
            return;
        }

        shell.Work("Reading the image's facts", ct => ImageText.ReadAsync(bundle, item, ct), lines => shell.Open(new TextScreen(shell, "Image", lines)));
    }

    private void OpenRow()
    {
        if (rows is not { Selected: >= 0 } shown || bundlePath is null)
        {
            return;
        }

        BundleTable table = BundleTable.All[tab - 1];
        RowCells row = shown.Rows[shown.Selected];
        (string Item, long Row)? place = (shown.Rows as BundleRows)?.PlaceOf(shown.Selected);
        shell.Open(table.Table switch
        {
            IndexedTable.Items => new ItemScreen(shell, bundlePath, row.Cells[3]),
            IndexedTable.Changes when place is { } at => new ChangeScreen(shell, bundlePath, at.Item, at.Row, row.Cells[4]),
            _ => new RowScreen(shell, table.Title, table.Columns, row, place is { } where ? (bundlePath, where.Item, where.Row) : null),
        });
    }

    private void Show(int which)
    {
        // Coming back to the same table keeps the row one came from.
        int selected = which == tab && rows is not null ? rows.Selected : 0;
        tab = which;
        rows = null;
        foreach (View old in SubViews.ToArray())
        {
            Remove(old);
            if (old != overview)
            {
                old.Dispose();
            }
        }

        if (tab == 0)
        {
            Add(overview);
            overview.SetFocus();
            return;
        }

        BundleTable table = BundleTable.All[tab - 1];
        RowsView view = new(palette, table.Columns) { WhenEmpty = tables is null ? whenNoBundle : "The bundle has none.", Chosen = OpenRow };
        rows = view;
        Add(view);
        view.SetFocus();
        count = 0;
        if (tables is { } open)
        {
            shell.Work(
                $"Reading {table.Title.ToLowerInvariant()}",
                _ => Task.FromResult(open.Select(table, filter)),
                found =>
                {
                    count = found.Count;
                    view.Rows = found;
                    view.Selected = selected;
                });
        }
    }
}
