namespace ContainerIR.Diffs;

/// <summary>What the writable layer of a container says happened to a path.</summary>
public enum DiffVerdict
{
    /// <summary>Not of a value this version knows.</summary>
    Unknown,

    /// <summary>The layers below have nothing there.</summary>
    Added,

    /// <summary>Content, link target, device number or type differ from the original.</summary>
    Modified,

    /// <summary>Copied up, but content, mode, owner and attributes are the original's.</summary>
    Touched,

    /// <summary>Content is the original's; mode, owner, attributes or time differ.</summary>
    MetadataOnly,

    /// <summary>It is the original of another path, which is gone from there.</summary>
    Renamed,

    /// <summary>The layers below have it and the container no longer does.</summary>
    Deleted,

    /// <summary>A deletion mark where the layers below have nothing: something was made, copied over and deleted, or the mark was forged.</summary>
    WhiteoutOfNothing,

    /// <summary>An empty file or a directory that only exists to have something mounted over it.</summary>
    MountStub,

    /// <summary>It was listed but could not be examined; the error says why.</summary>
    Unreadable,

    /// <summary>It is there: in a tree that is no layer (a volume, a tmpfs, a whole root), nothing says what it was before.</summary>
    Present,
}

/// <summary>What an object is, with the meaning the overlay gives it.</summary>
public enum DiffKind
{
    /// <summary>Not of a value this version knows.</summary>
    Unknown,

    /// <summary>Regular file.</summary>
    File,

    /// <summary>Directory.</summary>
    Directory,

    /// <summary>Directory that hides all that the layers below have under its name.</summary>
    OpaqueDirectory,

    /// <summary>Symbolic link.</summary>
    SymbolicLink,

    /// <summary>Named pipe.</summary>
    Fifo,

    /// <summary>Socket.</summary>
    Socket,

    /// <summary>Character device.</summary>
    CharacterDevice,

    /// <summary>Block device.</summary>
    BlockDevice,

    /// <summary>Deletion mark.</summary>
    Whiteout,
}

/// <summary>The words of both in entries.jsonl.</summary>
internal static class DiffWords
{
    private static readonly string[] Verdicts =
        ["unknown", "added", "modified", "touched", "metadata-only", "renamed", "deleted", "whiteout-of-nothing", "mount-stub", "unreadable", "present"];

    private static readonly string[] Kinds =
        ["unknown", "file", "dir", "opaque-dir", "symlink", "fifo", "socket", "char-device", "block-device", "whiteout"];

    public static string Of(DiffVerdict verdict) => Verdicts[(int)verdict];

    public static string Of(DiffKind kind) => Kinds[(int)kind];

    public static DiffVerdict ToVerdict(string? word) => (DiffVerdict)Math.Max(0, Array.IndexOf(Verdicts, word));

    public static DiffKind ToKind(string? word) => (DiffKind)Math.Max(0, Array.IndexOf(Kinds, word));
}
