namespace ContainerIR.Cli.Screens;

/// <summary>Two small texts line by line: the longest common lines stay, with what was taken out and put in between them.</summary>
internal static class LineComparison
{
    private const int MaxLines = 2000;
    private const int Around = 3;

    /// <summary>Lines with their mark: <c>-</c> only before, <c>+</c> only after, blank in both; three of those around a difference, <c>…</c> for the rest.</summary>
    public static IEnumerable<(char Mark, string Text)> Of(string[] before, string[] after)
    {
        if (before.Length > MaxLines || after.Length > MaxLines)
        {
            return [('…', $"more than {MaxLines} lines: not compared line by line")];
        }

        List<(char Mark, string Text)> all = Compare(before, after);
        List<(char Mark, string Text)> shown = [];
        for (int i = 0; i < all.Count; i++)
        {
            bool isNear = all.Skip(i - Around).Take(Math.Min(i, Around) + Around + 1).Any(line => line.Mark != ' ');
            if (isNear)
            {
                shown.Add(all[i]);
            }
            else if (shown.Count == 0 || shown[^1].Mark != '…')
            {
                shown.Add(('…', ""));
            }
        }

        return shown;
    }

    private static List<(char Mark, string Text)> Compare(string[] before, string[] after)
    {
        // lengths[i, j]: longest common lines of before from i on and after from j on.
        ushort[,] lengths = new ushort[before.Length + 1, after.Length + 1];
        for (int i = before.Length - 1; i >= 0; i--)
        {
            for (int j = after.Length - 1; j >= 0; j--)
            {
                lengths[i, j] = before[i] == after[j] ? (ushort)(lengths[i + 1, j + 1] + 1) : Math.Max(lengths[i + 1, j], lengths[i, j + 1]);
            }
        }

        List<(char, string)> lines = [];
        for (int i = 0, j = 0; i < before.Length || j < after.Length;)
        {
            if (i < before.Length && j < after.Length && before[i] == after[j])
            {
                lines.Add((' ', before[i++]));
                j++;
            }
            else if (j == after.Length || (i < before.Length && lengths[i + 1, j] >= lengths[i, j + 1]))
            {
                lines.Add(('-', before[i++]));
            }
            else
            {
                lines.Add(('+', after[j++]));
            }
        }

        return lines;
    }
}
