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
        KeyAction.Of('1', "overview", "What this is", () => Show(0)),
        .. BundleTable.All.Select((table, i) => KeyAction.Of((char)('2' + i), table.Title.ToLowerInvariant(), table.Meaning, () => Show(i + 1))),
    ];

    /// <summary>Takes over the tables of a bundle.</summary>
    public void Open(BundleTables opened)
    {
        tables = opened;
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

    private void Show(int which)
    {
        tab = which;
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
        RowsView rows = new(palette, table.Columns) { WhenEmpty = tables is null ? whenNoBundle : "The bundle has none." };
        Add(rows);
        rows.SetFocus();
        count = 0;
        if (tables is { } open)
        {
            shell.Work(
                $"Reading {table.Title.ToLowerInvariant()}",
                _ => Task.FromResult(open.Select(table, filter)),
                selected =>
                {
                    count = selected.Count;
                    rows.Rows = selected;
                });
        }
    }
}
