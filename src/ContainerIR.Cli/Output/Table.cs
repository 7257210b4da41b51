namespace ContainerIR.Cli.Output;

/// <summary>A column of a table.</summary>
/// <param name="Title">Its head.</param>
/// <param name="MinCells">Cells it keeps when the terminal is narrow; null when it never gives way.</param>
/// <param name="Right">Aligned to the right: numbers.</param>
internal sealed record Column(string Title, int? MinCells = null, bool Right = false);

/// <summary>Rows aligned in columns. Cells are in display form.</summary>
internal sealed class Table(params Column[] columns)
{
    private const string Gap = "  ";

    private readonly List<string[]> rows = [];

    public void Add(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, columns.Length);
        rows.Add([.. cells.Select(Cells.Safe)]);
    }

    /// <summary>Writes head and rows; cut to the width where one is given.</summary>
    public void Write(TextWriter writer, int? width, string indent = "")
    {
        int[] widths = [.. columns.Select((column, i) => rows.Select(row => Cells.Count(row[i])).Append(Cells.Count(column.Title)).Max())];
        if (width is { } limit)
        {
            Narrow(widths, limit - indent.Length - (Gap.Length * (columns.Length - 1)));
        }

        WriteRow(writer, [.. columns.Select(column => column.Title)], widths, indent);
        foreach (string[] row in rows)
        {
            WriteRow(writer, row, widths, indent);
        }
    }

    // The widest column that may give way loses a cell until all fit or none may.
    private void Narrow(int[] widths, int available)
    {
        while (widths.Sum() > available)
        {
            int widest = -1;
            for (int i = 0; i < widths.Length; i++)
            {
                if (columns[i].MinCells is { } least && widths[i] > least && (widest < 0 || widths[i] > widths[widest]))
                {
                    widest = i;
                }
            }

            if (widest < 0)
            {
                return;
            }

            widths[widest]--;
        }
    }

    private void WriteRow(TextWriter writer, string[] cells, int[] widths, string indent) => writer.WriteLine(
        (indent + string.Join(Gap, cells.Select((cell, i) => Cells.Pad(cell, widths[i], columns[i].Right)))).TrimEnd());
}
