using System.Text;

namespace ContainerIR.Collectors.Packages;

/// <summary>Paragraphs of <c>Name: value</c> lines with blank lines between: deb822(5), METADATA of Python, MANIFEST.MF. Broken lines are passed over.</summary>
internal static class Stanzas
{
    private const int MaxValueCharacters = 1024 * 1024;

    /// <summary>Reads all paragraphs; of a field that stands twice the first counts. A line that begins with a blank goes on with the field above.</summary>
    /// <param name="content">The bytes; what is no UTF-8 becomes Latin-1 for its value.</param>
    /// <param name="wanted">Fields kept.</param>
    public static IEnumerable<Dictionary<string, string>> Read(byte[] content, params string[] wanted)
    {
        Dictionary<string, string> fields = new(StringComparer.OrdinalIgnoreCase);
        string? last = null;
        bool isAny = false;
        int start = 0;
        while (start < content.Length)
        {
            int end = Array.IndexOf(content, (byte)'\n', start);
            end = end < 0 ? content.Length : end;
            ReadOnlySpan<byte> line = content.AsSpan(start, end - start).TrimEnd((byte)'\r');
            start = end + 1;
            if (line.Trim((byte)' ').IsEmpty)
            {
                if (isAny)
                {
                    yield return fields;
                    fields = new(StringComparer.OrdinalIgnoreCase);
                }

                (last, isAny) = (null, false);
                continue;
            }

            if (line[0] is (byte)' ' or (byte)'\t')
            {
                if (last is not null && fields[last].Length < MaxValueCharacters)
                {
                    fields[last] += "\n" + Text(line);
                }

                continue;
            }

            isAny = true;
            int colon = line.IndexOf((byte)':');
            last = colon > 0 ? Array.Find(wanted, Match(line[..colon].ToArray())) : null;
            if (last is not null && !fields.TryAdd(last, Text(line[(colon + 1)..]).Trim()))
            {
                last = null;
            }
        }

        if (isAny)
        {
            yield return fields;
        }
    }

    private static Predicate<string> Match(byte[] name) => wanted => Ascii.EqualsIgnoreCase(name, wanted);

    /// <summary>UTF-8, or byte for byte where it is none: two values that differ stay different.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);
}
