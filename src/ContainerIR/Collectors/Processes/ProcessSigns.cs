using ContainerIR.Linux;

namespace ContainerIR.Collectors.Processes;

/// <summary>What is unusual about a process by itself: facts in one word each, not findings.</summary>
internal static class ProcessSigns
{
    public static List<string> Of(ProcessSnapshot process, ExecutableFacts? executable)
    {
        List<string> signs = [];
        void Add(bool isSo, string sign)
        {
            if (isSo)
            {
                signs.Add(sign);
            }
        }

        if (executable is { State: var state })
        {
            Add(state.IsDeleted && !state.IsMemory, "exe-deleted");
            Add(state.IsMemory, "exe-in-memory");
            Add(state.PathNow == PathNow.Other, "exe-replaced");
            Add(state.HasDecoy, "exe-decoy");
            // A thread of the kernel has no executable: one that looks like it and has one is dressed up.
            Add(LooksLikeKernelThread(process), "kernel-thread-name");
        }

        Add(process.Stat is { IsZombie: true }, process.LivingThread != 0 ? "dead-leader-live-threads" : "zombie");
        Add(process.Maps.WritableExecutable.Count > 0, "rwx-map");
        Add(process.Maps.AnonymousExecutable.Count > 0, "anonymous-executable-map");
        Add(process.Maps.Deleted.Exists(m => m.IsExecutable && m.Inode != executable?.File.Stat.stx_ino), "deleted-library");
        Add(process.Descriptors.Exists(d => d.IsDeletedFile), "deleted-open-file");
        Add(process.Descriptors.Exists(d => d.InFlight > 0), "descriptors-in-flight");
        Add(process.Status.Number("TracerPid") is > 0, "traced");
        Add(process.Threads.Exists(t => t.Differences.Any(d => d is "descriptors" or "Uid" or "CapEff" or "cgroup" || d.StartsWith("namespace:", StringComparison.Ordinal))), "thread-differs");
        Add(process.CommandLine.IsCut, "oversized-command-line");
        return signs;
    }

    private static bool LooksLikeKernelThread(ProcessSnapshot process)
    {
        ReadOnlySpan<byte> name = process.CommandLine.Content.AsSpan().TrimEnd((byte)0);
        return name is [(byte)'[', .., (byte)']']
            || (process.Stat is { } stat && (stat.Comm.AsSpan().StartsWith("kworker/"u8) || stat.Comm.AsSpan().StartsWith("ksoftirqd/"u8) || stat.Comm.AsSpan().StartsWith("rcu_"u8)
                || stat.Comm.AsSpan().SequenceEqual("kthreadd"u8) || stat.Comm.AsSpan().StartsWith("migration/"u8)));
    }
}
