namespace ContainerIR.Evidence.Files;

/// <summary>Reads lines of bytes from a stream of unknown intent: no line longer than told is ever held.</summary>
internal sealed class LineReader(Stream stream, int maxLineBytes)
{
    private byte[] buffer = new byte[16 * 1024];
    private int start;
    private int end;
    private bool isAtEnd;
    private long nextOffset;

    /// <summary>The last line given ended with a line feed.</summary>
    public bool HadLineFeed { get; private set; }

    /// <summary>Offset in the stream of the line given last.</summary>
    public long LineOffset { get; private set; }

    /// <summary>The next line without its line feed; null at the end. Valid until the next call.</summary>
    /// <exception cref="FormatException">The line is longer than allowed.</exception>
    public ReadOnlyMemory<byte>? Next()
    {
        int searched = 0;
        while (true)
        {
            int found = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
            if (found >= 0)
            {
                HadLineFeed = true;
                return Take(searched + found, 1);
            }

            searched = end - start;
            if (searched > maxLineBytes)
            {
                throw new FormatException($"a line is longer than {maxLineBytes} bytes");
            }

            if (isAtEnd)
            {
                HadLineFeed = false;
                // A bare null would become an empty ReadOnlyMemory, which converts from a null array.
                return searched == 0 ? default(ReadOnlyMemory<byte>?) : Take(searched, 0);
            }

            Fill();
        }
    }

    private ReadOnlyMemory<byte> Take(int length, int feed)
    {
        if (length > maxLineBytes)
        {
            throw new FormatException($"a line is longer than {maxLineBytes} bytes");
        }

        ReadOnlyMemory<byte> line = buffer.AsMemory(start, length);
        LineOffset = nextOffset;
        nextOffset += length + feed;
        start += length + feed;
        return line;
    }

    private void Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        if (end == buffer.Length)
        {
            Array.Resize(ref buffer, buffer.Length * 2);
        }

        int count = stream.Read(buffer, end, buffer.Length - end);
        isAtEnd = count == 0;
        end += count;
    }
}
