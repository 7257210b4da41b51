
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Tar;

/// <summary>Header of one member: what POSIX.1-2017 pax and GNU tar can say of an object. Names are bytes.</summary>
internal ref struct PaxEntry
{
    public const byte File = (byte)'0';
    public const byte HardLink = (byte)'1';
    public const byte SymbolicLink = (byte)'2';
    public const byte CharacterDevice = (byte)'3';
    public const byte BlockDevice = (byte)'4';
    public const byte Directory = (byte)'5';
    public const byte Fifo = (byte)'6';

    /// <summary>Relative path without leading or trailing slash; empty for the root.</summary>
    public ReadOnlySpan<byte> Path;

    /// <summary>Type flag.</summary>
    public byte Type;

    /// <summary>Mode, owner and times.</summary>
    public ref readonly StatX Stat;

    /// <summary>Target of a symbolic link, or path of the member a hard link is of.</summary>
    public ReadOnlySpan<byte> LinkTarget;

    /// <summary>Bytes of a file; for a sparse one its logical size.</summary>
    public long SizeBytes;

    /// <summary>Where a sparse file has data; null for all others.</summary>
    public SparseMap? Sparse;

    /// <summary>Extended attributes; null for none.</summary>
    public XattrList? Xattrs;

    /// <summary>The type flag of an object; a socket has none.</summary>
    public static byte TypeOf(in StatX stat) => Nodes.Type(stat) switch
    {
        Libc.S_IFREG => File,
        Libc.S_IFDIR => Directory,
        Libc.S_IFLNK => SymbolicLink,
        Libc.S_IFCHR => CharacterDevice,
        Libc.S_IFBLK => BlockDevice,
        Libc.S_IFIFO => Fifo,
        _ => throw new ArgumentOutOfRangeException(nameof(stat), "tar has no member for such an object"),
    };
}
