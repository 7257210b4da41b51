namespace ContainerIR.Collectors.Logs;

/// <summary>A decoder for formats with one record a line.</summary>
internal abstract class LineDecoder(LogAssembler assembler) : LogDecoder(assembler)
{
    private byte[] kept = new byte[4096];
    private int keptBytes;
    private long offset;
    private long length;

    public override void Feed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int end = bytes.IndexOf((byte)'\n');
            if (end >= 0 && length == 0)
            {
                // The whole line is here: no copy.
                bool isLong = end > RecordLimitBytes;
                Decode(isLong ? bytes[..RecordLimitBytes] : bytes[..end], offset, end + 1, isEnded: true, isLong);
            }
            else
            {
                ReadOnlySpan<byte> part = end < 0 ? bytes : bytes[..end];
                Keep(part);
                length += part.Length;
                if (end < 0)
                {
                    return;
                }

                Decode(kept.AsSpan(0, keptBytes), offset, length + 1, isEnded: true, length > keptBytes);
            }

            offset += length == 0 ? end + 1 : length + 1;
            (length, keptBytes) = (0, 0);
            bytes = bytes[(end + 1)..];
        }
    }

    public override void Finish()
    {
        if (length > 0)
        {
            Decode(kept.AsSpan(0, keptBytes), offset, length, isEnded: false, length > keptBytes);
            offset += length;
            (length, keptBytes) = (0, 0);
        }
    }

    /// <summary>Makes a record of a line.</summary>
    /// <param name="line">Without its line feed; cut where it is longer than the limit.</param>
    /// <param name="at">Of its first byte.</param>
    /// <param name="bytes">Of the line in the file.</param>
    /// <param name="isEnded">Whether a line feed ends it.</param>
    /// <param name="isCut">Whether it is longer than the limit.</param>
    protected abstract void Decode(ReadOnlySpan<byte> line, long at, long bytes, bool isEnded, bool isCut);

    /// <summary>A line that is no record: its text stands for itself.</summary>
    protected void AddForeign(ReadOnlySpan<byte> line, long at, long bytes, LogOddities oddities) => Assembler.Add(new LogRecord
    {
        Offset = at,
        Length = bytes,
        Text = line,
        EndsLine = true,
        Oddities = oddities | LogOddities.NotARecord | (line.Contains((byte)0) ? LogOddities.Nul : LogOddities.None),
    });

    private void Keep(ReadOnlySpan<byte> part)
    {
        int room = Math.Min(part.Length, RecordLimitBytes - keptBytes);
        if (room > 0)
        {
            if (keptBytes + room > kept.Length)
            {
                Array.Resize(ref kept, Math.Min(RecordLimitBytes, Math.Max(kept.Length * 2, keptBytes + room)));
            }

            part[..room].CopyTo(kept.AsSpan(keptBytes));
            keptBytes += room;
        }
    }
}
