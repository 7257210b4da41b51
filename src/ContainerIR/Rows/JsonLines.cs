using System.Buffers;

namespace ContainerIR.Rows;

/// <summary>One line of a stream of lines.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Offset">Of its first byte.</param>
/// <param name="Length">Of the whole line with its end, also where <paramref name="Content"/> is cut.</param>
/// <param name="Content">Its bytes without the end of line, at most the limit; valid until the next line is asked for.</param>
/// <param name="IsCut">Whether the line is longer than the limit.</param>
/// <param name="IsEnded">Whether a line feed ends it; false only for the last.</param>
internal readonly record struct StreamLine(long Number, long Offset, long Length, ReadOnlyMemory<byte> Content, bool IsCut, bool IsEnded);

/// <summary>Cuts a stream into lines with a bound on memory, whatever the stream holds. Used for JSON Lines, but knows no JSON.</summary>
internal static class JsonLines
{
    /// <summary>Longest line kept by default. An event or log record of an engine carries all labels, each of which may hold a megabyte.</summary>
    public const int DefaultLimitBytes = 8 * 1024 * 1024;

    private const int ReadBytes = 64 * 1024;

    /// <summary>Reads all lines. A line over the limit is cut, flagged, and passed over to its end.</summary>
    /// <exception cref="IOException">The stream cannot be read further.</exception>
    public static IEnumerable<StreamLine> Read(Stream stream, int limitBytes = DefaultLimitBytes)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ReadBytes);
        byte[] line = new byte[4096];
        int kept = 0;
        long number = 1, lineOffset = 0, length = 0;
        try
        {
            int count;
            while ((count = stream.Read(chunk, 0, ReadBytes)) > 0)
            {
                int start = 0;
                while (start < count)
                {
                    int end = chunk.AsSpan(start, count - start).IndexOf((byte)'\n');
                    int part = end < 0 ? count - start : end;
                    Keep(chunk.AsSpan(start, part), ref line, ref kept, limitBytes);
                    length += part;
                    start += part;
                    if (end < 0)
                    {
                        break;
                    }

                    start++;
                    yield return new StreamLine(number, lineOffset, length + 1, line.AsMemory(0, kept), length > kept, true);
                    (number, lineOffset, length, kept) = (number + 1, lineOffset + length + 1, 0, 0);
                }
            }

            if (length > 0)
            {
                yield return new StreamLine(number, lineOffset, length, line.AsMemory(0, kept), length > kept, false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static void Keep(ReadOnlySpan<byte> part, ref byte[] line, ref int kept, int limitBytes)
    {
        int room = Math.Min(part.Length, limitBytes - kept);
        if (room <= 0)
        {
            return;
        }

        if (kept + room > line.Length)
        {
            Array.Resize(ref line, (int)Math.Min(limitBytes, Math.Max((long)line.Length * 2, kept + room)));
        }

        part[..room].CopyTo(line.AsSpan(kept));
        kept += room;
    }
}
