namespace ContainerIR.Collectors.Logs;

/// <summary>Cuts the bytes of one log file, as they are copied, into records for a <see cref="LogAssembler"/>. It never fails: what it cannot read is a record that says so.</summary>
internal abstract class LogDecoder(LogAssembler assembler)
{
    /// <summary>Longest record kept. The engine cuts text at 16 KiB, which escaping can make six times as long; the rest is for attributes.</summary>
    protected const int RecordLimitBytes = 1024 * 1024;

    /// <summary>Where records go.</summary>
    protected LogAssembler Assembler { get; } = assembler;

    /// <summary>Takes the next bytes of the file.</summary>
    public abstract void Feed(ReadOnlySpan<byte> bytes);

    /// <summary>The file ends here.</summary>
    public abstract void Finish();
}
