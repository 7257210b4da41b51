using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Output;

/// <summary>Text measured in the cells of a terminal: an ideograph or an emoji takes two, a combining mark none (Unicode UAX #11).</summary>
internal static class Cells
{
    /// <summary>Ranges a terminal draws two cells wide: East Asian Wide and Fullwidth, and emoji.</summary>
    private static readonly (int First, int Last)[] Wide =
    [
        (0x1100, 0x115F), (0x231A, 0x231B), (0x2329, 0x232A), (0x23E9, 0x23F3), (0x25FD, 0x25FE), (0x2614, 0x2615), (0x2648, 0x2653), (0x267F, 0x267F),
        (0x2693, 0x2693), (0x26A1, 0x26A1), (0x26AA, 0x26AB), (0x26BD, 0x26BE), (0x26C4, 0x26C5), (0x26CE, 0x26CE), (0x26D4, 0x26D4), (0x26EA, 0x26EA),
        (0x26F2, 0x26F5), (0x26FA, 0x26FD), (0x2705, 0x2705), (0x270A, 0x270B), (0x2728, 0x2728), (0x274C, 0x274E), (0x2753, 0x2757), (0x2795, 0x2797),
        (0x27B0, 0x27BF), (0x2B1B, 0x2B1C), (0x2B50, 0x2B55), (0x2E80, 0x303E), (0x3041, 0xA4CF), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
        (0xFE10, 0xFE6F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6), (0x16FE0, 0x1B2FB), (0x1F004, 0x1F004), (0x1F0CF, 0x1F0CF), (0x1F18E, 0x1F19A),
        (0x1F200, 0x1F320), (0x1F32D, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F7E0, 0x1F7EB), (0x1F90C, 0x1FAFF), (0x20000, 0x3FFFD),
    ];

    /// <summary>Cells of text that is already escaped.</summary>
    public static int Count(string escaped)
    {
        int cells = 0;
        foreach (Rune rune in escaped.EnumerateRunes())
        {
            cells += Count(rune);
        }

        return cells;
    }

    /// <summary>
    /// Text in display form (<see cref="DisplayText"/>), cut to so many cells, the cut shown by an ellipsis. Display form cannot be escaped a second time
    /// without doubling its backslashes; text that is not in it after all is escaped here, as the last line of defence of the terminal.
    /// </summary>
    public static string Fit(string display, int cells)
    {
        string safe = Safe(display);
        return Count(safe) <= cells ? safe : Cut(safe, Math.Max(1, cells));
    }

    /// <summary>Fits text in display form and fills it up with blanks.</summary>
    public static string Pad(string display, int cells, bool right)
    {
        string cut = Fit(display, cells);
        string blanks = new(' ', Math.Max(0, cells - Count(cut)));
        return right ? blanks + cut : cut + blanks;
    }

    /// <summary>The text itself where it is in display form, else escaped.</summary>
    public static string Safe(string display)
    {
        string bare = display.Replace("\\", "", StringComparison.Ordinal);
        return DisplayText.Escape(bare) == bare ? display : DisplayText.Escape(display);
    }

    private static string Cut(string escaped, int cells)
    {
        StringBuilder kept = new();
        int used = 0;
        foreach (Rune rune in escaped.EnumerateRunes())
        {
            if (used + Count(rune) > cells - 1)
            {
                break;
            }

            used += Count(rune);
            kept.Append(rune.ToString());
        }

        return kept.Append('…').ToString();
    }

    private static int Count(Rune rune)
    {
        if (rune.Value < 0x300)
        {
            return 1;
        }

        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark)
        {
            return 0;
        }

        foreach ((int first, int last) in Wide)
        {
            if (rune.Value <= last)
            {
                return rune.Value >= first ? 2 : 1;
            }
        }

        return 1;
    }
}
