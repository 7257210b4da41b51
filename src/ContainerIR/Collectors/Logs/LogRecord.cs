namespace ContainerIR.Collectors.Logs;

/// <summary>One record of a log driver.</summary>
internal readonly ref struct LogRecord
{
    /// <summary>Of its first byte in the (uncompressed) file.</summary>
    public required long Offset { get; init; }

    /// <summary>Its bytes there.</summary>
    public required long Length { get; init; }

    /// <summary>The driver's time, ns since 1970; null when it cannot be read.</summary>
    public long? TimeNs { get; init; }

    /// <summary><c>stdout</c>, <c>stderr</c>, or what stands there.</summary>
    public ReadOnlySpan<byte> Stream { get; init; }

    /// <summary>The text, end of line included where the driver keeps it.</summary>
    public required ReadOnlySpan<byte> Text { get; init; }

    /// <summary>Whether a line ends with it.</summary>
    public required bool EndsLine { get; init; }

    /// <summary>What was odd about the record.</summary>
    public LogOddities Oddities { get; init; }
}
