using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Diffs;

/// <summary>One line of entries.jsonl: one object of a container's writable layer, or one of the layers below that it hides.</summary>
public sealed record DiffEntry
{
    /// <summary>Path in the container, exact bytes, from its root with leading slash.</summary>
    public required byte[] Path { get; init; }

    /// <summary>The same for people.</summary>
    public string DisplayPath => DisplayText.Escape(Path);

    /// <summary>What it is.</summary>
    public required DiffKind Kind { get; init; }

    /// <summary>What happened.</summary>
    public required DiffVerdict Verdict { get; init; }

    /// <summary>Whether the verdict rests on metadata alone because content was not read.</summary>
    public bool IsByMetadata { get; init; }

    /// <summary>What differs from the original: <c>type</c>, <c>content</c>, <c>target</c>, <c>rdev</c>, <c>mode</c>, <c>uid</c>, <c>gid</c>, <c>mtime</c>, <c>xattrs</c>.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>Facts about times that do not fit together; see docs/evidence-format.md.</summary>
    public IReadOnlyList<string> Signs { get; init; } = [];

    /// <summary>The object in the writable layer; null when there is none (hidden by a deletion above) or it could not be examined.</summary>
    public DiffObject? Object { get; init; }

    /// <summary>Its extended attributes, names and values as bytes.</summary>
    public IReadOnlyList<(byte[] Name, byte[] Value)> Xattrs { get; init; } = [];

    /// <summary>Path of the tar member it is a further name of; null for the first name.</summary>
    public byte[]? HardLinkTo { get; init; }

    /// <summary>Offset of its first header in the raw upper.tar; null when it is not in it.</summary>
    public long? TarOffset { get; init; }

    /// <summary>Whether a file system mounted over it hides it from the container's processes.</summary>
    public bool IsUnderMount { get; init; }

    /// <summary>Path of the deletion mark or opaque directory that hides it; null when none does.</summary>
    public byte[]? HiddenBy { get; init; }

    /// <summary>Whether size, mtime or ctime differed after it was read from before.</summary>
    public bool ChangedDuringRead { get; init; }

    /// <summary>What could not be read, and why; null when all could.</summary>
    public string? Error { get; init; }

    /// <summary>The object of the layers below that it was made of, or that is deleted; null when there is none.</summary>
    public DiffObject? Original { get; init; }

    /// <summary>For a renamed object: the one it replaced at its new path; null when there was none.</summary>
    public DiffObject? Replaced { get; init; }
}

/// <summary>An object of a layer: its inode, and its content's hash.</summary>
public sealed record DiffObject
{
    /// <summary>Path of an original, from the container's root with leading slash; empty for the entry's own object.</summary>
    public byte[] Path { get; init; } = [];

    /// <summary>Index of its layer in the summary, 0 the topmost below the writable one; null for the entry's own object.</summary>
    public int? Layer { get; init; }

    /// <summary>What it is.</summary>
    public required DiffKind Kind { get; init; }

    /// <summary>Permission bits with setuid, setgid and sticky: 07777 at most.</summary>
    public int Mode { get; init; }

    /// <summary>Owner as the host sees it.</summary>
    public long Uid { get; init; }

    /// <summary>Group as the host sees it.</summary>
    public long Gid { get; init; }

    /// <summary>Size.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Last access.</summary>
    public UnixTime? AccessedAt { get; init; }

    /// <summary>Last change of content, as the object claims: it can be set.</summary>
    public UnixTime? ModifiedAt { get; init; }

    /// <summary>Last change of the inode: it cannot be set.</summary>
    public UnixTime? ChangedAt { get; init; }

    /// <summary>Birth of the inode in its layer: it cannot be set. Null where the file system keeps none.</summary>
    public UnixTime? BornAt { get; init; }

    /// <summary>Inode number.</summary>
    public long Inode { get; init; }

    /// <summary>Number of names.</summary>
    public long LinkCount { get; init; }

    /// <summary>Device of the file system, <c>major:minor</c>.</summary>
    public string? Device { get; init; }

    /// <summary><c>immutable</c>, <c>append-only</c>: chattr(1) of the entry's own object; empty where the file system has no such marks.</summary>
    public IReadOnlyList<string> Attributes { get; init; } = [];

    /// <summary>Device it stands for, <c>major:minor</c>; null for what is no device.</summary>
    public string? RepresentedDevice { get; init; }

    /// <summary>Target of a symbolic link; null for others.</summary>
    public byte[]? LinkTarget { get; init; }

    /// <summary>SHA-256 of the content, holes as zeros, lower-case hexadecimal; null when it was not made.</summary>
    public string? Sha256 { get; init; }

    /// <summary>SHA-256 of the data alone of a sparse file; null for others.</summary>
    public string? ExtentsSha256 { get; init; }

    /// <summary>Offset of its first header in the raw before.tar; null when it is not in it.</summary>
    public long? BeforeOffset { get; init; }

    /// <summary>What could not be read, and why; null when all could.</summary>
    public string? Error { get; init; }
}
