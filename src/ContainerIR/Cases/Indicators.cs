using System.Text;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cases;

/// <summary>An indicator of compromise.</summary>
/// <param name="Name">As its list words it: line and value, or id and name; display form.</param>
/// <param name="Queries">What is searched for; an answer to any of them is one.</param>
public sealed record Indicator(string Name, IReadOnlyList<SearchQuery> Queries);

/// <summary>A list of indicators of compromise.</summary>
/// <param name="All">Those that can be searched for.</param>
/// <param name="NotUnderstood">Those that cannot, each with why.</param>
public sealed record Indicators(IReadOnlyList<Indicator> All, IReadOnlyList<string> NotUnderstood)
{
    private const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Reads a list: one indicator a line, or a STIX 2.1 bundle.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="OperatorException">It cannot be read.</exception>
    public static Indicators Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
            {
                throw new IOException($"larger than {MaxBytes} bytes");
            }

            byte[] bytes = File.ReadAllBytes(path);
            ReadOnlySpan<byte> content = bytes.AsSpan().StartsWith("\ufeff"u8) ? bytes.AsSpan(3) : bytes;
            return content.TrimStart(" \t\r\n"u8).StartsWith("{"u8) ? StixIndicators.Read(content.ToArray()) : ReadLines(Encoding.UTF8.GetString(content));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new OperatorException(
                $"The indicators in {DisplayText.Escape(path)} cannot be read: {DisplayText.Shorten(failure.Message, 200)}", "Give one indicator a line (digest, address, domain, path), or a STIX 2.1 bundle.", failure);
        }
    }

    /// <summary>Reads lines: a digest, an address with or without port, a path, a domain; <c>#</c> begins a comment. What is none of these is named.</summary>
    internal static Indicators ReadLines(string text)
    {
        List<Indicator> all = [];
        List<string> notUnderstood = [];
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;

            // A comment after a value stands behind a blank: a path may have the sign in it.
            int comment = line.StartsWith('#') ? 0 : line.IndexOf(" #", StringComparison.Ordinal);
            string value = (comment < 0 ? line : line[..comment]).Trim();
            if (value.Length == 0)
            {
                continue;
            }

            // Lists are passed around "defanged": 203[.]0[.]113[.]9, hxxp.
            string plain = value.Replace("[.]", ".", StringComparison.Ordinal);
            if (QueryOf(plain) is { } query)
            {
                all.Add(new Indicator($"line {number}: {DisplayText.Shorten(value, 200)}", [query]));
            }
            else
            {
                notUnderstood.Add($"line {number}: {DisplayText.Shorten(value, 100)}: neither digest, address, domain nor path");
            }
        }

        return new Indicators(all, notUnderstood);
    }

    /// <summary>Whether a text is a name of the domain name system with at least two labels (RFC 1035, 2.3.1; underscores are seen).</summary>
    internal static bool IsDomain(string text) => text.Length <= 253 && text.TrimEnd('.').Split('.') is { Length: > 1 } labels
        && labels.All(label => label.Length is > 0 and <= 63 && label.All(each => char.IsAsciiLetterOrDigit(each) || each is '-' or '_')) && labels[^1].Any(char.IsAsciiLetter);

    private static SearchQuery? QueryOf(string value) =>
        SearchQuery.IsHash(value) ? SearchQuery.OfHash(value)
        : SearchQuery.ParseAddress(value) is not null ? SearchQuery.OfAddress(value)
        : value[0] == '/' ? SearchQuery.OfPath(value)
        : IsDomain(value) ? SearchQuery.OfDomain(value.TrimEnd('.'))
        : null;
}
