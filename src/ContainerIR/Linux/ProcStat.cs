using System.Buffers.Text;

namespace ContainerIR.Linux;

/// <summary>
/// Fields of /proc/PID/stat (proc_pid_stat(5)). The name in the second field is the process's own choice and may hold <c>) S 1 1 (</c>:
/// everything is counted from the last closing parenthesis.
/// </summary>
internal sealed record ProcStat(
    int Pid, byte[] Comm, char State, int ParentPid, int ProcessGroup, int Session, int Terminal, uint Flags, int ThreadCount, ulong StartTicks,
    ulong UserTicks, ulong SystemTicks, ulong VirtualBytes, long ResidentPages)
{
    /// <summary>include/linux/sched.h: a thread of the kernel, which no name can imitate.</summary>
    public const uint PF_KTHREAD = 0x00200000;

    /// <summary>include/linux/sched.h: it is ending, or has ended.</summary>
    public const uint PF_EXITING = 0x00000004;

    /// <summary>Whether it is ending, or has ended: in v1 hierarchies the kernel shows it at the root then.</summary>
    public bool IsEnding => IsZombie || (Flags & PF_EXITING) != 0;

    /// <summary>Whether it is a thread of the kernel itself.</summary>
    public bool IsKernelThread => (Flags & PF_KTHREAD) != 0;

    /// <summary>Whether it is dead and not yet reaped.</summary>
    public bool IsZombie => State is 'Z' or 'X';

    /// <summary>Parses; null when the text is not of this form.</summary>
    public static ProcStat? Parse(ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'(');
        int close = text.LastIndexOf((byte)')');
        if (open < 2 || close < open || !Utf8Parser.TryParse(text[..(open - 1)], out int pid, out _) || close + 3 > text.Length)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = text[(close + 2)..];
        char state = (char)rest[0];
        Span<long> fields = stackalloc long[22];
        int count = 0;
        rest = rest[1..].TrimStart((byte)' ');
        while (count < fields.Length && !rest.IsEmpty)
        {
            if (Utf8Parser.TryParse(rest, out long value, out int used))
            {
                fields[count++] = value;
            }
            else if (Utf8Parser.TryParse(rest, out ulong large, out used))
            {
                // rsslim and addresses reach 2^64 - 1.
                fields[count++] = unchecked((long)large);
            }
            else
            {
                break;
            }

            rest = rest[used..].TrimStart((byte)' ');
        }

        // fields[0] is field 4 of the manual page (ppid); starttime is 22, rss 24.
        return count < 21
            ? null
            : new ProcStat(
                pid, text[(open + 1)..close].ToArray(), state, (int)fields[0], (int)fields[1], (int)fields[2], (int)fields[3], (uint)fields[5],
                (int)fields[16], (ulong)fields[18], (ulong)fields[10], (ulong)fields[11], (ulong)fields[19], fields[20]);
    }
}
