namespace ContainerIR.Linux;

/// <summary>How a read of memory ended.</summary>
internal enum MemoryRead
{
    /// <summary>The buffer is filled; pages that could not be read are zeros in it and were reported.</summary>
    Filled,

    /// <summary>The process, or the program it ran, is gone: nothing of the buffer counts.</summary>
    Gone,
}

/// <summary>
/// Reads the memory of one process. While it is frozen by process_vm_readv(2), many runs in one call; else, and where that refuses (PROT_NONE),
/// through /proc/PID/mem, which is bound to the memory itself: after an exit, an exec or a reused number it reads nothing rather than something else.
/// </summary>
internal sealed unsafe class ProcessMemory : IDisposable
{
    private const int MaxPieces = 256;
    private readonly Descriptor memory;
    private readonly int pid;
    private readonly bool isHeldStill;

    private ProcessMemory(Descriptor memory, int pid, bool isHeldStill) => (this.memory, this.pid, this.isHeldStill) = (memory, pid, isHeldStill);

    /// <param name="process">Process, or a live thread of it where its leader is dead.</param>
    /// <param name="isHeldStill">Whether it is frozen: its number cannot pass to another process.</param>
    /// <param name="errno">Why not.</param>
    public static ProcessMemory? Open(ProcEntry process, bool isHeldStill, out int errno)
    {
        Descriptor? memory = process.Open("mem", Libc.O_RDONLY, out errno);
        return memory is null ? null : new ProcessMemory(memory, process.Pid, isHeldStill);
    }

    /// <summary>Whether the memory opened is still somebody's.</summary>
    public bool IsAlive(ulong knownAddress)
    {
        Span<byte> one = stackalloc byte[1];
        return memory.ReadAt(one, (long)knownAddress, out int errno) > 0 || errno == Libc.EIO;
    }

    /// <summary>Reads pieces one behind the other.</summary>
    /// <param name="pieces">What to read: whole pages, as many bytes as the buffer.</param>
    /// <param name="useForce">False for memory of devices: only what process_vm_readv allows is read, so no device register ever is.</param>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="unreadable">Called with each range that could not be read.</param>
    public MemoryRead Read(ReadOnlySpan<PageRun> pieces, bool useForce, Span<byte> buffer, Action<ulong, ulong> unreadable)
    {
        while (!pieces.IsEmpty)
        {
            ReadOnlySpan<PageRun> some = pieces[..Math.Min(pieces.Length, MaxPieces)];
            int size = 0;
            foreach (PageRun piece in some)
            {
                size += (int)piece.Length;
            }

            int done = isHeldStill || !useForce ? ReadMany(some, buffer[..size]) : 0;
            if (done < size && ReadRest(some, done, useForce, buffer[..size], unreadable) == MemoryRead.Gone)
            {
                return MemoryRead.Gone;
            }

            pieces = pieces[some.Length..];
            buffer = buffer[size..];
        }

        return MemoryRead.Filled;
    }

    public void Dispose() => memory.Dispose();

    private int ReadMany(ReadOnlySpan<PageRun> pieces, Span<byte> buffer)
    {
        IoVec* remote = stackalloc IoVec[MaxPieces];
        for (int i = 0; i < pieces.Length; i++)
        {
            remote[i] = new IoVec { iov_base = pieces[i].Start, iov_len = pieces[i].Length };
        }

        fixed (byte* target = buffer)
        {
            IoVec local = new() { iov_base = (ulong)target, iov_len = (ulong)buffer.Length };
            return (int)Math.Max(0, Libc.ReadMemory(pid, &local, 1, remote, pieces.Length));
        }
    }

    // From the byte where the fast way ended: piece by piece through mem, and page by page where that fails.
    private MemoryRead ReadRest(ReadOnlySpan<PageRun> pieces, int done, bool useForce, Span<byte> buffer, Action<ulong, ulong> unreadable)
    {
        int at = 0;
        foreach (PageRun piece in pieces)
        {
            int length = (int)piece.Length;
            for (int inside = Math.Max(0, done - at); inside < length;)
            {
                Span<byte> target = buffer.Slice(at + inside, length - inside);
                ulong address = piece.Start + (ulong)inside;
                int count = 0, errno = Libc.EFAULT;
                if (useForce)
                {
                    count = memory.ReadAt(target, (long)address, out errno);
                    if (count == 0 || (count < 0 && errno == Libc.ESRCH))
                    {
                        return MemoryRead.Gone;
                    }
                }

                if (count <= 0)
                {
                    int page = Environment.SystemPageSize - (int)(address % (ulong)Environment.SystemPageSize);
                    count = Math.Min(page, target.Length);
                    if (useForce || ReadMany([new PageRun(address, address + (ulong)count)], target[..count]) < count)
                    {
                        target[..count].Clear();
                        unreadable(address, address + (ulong)count);
                    }
                }

                inside += count;
            }

            at += length;
        }

        return MemoryRead.Filled;
    }
}
