using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ContainerIR.Evidence.Transport;

/// <summary>
/// <c>NAME.parts.sha256</c>: one line for each part, in their order, as <c>sha256sum --check</c> reads them. Written last, so a directory without it is
/// an unfinished packing.
/// </summary>
internal sealed partial class PartsList
{
    public const string Suffix = ".parts.sha256";
    public const string PlainMark = ".tar";
    public const string AgeMark = ".tar.age";
    public const int MaxParts = 9999;
    private const int MaxListBytes = 2 * 1024 * 1024;

    private PartsList(string name, bool isEncrypted, IReadOnlyList<Part> parts)
    {
        Name = name;
        IsEncrypted = isEncrypted;
        Parts = parts;
    }

    /// <summary>Name of the bundle inside.</summary>
    public string Name { get; }

    public bool IsEncrypted { get; }

    public IReadOnlyList<Part> Parts { get; }

    /// <summary>File name of a part, number from 1. Four digits: the shell's <c>*</c> gives them in order.</summary>
    public static string PartName(string name, bool isEncrypted, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{name}{(isEncrypted ? AgeMark : PlainMark)}.part-{number:d4}");

    public static byte[] Write(IEnumerable<Part> parts)
    {
        StringBuilder text = new();
        foreach (Part part in parts)
        {
            text.Append(part.Sha256).Append("  ").Append(part.FileName).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <exception cref="OperatorException">It is no parts list.</exception>
    public static PartsList Read(string path)
    {
        byte[] bytes;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (file.Length > MaxListBytes)
            {
                throw Malformed(path, $"it has {file.Length} bytes");
            }

            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The list of parts {path} cannot be read: {failure.Message}", "Have it sent again and put it beside the parts.", failure);
        }

        string[] lines = Encoding.Latin1.GetString(bytes).Split('\n');
        if (lines.Length < 2 || lines[^1].Length > 0)
        {
            throw Malformed(path, "it is empty or its last line is cut");
        }

        List<Part> parts = [];
        Match first = Line().Match(lines[0]);
        (string name, bool isEncrypted) = (first.Groups["name"].Value, first.Groups["age"].Length > 0);
        for (int i = 0; i < lines.Length - 1; i++)
        {
            Match line = Line().Match(lines[i]);
            string expected = PartName(name, isEncrypted, i + 1);
            if (!line.Success || line.Groups["file"].Value != expected || !Items.ItemName.IsSafeSegment(name) || i >= MaxParts)
            {
                throw Malformed(path, $"line {i + 1} is not the digest of {(first.Success ? Evidence.Text.DisplayText.Shorten(expected, 160) : "a part")}");
            }

            parts.Add(new Part(expected, line.Groups["hash"].Value));
        }

        return new PartsList(name, isEncrypted, parts);
    }

    private static OperatorException Malformed(string path, string why) =>
        new($"{path} is no list of parts: {why}.", "Have it sent again and put it beside the parts.");

    [GeneratedRegex(@"^(?<hash>[0-9a-f]{64})  (?<file>(?<name>[A-Za-z0-9_][A-Za-z0-9._-]{0,99}?)\.tar(?<age>\.age)?\.part-[0-9]{4})\z", RegexOptions.CultureInvariant)]
    private static partial Regex Line();

    /// <summary>One part and the digest of its bytes, lower-case hexadecimal.</summary>
    internal sealed record Part(string FileName, string Sha256);
}
