using System.Buffers;
using System.Globalization;
using System.Text;

namespace ContainerIR.Evidence.Text;

/// <summary>
/// The one way from bytes or text of a container to something a person sees: a terminal, a report, a JSON display field.
/// Reversible for bytes: every byte that is not part of printable, harmless UTF-8 becomes <c>\xHH</c>, a backslash becomes <c>\\</c>,
/// harmful code points become <c>\u{H}</c>. The result has no control, format, bidirectional, private-use, surrogate or unassigned character.
/// </summary>
public static class DisplayText
{
    // What stands for itself, by far the most: taken in stretches.
    private static readonly SearchValues<byte> Plain = SearchValues.Create(
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    /// <summary>Escapes raw bytes that claim to be UTF-8.</summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            int plain = bytes.IndexOfAnyExcept(Plain);
            plain = plain < 0 ? bytes.Length : plain;
            if (plain > 0)
            {
                text.Append(Encoding.ASCII.GetString(bytes[..plain]));
                bytes = bytes[plain..];
                continue;
            }

            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) == OperationStatus.Done)
            {
                Append(text, rune);
            }
            else
            {
                for (int i = 0; i < used; i++)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\x{bytes[i]:x2}");
                }
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>Escapes text that came from outside (JSON of the engine, labels).</summary>
    public static string Escape(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var escaped = new StringBuilder(text.Length);
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int used) == OperationStatus.Done)
            {
                Append(escaped, rune);
            }
            else
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)rest[0]:x}}}");
            }

            rest = rest[used..];
        }

        return escaped.ToString();
    }

    /// <summary>Escapes and cuts to so many characters, the cut shown by <c>…</c>: for columns and progress lines.</summary>
    public static string Shorten(string text, int maxCharacters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxCharacters, 1);
        ArgumentNullException.ThrowIfNull(text);
        string escaped = Escape(text.Length > maxCharacters * 2 ? text[..(maxCharacters * 2)] : text);
        return escaped.Length <= maxCharacters ? escaped : string.Concat(escaped.AsSpan(0, maxCharacters - 1), "…");
    }

    private static void Append(StringBuilder text, Rune rune)
    {
        switch (rune.Value)
        {
            case '\\':
                text.Append("\\\\");
                return;
            case '\n':
                text.Append("\\n");
                return;
            case '\r':
                text.Append("\\r");
                return;
            case '\t':
                text.Append("\\t");
                return;
            case < 0x20 or 0x7f:
                text.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
                return;
            default:
                if (IsHarmless(rune))
                {
                    text.Append(rune.ToString());
                }
                else
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
                }

                return;
        }
    }

    private static bool IsHarmless(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
