namespace ContainerIR.Runtimes;

/// <summary>The engine's events as taken before any other call, spooled to an unnamed temporary file: bounded memory whatever labels hold.</summary>
internal sealed class EventBacklog(FileStream spool, DateTimeOffset takenAt, string source, string? error) : IAsyncDisposable
{
    /// <summary>When the answer was complete (UTC).</summary>
    public DateTimeOffset TakenAt { get; } = takenAt;

    /// <summary>The API path asked.</summary>
    public string Source { get; } = source;

    /// <summary>Why it is not complete; null when it is.</summary>
    public string? Error { get; } = error;

    /// <summary>Size of the answer.</summary>
    public long SizeBytes => spool.Length;

    /// <summary>The answer from its first byte. The stream stays the backlog's own.</summary>
    public Stream Rewind()
    {
        spool.Position = 0;
        return spool;
    }

    public ValueTask DisposeAsync() => spool.DisposeAsync();
}
