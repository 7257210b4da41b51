using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>Where a thread's registers were had.</summary>
internal enum RegisterSource
{
    /// <summary>Nowhere: the thread's note has zeros.</summary>
    None,

    /// <summary>All of them, by ptrace(2).</summary>
    Ptrace,

    /// <summary>Stack pointer and program counter, and the arguments of the system call it is in, from /proc/PID/task/TID/syscall.</summary>
    SyscallFile,
}

/// <summary>One thread as the core tells of it.</summary>
/// <param name="Tid">Its id here.</param>
/// <param name="InnerTid">Its id in its own pid namespace: libthread_db in the container's libc knows no other.</param>
/// <param name="State">Letter of its state.</param>
/// <param name="Source">Where the registers come from.</param>
/// <param name="General">General registers, as elf_gregset_t; empty when <paramref name="Source"/> is none.</param>
/// <param name="Floating">Floating-point registers (NT_PRFPREG); null when not had.</param>
/// <param name="Extended">Extended state (NT_X86_XSTATE, NT_ARM_TLS); null when not had.</param>
/// <param name="Problem">Why ptrace did not give them; null when it did or was not asked.</param>
internal sealed record CoreThread(
    int Tid, int InnerTid, char State, RegisterSource Source, byte[] General, byte[]? Floating, byte[]? Extended, string? Problem);

/// <summary>
/// Registers of all threads of one process. With ptrace each thread is stopped for the microseconds the copy takes and never attached longer:
/// SEIZE sends no SIGSTOP, and should we die the kernel lets go. A thread that does not stop in time (uninterruptible, or held by the v1 freezer,
/// under which no tracee ever stops) gets what /proc tells.
/// </summary>
internal static unsafe class ThreadRegisters
{
    private const int NT_PRSTATUS = 1;
    private const int NT_PRFPREG = 2;
    private const int NT_X86_XSTATE = 0x202;
    private const int NT_ARM_TLS = 0x401;
    private const int MaxRegisterBytes = 16 * 1024;
    private const long MaxExtendedBytes = 8 * 1024 * 1024;
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Size of elf_gregset_t of 64-bit processes.</summary>
    public static readonly int GeneralBytes = Arm ? 34 * 8 : 27 * 8;

    /// <summary>Type of the note that holds <see cref="CoreThread.Extended"/>.</summary>
    public static readonly uint ExtendedNote = Arm ? (uint)NT_ARM_TLS : NT_X86_XSTATE;

    private static readonly TimeSpan StopLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>Reads them on a thread of its own, which ends: whatever it still holds by ptrace is let go by the kernel then.</summary>
    /// <param name="process">The process.</param>
    /// <param name="tids">Its threads.</param>
    /// <param name="usePtrace">Whether threads may be stopped.</param>
    public static Task<List<CoreThread>> ReadAsync(ProcEntry process, IReadOnlyList<int> tids, bool usePtrace)
    {
        TaskCompletionSource<List<CoreThread>> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            try
            {
                done.SetResult(Read(process, tids, usePtrace));
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        })
        { IsBackground = true, Name = "registers" };
        thread.Start();
        return done.Task;
    }

    /// <summary>General registers from the text of /proc/PID/task/TID/syscall; null when it holds none (<c>running</c>).</summary>
    public static byte[]? FromSyscallText(ReadOnlySpan<byte> text)
    {
        // "nr arg0 .. arg5 sp pc" in a system call, "-1 sp pc" outside of one (proc_pid_syscall(5)).
        Span<Range> f = stackalloc Range[9];
        text = text.TrimEnd((byte)'\n');
        int count = ByteFields.Split(text, f);
        if ((count != 9 && count != 3) || !Utf8Parser.TryParse(text[f[0]], out long number, out _)
            || !TryAddress(text[f[count - 2]], out ulong sp) || !TryAddress(text[f[count - 1]], out ulong pc))
        {
            return null;
        }

        byte[] registers = new byte[GeneralBytes];
        // struct user_regs_struct (x86) and user_pt_regs (arm64), in words.
        Put(registers, Arm ? 32 : 16, pc);
        Put(registers, Arm ? 31 : 19, sp);
        Put(registers, Arm ? 8 : 15, (ulong)number);
        ReadOnlySpan<byte> arguments = Arm ? [0, 1, 2, 3, 4, 5] : [14, 13, 12, 7, 9, 8];
        for (int i = 0; count == 9 && i < 6; i++)
        {
            if (TryAddress(text[f[1 + i]], out ulong value))
            {
                Put(registers, arguments[i], value);
            }
        }

        return registers;
    }

    private static List<CoreThread> Read(ProcEntry process, IReadOnlyList<int> tids, bool usePtrace)
    {
        string?[] problems = new string?[tids.Count];
        bool[] seized = new bool[tids.Count];
        if (usePtrace)
        {
            for (int i = 0; i < tids.Count; i++)
            {
                seized[i] = Libc.Trace(Libc.PTRACE_SEIZE, tids[i], 0, 0) == 0 && Libc.Trace(Libc.PTRACE_INTERRUPT, tids[i], 0, 0) == 0;
                problems[i] = seized[i] ? null : $"ptrace: {Libc.Describe(Marshal.GetLastPInvokeError())}";
            }
        }

        List<CoreThread> threads = new(tids.Count);
        long extendedBytes = 0;
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < tids.Count; i++)
        {
            byte[]? general = null, floating = null, extended = null;
            if (seized[i])
            {
                TimeSpan left = StopLimit - Stopwatch.GetElapsedTime(started);
                if (WaitForStop(tids[i], left, out int signal, out string? problem))
                {
                    general = GetRegisters(tids[i], NT_PRSTATUS);
                    floating = GetRegisters(tids[i], NT_PRFPREG);
                    extended = extendedBytes < MaxExtendedBytes ? GetRegisters(tids[i], (int)ExtendedNote) : null;
                    extendedBytes += extended?.Length ?? 0;
                    _ = Libc.Trace(Libc.PTRACE_DETACH, tids[i], 0, signal);
                    if (general?.Length != GeneralBytes)
                    {
                        // A 32-bit process has other registers; a 64-bit core has no place for them.
                        problem = general is null ? "ptrace: no registers" : "32-bit process";
                        (general, floating, extended) = (null, null, null);
                    }
                }

                problems[i] = problem;
            }

            threads.Add(Describe(process, tids[i], general, floating, extended, problems[i]));
        }

        return threads;
    }

    private static CoreThread Describe(ProcEntry process, int tid, byte[]? general, byte[]? floating, byte[]? extended, string? problem)
    {
        using ProcEntry? entry = process.OpenThread(tid, out int errno);
        if (entry is null)
        {
            return new CoreThread(tid, tid, '?', general is null ? RegisterSource.None : RegisterSource.Ptrace, general ?? [], floating, extended, problem ?? Libc.Describe(errno));
        }

        ProcStatus status = ProcStatus.Parse(entry.Read("status", 64 * 1024).Content);
        List<long> ids = status.Numbers("NSpid");
        char state = status["State"] is [var letter, ..] ? (char)letter : '?';
        int inner = ids.Count > 0 ? (int)ids[^1] : tid;
        if (general is not null)
        {
            return new CoreThread(tid, inner, state, RegisterSource.Ptrace, general, floating, extended, null);
        }

        general = problem == "32-bit process" ? null : FromSyscallText(entry.Read("syscall", 4096).Content);
        return new CoreThread(tid, inner, state, general is null ? RegisterSource.None : RegisterSource.SyscallFile, general ?? [], null, null, problem);
    }

    private static bool WaitForStop(int tid, TimeSpan limit, out int signal, out string? problem)
    {
        signal = 0;
        long started = Stopwatch.GetTimestamp();
        SpinWait spin = default;
        while (true)
        {
            int status;
            int result = Libc.WaitFor(tid, &status, Libc.WNOHANG | Libc.WALL);
            if (result == tid)
            {
                if ((status & 0xff) != 0x7f)
                {
                    problem = "ended while it was asked to stop";
                    return false;
                }

                // A signal that arrived first is given on when we let go (ptrace(2), "Signal injection and suppression").
                signal = status >> 16 == 0 ? (status >> 8) & 0xff : 0;
                problem = null;
                return true;
            }

            if (result < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR)
            {
                problem = $"wait: {Libc.Describe(Marshal.GetLastPInvokeError())}";
                return false;
            }

            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                problem = "did not stop in time";
                return false;
            }

            spin.SpinOnce();
        }
    }

    private static byte[]? GetRegisters(int tid, int set)
    {
        byte* buffer = stackalloc byte[MaxRegisterBytes];
        IoVec vector = new() { iov_base = (ulong)buffer, iov_len = MaxRegisterBytes };
        return Libc.Trace(Libc.PTRACE_GETREGSET, tid, set, (nint)(&vector)) == 0 ? new ReadOnlySpan<byte>(buffer, (int)vector.iov_len).ToArray() : null;
    }

    private static bool TryAddress(ReadOnlySpan<byte> field, out ulong value)
    {
        value = 0;
        return field.StartsWith("0x"u8) && ByteFields.TryHex(field[2..], out value);
    }

    private static void Put(byte[] registers, int word, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(registers.AsSpan(word * 8), value);
}
