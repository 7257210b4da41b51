using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cases;

/// <summary>What is searched for. Texts are searched in the form they are shown in: a control character of the evidence is <c>\x1b</c> there.</summary>
public sealed class SearchQuery
{
    // Digits of MD5, SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512.
    private static readonly int[] DigestLengths = [32, 40, 56, 64, 96, 128];

    private const int MaxCharacters = 10_000;

    private SearchQuery(string asked) => Asked = asked;

    /// <summary>The question in words.</summary>
    public string Asked { get; }

    /// <summary>What every answer holds, ASCII letters in either case; null where nothing such is known.</summary>
    internal string? Literal { get; private init; }

    /// <summary>Decides about a text that holds the literal; null where that is all.</summary>
    internal Func<string, bool>? Accept { get; private init; }

    /// <summary>Only texts of these kinds; null for all.</summary>
    internal IReadOnlyList<string>? Kinds { get; private init; }

    /// <summary>Digest looked up in the index; null where there is none.</summary>
    internal byte[]? Sha256 { get; private init; }

    /// <summary>Addresses looked up in the index, all forms of one; empty where there is none.</summary>
    internal IReadOnlyList<string> Addresses { get; private init; } = [];

    /// <summary>Port of the address; null for any.</summary>
    internal int? Port { get; private init; }

    /// <summary>A text anywhere in another.</summary>
    /// <exception cref="OperatorException">It is empty.</exception>
    public static SearchQuery OfText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length is > 0 and <= MaxCharacters ? new($"text {DisplayText.Shorten(text, 200)}") { Literal = text } : throw new OperatorException($"A text to search for has 1 to {MaxCharacters} characters.", "Say what to search for.");
    }

    /// <summary>A digest: of changed files, running programs, items and bundles where it is a SHA-256, and as a text of any evidence.</summary>
    /// <exception cref="OperatorException">It is none.</exception>
    public static SearchQuery OfHash(string hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        string digits = hash.Trim();
        return IsHash(digits)
            ? new($"hash {digits.ToLowerInvariant()}") { Sha256 = Digest.Parse(digits), Literal = digits, Accept = text => HoldsWord(text, digits, char.IsAsciiHexDigit) }
            : throw new OperatorException($"'{DisplayText.Shorten(hash, 140)}' is not a digest.", "Give MD5, SHA-1 or SHA-2 in hexadecimal: 32, 40, 56, 64, 96 or 128 digits.");
    }

    /// <summary>An address, with or without port: of sockets and flows, and as a text of any evidence.</summary>
    /// <exception cref="OperatorException">It is none.</exception>
    public static SearchQuery OfAddress(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        (IPAddress address, int? port) = ParseAddress(text.Trim()) ?? throw new OperatorException($"'{DisplayText.Shorten(text, 80)}' is not an address.", "Write 203.0.113.9, 203.0.113.9:4444, 2001:db8::1 or [2001:db8::1]:443.");
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        bool isV4 = plain.AddressFamily == AddressFamily.InterNetwork;
        string shown = plain.ToString();
        string withPort = port is { } number ? $"{(isV4 ? shown : $"[{shown}]")}:{number}" : shown;
        return new SearchQuery($"address {withPort}")
        {
            Addresses = isV4 ? [shown, "::ffff:" + shown] : [shown],
            Port = port,
            Literal = withPort,
            Accept = held => HoldsWord(held, withPort, isV4 ? char.IsAsciiDigit : each => char.IsAsciiHexDigit(each) || each == ':', dots: isV4),
            Kinds = NotSockets,
        };
    }

    /// <summary>A domain name, or one below it, as a text of any evidence.</summary>
    public static SearchQuery OfDomain(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new($"domain {DisplayText.Shorten(name, 260)}") { Literal = name, Accept = text => HoldsName(text, name) };
    }

    /// <summary>
    /// A path of a changed file or a running program: the path itself and all beneath it; with <c>*</c> or <c>?</c> a pattern; without a slash at its beginning the
    /// end of a path.
    /// </summary>
    /// <exception cref="OperatorException">It is empty.</exception>
    public static SearchQuery OfPath(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string pattern = path.Length > 1 ? path.TrimEnd('/') : path;
        bool isPattern = pattern.AsSpan().ContainsAny('*', '?');
        StringBuilder regex = new(pattern[0] == '/' ? "^" : "(^|/)");
        foreach (char each in pattern)
        {
            _ = each switch
            {
                '*' => regex.Append(".*"),
                '?' => regex.Append('.'),
                _ => regex.Append(Regex.Escape(each.ToString())),
            };
        }

        // The kernel's mark stands at the end of the link of a running program whose file is gone.
        Regex made = new(regex.Append(isPattern ? "$" : @"(/.*| \(deleted\))?$").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        return new($"path {DisplayText.Shorten(path, 200)}")
        {
            Literal = pattern.Split('*', '?').MaxBy(part => part.Length) is { Length: > 0 } part ? part : null,
            Accept = made.IsMatch,
            Kinds = [TextKinds.Path, TextKinds.Process],
        };
    }

    /// <summary>A regular expression of .NET without look-around and back-references: it is matched in linear time.</summary>
    /// <param name="pattern">The expression; <c>(?i)</c> at its beginning for letters in either case.</param>
    /// <param name="kinds">Only texts of these kinds; null for all.</param>
    /// <exception cref="OperatorException">It is none.</exception>
    public static SearchQuery OfRegex(string pattern, IReadOnlyList<string>? kinds = null)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        try
        {
            Regex made = new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return new($"regex {DisplayText.Shorten(pattern, 200)}") { Literal = RegexLiteral.Of(pattern), Accept = made.IsMatch, Kinds = kinds };
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            throw new OperatorException(
                $"'{DisplayText.Shorten(pattern, 200)}' is not a regular expression that can be searched for: {failure.Message}", "Use .NET syntax without look-around and back-references.", failure);
        }
    }

    /// <summary>A text that is the whole of another.</summary>
    internal static SearchQuery OfWhole(string text, IReadOnlyList<string> kinds) =>
        new($"whole text {DisplayText.Shorten(text, 200)}") { Literal = text, Accept = held => string.Equals(held, text, StringComparison.Ordinal), Kinds = kinds };

    /// <summary>Whether a text has the form of a digest.</summary>
    internal static bool IsHash(string text) => Array.IndexOf(DigestLengths, text.Length) >= 0 && text.All(char.IsAsciiHexDigit);

    /// <summary>Reads an address, with or without port; null where it is none.</summary>
    internal static (IPAddress Address, int? Port)? ParseAddress(string text)
    {
        // IPAddress takes "1" and "0x7f.1" as addresses: four decimal parts, or one of the other kind.
        static IPAddress? Parse(string address) => IPAddress.TryParse(address, out IPAddress? parsed) && !address.Contains('%', StringComparison.Ordinal)
            && (parsed.AddressFamily == AddressFamily.InterNetworkV6 || parsed.ToString() == address) ? parsed : null;

        if (!text.StartsWith('[') && Parse(text) is { } alone)
        {
            return (alone, null);
        }

        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? text : text[..colon];
        int? port = colon >= 0 && ushort.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort number) ? number : null;
        if (text is ['[', .., ']'])
        {
            return Parse(text[1..^1]) is { AddressFamily: AddressFamily.InterNetworkV6 } bare ? (bare, null) : null;
        }

        return port is null || Parse(host is ['[', .., ']'] ? host[1..^1] : host) is not { } address || (address.AddressFamily == AddressFamily.InterNetworkV6) != host.StartsWith('[') ? null : (address, port);
    }

    private static readonly string[] NotSockets =
    [
        TextKinds.Finding, TextKinds.Record, TextKinds.Process, TextKinds.Environment, TextKinds.Log, TextKinds.Secret, TextKinds.Dns, TextKinds.Flow, TextKinds.Path,
        .. TimelineSources.All.Where(source => source != TimelineSources.Socket),
    ];

    // As a word of its own: 1.2.3.4 is not in 11.2.3.45.
    private static bool HoldsWord(string text, string word, Func<char, bool> isPart, bool dots = false)
    {
        for (int at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            int end = at + word.Length;
            bool before = at > 0 && (isPart(text[at - 1]) || (dots && text[at - 1] == '.' && at > 1 && isPart(text[at - 2])));
            bool after = end < text.Length && (isPart(text[end]) || (dots && text[end] == '.' && end + 1 < text.Length && isPart(text[end + 1])));
            if (!before && !after)
            {
                return true;
            }
        }

        return false;
    }

    private static bool HoldsName(string text, string name)
    {
        static bool IsPart(char each) => char.IsAsciiLetterOrDigit(each) || each is '-' or '_';
        for (int at = 0; (at = text.IndexOf(name, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            int end = at + name.Length;
            if ((at == 0 || !IsPart(text[at - 1])) && (end == text.Length || !(IsPart(text[end]) || (text[end] == '.' && end + 1 < text.Length && IsPart(text[end + 1])))))
            {
                return true;
            }
        }

        return false;
    }
}
