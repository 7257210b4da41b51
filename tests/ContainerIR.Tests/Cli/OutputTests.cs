using ContainerIR.Acquisitions;
using ContainerIR.Cli.Output;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary>Rows in columns.</summary>
public sealed class A_table
{
    [Fact]
    public void Aligns_its_columns_and_leaves_no_blanks_at_the_end() =>
        Assert.Equal("NAME  SIZE\na       12\nlong     7\n", Write(null, ["a", "12"], ["long", "7"]));

    [Fact]
    public void Takes_cells_from_the_widest_column_that_may_give_way()
    {
        Table table = new(new("NAME", MinCells: 4), new("ID"), new("IMAGE", MinCells: 6));
        table.Add("a-very-long-name", "0123456789ab", "registry/some/image:tag");

        string text = Write(table, 40);

        Assert.All(text.TrimEnd('\n').Split('\n'), line => Assert.True(line.Length <= 40));
        Assert.Contains("0123456789ab", text, StringComparison.Ordinal);
        Assert.Contains('…', text);
    }

    [Fact]
    public void Counts_cells_and_not_characters()
    {
        Table table = new(new("NAME", MinCells: 2), new("X"));
        table.Add("日本語", "1");
        table.Add("e\u0301", "2");
        table.Add("abcdef", "3");

        Assert.Equal("NAME    X\n日本語  1\ne\u0301       2\nabcdef  3\n", Write(table, null));
        Assert.Contains("日…   1", Write(table, 7), StringComparison.Ordinal);
    }

    [Fact]
    public void Lets_no_control_character_out()
    {
        Table table = new(new("NAME"), new("X"));
        table.Add("\u001b[31mred", "\u202e");

        string text = Write(table, null);

        Assert.DoesNotContain(text, letter => letter is '\u001b' or '\u202e');
    }

    [Fact]
    public void Does_not_escape_twice()
    {
        Table table = new(new("PATH"), new("X"));
        table.Add(@"/tmp/\x1b\\", "1");

        Assert.Contains(@"/tmp/\x1b\\  1", Write(table, null), StringComparison.Ordinal);
    }

    private static string Write(int? width, params string[][] rows)
    {
        Table table = new(new("NAME"), new("SIZE", Right: true));
        foreach (string[] row in rows)
        {
            table.Add(row);
        }

        return Write(table, width);
    }

    private static string Write(Table table, int? width)
    {
        using StringWriter writer = new() { NewLine = "\n" };
        table.Write(writer, width);
        return writer.ToString();
    }
}

/// <summary>Progress on a terminal.</summary>
public sealed class The_progress_line : IDisposable
{
    private readonly ManualClock clock = new();
    private readonly StringWriter writer = new() { NewLine = "\n" };
    private int width = 100;

    public void Dispose() => writer.Dispose();

    [Fact]
    public void Shows_collector_items_bytes_rate_elapsed_and_item()
    {
        using ProgressLine line = new(writer, () => width, clock);
        line.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", "data/0006-logs/a.zst", 3, 5_000_000));
        clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("> logs  3 items  5.0 MB  2.5 MB/s  2.0 s  data/0006-logs/a.zst", LastDrawn());
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40)]
    [InlineData(10)]
    [InlineData(1)]
    public void Never_reaches_the_last_column(int columns)
    {
        width = columns;
        using ProgressLine line = new(writer, () => width, clock);
        line.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", "data/0006-logs/" + new string('x', 200), 3, 5_000_000));
        clock.Advance(TimeSpan.FromSeconds(2));

        Assert.True(LastDrawn().Length <= Math.Max(1, columns - 1));
    }

    [Fact]
    public void Moves_on_although_nothing_is_reported()
    {
        using ProgressLine line = new(writer, () => width, clock);
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Contains("3.0 s", LastDrawn(), StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Contains("6.0 s", LastDrawn(), StringComparison.Ordinal);
    }

    [Fact]
    public void Leaves_a_line_for_each_collector_and_each_gap_and_erases_itself()
    {
        using (ProgressLine line = new(writer, () => width, clock))
        {
            line.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 0, 0));
            clock.Advance(TimeSpan.FromSeconds(1));
            line.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 2, 1500, GapText: "/x\u001b[2J: no such file"));
            line.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "logs", null, 2, 1500, Ended: new CollectorEnd("logs", 2, 1500, TimeSpan.FromSeconds(1))));
            line.Report(new AcquisitionProgress(AcquisitionStage.Collecting, "image", null, 2, 1500, EffectText: "memory: held \u001b[2J"));
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(
            ["  gap: /x\\x1b[2J: no such file", "  logs                       2 items      1.5 kB       1.0 s", "  effect: memory: held \\x1b[2J"], Kept());
        Assert.EndsWith("\r\u001b[K", writer.ToString(), StringComparison.Ordinal);
    }

    private string LastDrawn() => writer.ToString().Split('\r')[^1].Replace("\u001b[K", "", StringComparison.Ordinal);

    private string[] Kept() =>
        [.. writer.ToString().Split('\n')[..^1].Select(line => line.Split("\u001b[K")[^1])];
}

/// <summary>Numbers as a person reads them.</summary>
public sealed class A_quantity
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 kB")]
    [InlineData(99_949, "99.9 kB")]
    [InlineData(99_951, "100 kB")]
    [InlineData(999_500, "1.0 MB")]
    [InlineData(5_000_000_000, "5.0 GB")]
    [InlineData(long.MaxValue, "9.2 EB")]
    public void Of_bytes_has_a_decimal_unit(long bytes, string expected) => Assert.Equal(expected, Quantities.Bytes(bytes));

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(59.9, "59 s")]
    [InlineData(184, "3 min 04 s")]
    [InlineData(7500, "2 h 05 min")]
    public void Of_time_has_the_unit_that_says_most(double seconds, string expected) => Assert.Equal(expected, Quantities.Elapsed(TimeSpan.FromSeconds(seconds)));
}
