namespace ContainerIR.Collectors;

/// <summary>
/// Order in which evidence disappears (RFC 3227 section 2.1, adapted to containers): lower values are copied first.
/// The numeric value is the volatility rank in the journal.
/// </summary>
public enum Volatility
{
    /// <summary>The clocks and what the host says of itself: the ruler for all that follows, read in milliseconds.</summary>
    Clock = 0,

    /// <summary>The engine's ring of 256 events, which our own calls overwrite.</summary>
    EngineMemory = 1,

    /// <summary>Sockets, connections, neighbours.</summary>
    NetworkState = 2,

    /// <summary>Processes and what hangs on them.</summary>
    ProcessTable = 3,

    /// <summary>Memory of processes.</summary>
    ProcessMemory = 4,

    /// <summary>File systems that live in memory.</summary>
    TemporaryFileSystem = 5,

    /// <summary>Logs and changed files.</summary>
    Disk = 6,

    /// <summary>How the container was configured.</summary>
    Configuration = 7,

    /// <summary>Images: the same bytes exist elsewhere.</summary>
    Archive = 8,
}
