using System.Text;

namespace ContainerIR.Cases;

/// <summary>The longest text every match of a regular expression must hold, as far as a simple look can tell.</summary>
internal static class RegexLiteral
{
    /// <summary>The text; null where the look finds none.</summary>
    public static string? Of(string pattern)
    {
        // Alternatives and options change what the rest means: then nothing is promised.
        if (pattern.Contains('|', StringComparison.Ordinal) || pattern.Contains("(?", StringComparison.Ordinal))
        {
            return null;
        }

        string best = "";
        StringBuilder run = new();
        void End()
        {
            best = run.Length > best.Length ? run.ToString() : best;
            run.Clear();
        }

        int depth = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            char each = pattern[i];
            switch (each)
            {
                case '\\' when i + 1 < pattern.Length && !char.IsAsciiLetterOrDigit(pattern[i + 1]) && depth == 0:
                    run.Append(pattern[++i]);
                    break;
                case '\\':
                    // A class or an escape with a value: what follows of it would be taken for text.
                    End();
                    i += 1;
                    if (i < pattern.Length && pattern[i] is 'x' or 'u' or 'c' or 'p' or 'P' or 'k' or (>= '0' and <= '9'))
                    {
                        return best.Length == 0 ? null : best;
                    }

                    break;
                case '*' or '?' or '{':
                    // What stands before may be absent.
                    run.Length -= run.Length > 1 && char.IsLowSurrogate(run[^1]) ? 2 : Math.Min(1, run.Length);
                    End();
                    i = each == '{' && pattern.IndexOf('}', i) is > 0 and var close ? close : i;
                    break;
                case '[':
                    End();
                    // Ends at the first bracket that is neither the first of the set nor escaped.
                    for (i += pattern.AsSpan(i + 1).StartsWith("^]") ? 3 : pattern.AsSpan(i + 1).StartsWith("]") || pattern.AsSpan(i + 1).StartsWith("^") ? 2 : 1; i < pattern.Length && pattern[i] != ']'; i++)
                    {
                        if (pattern[i] == '[')
                        {
                            // One set taken from another: where that ends is not worth knowing.
                            return best.Length == 0 ? null : best;
                        }

                        i += pattern[i] == '\\' ? 1 : 0;
                    }

                    break;
                case '(':
                    End();
                    depth++;
                    break;
                case ')':
                    End();
                    depth--;
                    break;
                case '.' or '+' or '^' or '$':
                    End();
                    break;
                default:
                    if (depth == 0)
                    {
                        run.Append(each);
                    }

                    break;
            }
        }

        End();
        return best.Length == 0 ? null : best;
    }
}
