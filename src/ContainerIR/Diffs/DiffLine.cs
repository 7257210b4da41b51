using ContainerIR.Linux;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Diffs;

/// <summary>What differs between an object and its original.</summary>
[Flags]
internal enum DiffChanges
{
    None = 0,
    Type = 1,
    Content = 2,
    Target = 4,
    Device = 8,
    Mode = 16,
    Uid = 32,
    Gid = 64,
    Modified = 128,
    Xattrs = 256,
}

/// <summary>Facts about times that do not fit together. They are not judged here.</summary>
[Flags]
internal enum DiffSigns
{
    None = 0,

    /// <summary>Content differs from the original's, the modification time does not.</summary>
    ContentDiffersTimeSame = 1,

    /// <summary>The modification time is before the birth of the inode and is not one kept from the original.</summary>
    ModifiedBeforeBirth = 2,

    /// <summary>The modification time is later than the change time of the inode: only a call that sets times does that.</summary>
    ModifiedAfterChange = 4,

    /// <summary>The modification time is later than the capture.</summary>
    ModifiedInFuture = 8,

    /// <summary>The modification time has no fraction of a second, the inode's change time has, and it is not one kept from the original.</summary>
    ModifiedOnWholeSecond = 16,
}

/// <summary>The facts of one line while they are gathered; one instance serves a whole run.</summary>
internal sealed class DiffLine
{
    public DiffKind Kind;
    public DiffVerdict Verdict;
    public bool IsByMetadata;
    public DiffChanges Changes;
    public DiffSigns Signs;
    public bool HasObject;
    public bool ChangedDuringRead;
    public byte[]? HardLinkTo;
    public long TarOffset;
    public string? Error;

    /// <summary>Content of the object.</summary>
    public ContentDigest Content { get; } = new();

    /// <summary>Target of the object when it is a symbolic link.</summary>
    public byte[] Link { get; } = new byte[Nodes.MaxLinkBytes];

    /// <summary>Bytes of <see cref="Link"/>.</summary>
    public int LinkBytes;

    public OriginalFacts Original { get; } = new();

    public OriginalFacts Replaced { get; } = new();

    public void Clear()
    {
        (Kind, Verdict, IsByMetadata, Changes, Signs) = (DiffKind.Unknown, DiffVerdict.Unknown, false, DiffChanges.None, DiffSigns.None);
        (HasObject, ChangedDuringRead, HardLinkTo, TarOffset, Error, LinkBytes) = (false, false, null, -1, null, 0);
        Content.Clear();
        Original.Clear();
        Replaced.Clear();
    }

    /// <summary>Adds to what could not be read.</summary>
    public void AddError(string? error) => Error = error is null ? Error : Error is null ? error : $"{Error}; {error}";
}

/// <summary>What is known of an object of a lower layer.</summary>
internal sealed class OriginalFacts
{
    public bool IsPresent;
    public byte[]? Path;
    public int Layer;
    public StatX Stat;
    public int LinkBytes;
    public long BeforeOffset;
    public string? Error;

    public ContentDigest Content { get; } = new();

    public byte[] Link { get; } = new byte[Nodes.MaxLinkBytes];

    public void Clear()
    {
        (IsPresent, Path, LinkBytes, BeforeOffset, Error) = (false, null, 0, -1, null);
        Content.Clear();
    }
}
