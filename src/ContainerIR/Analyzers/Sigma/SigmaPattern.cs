using System.Text;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>
/// A value of a rule with its wildcards: <c>*</c> any run, <c>?</c> any one character, a backslash before either or before a backslash takes it literally
/// (Sigma specification 2.1, "Escaping"). Matching never backtracks beyond the last run: its cost is bounded by length of text times length of pattern.
/// </summary>
internal sealed class SigmaPattern
{
    // Code points of no meaning in text, so that a segment stays one string.
    private const char AnyOne = '\uFDD0';
    private const char AnyDash = '\uFDD1';
    private const string Dashes = "-/\u2013\u2014\u2015";

    private readonly List<string> segments;

    private SigmaPattern(List<string> segments) => this.segments = segments;

    /// <summary>Whether it has no wildcard.</summary>
    public bool IsLiteral => segments.Count == 1 && !segments[0].AsSpan().ContainsAny(AnyOne, AnyDash);

    /// <summary>The text of a literal.</summary>
    public string Literal => segments[0];

    public static SigmaPattern Of(string text)
    {
        List<string> segments = [];
        StringBuilder segment = new();
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\' && i + 1 < text.Length && text[i + 1] is '\\' or '*' or '?')
            {
                segment.Append(text[++i]);
            }
            else if (c == '*')
            {
                segments.Add(segment.ToString());
                segment.Clear();
            }
            else
            {
                segment.Append(c == '?' ? AnyOne : c);
            }
        }

        segments.Add(segment.ToString());
        return new SigmaPattern(segments);
    }

    public static SigmaPattern OfLiteral(string text) => new([text]);

    /// <summary>The same with a run before, after, or both.</summary>
    public SigmaPattern Open(bool before, bool after) => new([.. before ? [""] : Array.Empty<string>(), .. segments, .. after ? [""] : Array.Empty<string>()]);

    /// <summary>The same with every dash or slash that begins an option taken for any of the five: modifier windash.</summary>
    public SigmaPattern WithAnyDash() => new([.. segments.Select(AnyDashIn)]);

    public bool IsMatch(string text, bool cased)
    {
        if (segments.Count == 1)
        {
            return text.Length == segments[0].Length && IsAt(text, 0, segments[0], cased);
        }

        string first = segments[0], last = segments[^1];
        if (text.Length < first.Length + last.Length || !IsAt(text, 0, first, cased) || !IsAt(text, text.Length - last.Length, last, cased))
        {
            return false;
        }

        int from = first.Length, end = text.Length - last.Length;
        for (int i = 1; i < segments.Count - 1; i++)
        {
            int at = Find(text, from, end, segments[i], cased);
            if (at < 0)
            {
                return false;
            }

            from = at + segments[i].Length;
        }

        return true;
    }

    // pySigma's \B[-/]\b: no word character before it and one after it.
    private static string AnyDashIn(string segment)
    {
        StringBuilder changed = new(segment);
        for (int i = 0; i + 1 < segment.Length; i++)
        {
            bool isOption = segment[i] is '-' or '/' && (i == 0 || !IsWord(segment[i - 1])) && IsWord(segment[i + 1]);
            changed[i] = isOption ? AnyDash : segment[i];
        }

        return changed.ToString();
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private static int Find(string text, int from, int end, string segment, bool cased)
    {
        if (!segment.AsSpan().ContainsAny(AnyOne, AnyDash))
        {
            int at = text.AsSpan(from, end - from).IndexOf(segment, cased ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase);
            return at < 0 ? -1 : from + at;
        }

        for (int at = from; at + segment.Length <= end; at++)
        {
            if (IsAt(text, at, segment, cased))
            {
                return at;
            }
        }

        return -1;
    }

    private static bool IsAt(string text, int at, string segment, bool cased)
    {
        for (int i = 0; i < segment.Length; i++)
        {
            char wanted = segment[i], there = text[at + i];
            bool isSame = wanted switch
            {
                AnyOne => true,
                AnyDash => Dashes.Contains(there, StringComparison.Ordinal),
                _ => wanted == there || (!cased && char.ToUpperInvariant(wanted) == char.ToUpperInvariant(there)),
            };
            if (!isSame)
            {
                return false;
            }
        }

        return true;
    }
}
