using System.Buffers.Text;

namespace ContainerIR.Linux;

/// <summary>Fields of the kernel's text tables: separated by runs of spaces or tabs.</summary>
internal static class ByteFields
{
    /// <summary>Cuts a line into at most so many fields; what follows the last is left out.</summary>
    /// <returns>How many were found.</returns>
    public static int Split(ReadOnlySpan<byte> line, Span<Range> fields)
    {
        int count = 0;
        for (int at = 0; at < line.Length && count < fields.Length;)
        {
            if (line[at] is (byte)' ' or (byte)'\t')
            {
                at++;
                continue;
            }

            int length = line[at..].IndexOfAny((byte)' ', (byte)'\t');
            int end = length < 0 ? line.Length : at + length;
            fields[count++] = at..end;
            at = end;
        }

        return count;
    }

    /// <summary>A whole field as a decimal number.</summary>
    public static bool TryDecimal(ReadOnlySpan<byte> field, out ulong value) => Utf8Parser.TryParse(field, out value, out int used) && used == field.Length;

    /// <summary>A whole field as a hexadecimal number.</summary>
    public static bool TryHex(ReadOnlySpan<byte> field, out ulong value) => Utf8Parser.TryParse(field, out value, out int used, 'x') && used == field.Length;
}
