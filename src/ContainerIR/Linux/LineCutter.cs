namespace ContainerIR.Linux;

/// <summary>Takes one line, without its newline.</summary>
internal delegate void LineTaker(ReadOnlySpan<byte> line);

/// <summary>Cuts pieces of a text into lines; a line longer than 64 KiB is cut there.</summary>
internal sealed class LineCutter
{
    private const int MaxLine = 64 * 1024;
    private readonly byte[] carried = new byte[MaxLine];
    private int used;

    public void Feed(ReadOnlySpan<byte> piece, LineTaker take)
    {
        while (!piece.IsEmpty)
        {
            int end = piece.IndexOf((byte)'\n');
            ReadOnlySpan<byte> part = end < 0 ? piece : piece[..end];
            piece = end < 0 ? [] : piece[(end + 1)..];
            if (end >= 0 && used == 0)
            {
                take(part);
                continue;
            }

            int kept = Math.Min(part.Length, MaxLine - used);
            part[..kept].CopyTo(carried.AsSpan(used));
            used += kept;
            if (end >= 0)
            {
                End(take);
            }
        }
    }

    /// <summary>Gives what is left without a newline.</summary>
    public void End(LineTaker take)
    {
        if (used > 0)
        {
            take(carried.AsSpan(0, used));
            used = 0;
        }
    }
}
