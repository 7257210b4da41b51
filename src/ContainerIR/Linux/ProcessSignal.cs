namespace ContainerIR.Linux;

/// <summary>Signals one process by pidfd: whatever happens to its number meanwhile, no other process gets the signal.</summary>
internal static class ProcessSignal
{
    private const short Ended = Libc.POLLIN;

    /// <summary>Sends a signal to the process that had this start time.</summary>
    /// <param name="pid">Process id as the host counts.</param>
    /// <param name="startTicks">Start time in ticks since boot: tells it from a later process of the same number.</param>
    /// <param name="signal">Signal.</param>
    /// <param name="waitForEnd">How long to wait for its end; zero for not at all.</param>
    /// <returns>Whether it ended within the wait.</returns>
    /// <exception cref="IOException">It is gone, another has its number, or the kernel refuses.</exception>
    public static bool Send(int pid, ulong startTicks, int signal, TimeSpan waitForEnd)
    {
        using Descriptor pidfd = Descriptor.Own(Libc.OpenPidfd(pid), out int errno) ?? throw new IOException($"process {pid}: {Libc.Describe(errno)}");
        if (FreezeState.StartOf(pid) != startTicks)
        {
            throw new IOException($"process {pid} is gone: its number is free, or another process has it");
        }

        if (Libc.SendSignal(pidfd.Number, signal) != 0)
        {
            throw new IOException($"signal {signal} to process {pid}: {Libc.Describe(System.Runtime.InteropServices.Marshal.GetLastPInvokeError())}");
        }

        return waitForEnd > TimeSpan.Zero && (Libc.WaitForEvent(pidfd.Number, Ended, waitForEnd) & Ended) != 0;
    }

    /// <summary>State letter and start of a process; null when it is gone.</summary>
    public static ProcStat? Look(int pid)
    {
        using ProcEntry? entry = ProcEntry.Open(pid, out _);
        return entry is null ? null : ProcStat.Parse(entry.Read("stat", 4096).Content);
    }

    /// <summary>Whether a process stands in the control groups of a container.</summary>
    public static bool IsInContainer(int pid, int initPid, string containerId)
    {
        using ProcEntry? init = ProcEntry.Open(initPid, out _);
        using ProcEntry? process = ProcEntry.Open(pid, out _);
        return init is not null && process is not null
            && CgroupLines.Parse(process.Read("cgroup", 64 * 1024).Content)
                .Inside(CgroupLines.Parse(init.Read("cgroup", 64 * 1024).Content).Tops(containerId, engine: null)) is not null;
    }
}
