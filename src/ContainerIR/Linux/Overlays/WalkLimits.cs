namespace ContainerIR.Linux.Overlays;

/// <summary>Where a walk over a hostile tree ends. What a limit cuts is a gap.</summary>
internal sealed record WalkLimits
{
    /// <summary>Entries in all: a container that makes files faster than they are read ends here.</summary>
    public long MaxEntries { get; init; } = 20_000_000;

    /// <summary>Entries listed because a deletion hides them.</summary>
    public long MaxHiddenEntries { get; init; } = 1_000_000;

    /// <summary>Directories one below the other.</summary>
    public int MaxDepth { get; init; } = 8_192;

    /// <summary>Bytes of a path.</summary>
    public int MaxPathBytes { get; init; } = 512 * 1024;

    /// <summary>
    /// Bytes in all of paths longer than <see cref="LongPathBytes"/>: a thousand directories one below the other with a hundred thousand empty files in the last
    /// would be a hundred gigabytes of names.
    /// </summary>
    public long MaxLongPathBytes { get; init; } = 128L * 1024 * 1024;

    /// <summary>PATH_MAX: no system call takes a longer path.</summary>
    public const int LongPathBytes = 4096;

    /// <summary>Directories held open at once, each with those of the lower layers.</summary>
    public int MaxOpenFrames { get; init; } = 48;

    /// <summary>Descriptors held open at once for directories.</summary>
    public int MaxOpenDescriptors { get; init; } = 768;
}
