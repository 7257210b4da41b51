namespace ContainerIR.Linux;

/// <summary>The standard input of this process.</summary>
internal static class TerminalInput
{
    // include/uapi/asm-generic/poll.h
    private const short POLLIN = 1;

    /// <summary>Rests until there is something to read, its other side is gone, or the time is over.</summary>
    public static void Wait(TimeSpan limit) => Libc.WaitForEvent(0, POLLIN, limit);
}
