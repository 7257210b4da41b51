using System.Buffers.Text;

namespace ContainerIR.Linux.Trees;

/// <summary>
/// What may be asked of one object of a file system, always through a descriptor of its directory or of itself: no path of more than one name is
/// resolved and no link followed, so nothing the container does meanwhile leads elsewhere.
/// </summary>
internal static unsafe class Nodes
{
    /// <summary>Bytes a symbolic link can hold (PATH_MAX).</summary>
    public const int MaxLinkBytes = 4096;

    private static readonly bool HasOpenAt2 = ProbeOpenAt2();

    /// <summary>Opens one name (or a relative path of our own making) below a directory; neither links nor mounts are crossed. -1 and errno when it fails.</summary>
    public static int OpenBelow(int directory, byte* name, int flags)
    {
        if (!HasOpenAt2)
        {
            return Libc.openat(directory, name, flags | Libc.O_NOFOLLOW, 0);
        }

        OpenHow how = new()
        {
            flags = (uint)(flags | Libc.O_NOFOLLOW),
            resolve = Libc.RESOLVE_BENEATH | Libc.RESOLVE_NO_SYMLINKS | Libc.RESOLVE_NO_MAGICLINKS | Libc.RESOLVE_NO_XDEV,
        };
        return Libc.openat2(directory, name, &how);
    }

    /// <summary>A descriptor of the object itself, whatever it is, without opening it.</summary>
    public static int OpenPath(int directory, byte* name) => OpenBelow(directory, name, Libc.O_PATH | Libc.O_CLOEXEC);

    /// <summary>Whether a directory holds such a name.</summary>
    public static bool Exists(int directory, byte* name)
    {
        StatX stat;
        return Libc.statx(directory, name, Libc.AT_SYMLINK_NOFOLLOW | Libc.AT_STATX_DONT_SYNC, 1, &stat) == 0;
    }

    /// <summary>Opens for reading what a path descriptor stands for: the same object, whatever its name leads to by now.</summary>
    public static int Reopen(int pathDescriptor, int flags)
    {
        byte* path = stackalloc byte[ProcPathBytes];
        WriteProcPath(pathDescriptor, path);
        return Libc.openat(Libc.AT_FDCWD, path, flags & ~Libc.O_NOFOLLOW, 0);
    }

    /// <summary>statx of a descriptor. False and errno when it fails.</summary>
    public static bool Stat(int descriptor, ref StatX stat)
    {
        byte empty = 0;
        fixed (StatX* buffer = &stat)
        {
            return Libc.statx(descriptor, &empty, Libc.AT_EMPTY_PATH, StatX.STATX_BASIC_STATS | StatX.STATX_BTIME | StatX.STATX_MNT_ID, buffer) == 0;
        }
    }

    /// <summary>Target of a symbolic link given by its path descriptor. -1 and errno when it fails.</summary>
    public static int ReadLink(int pathDescriptor, Span<byte> target)
    {
        byte empty = 0;
        fixed (byte* buffer = target)
        {
            return (int)Libc.readlinkat(pathDescriptor, &empty, buffer, (nuint)target.Length);
        }
    }

    public static void Close(int descriptor)
    {
        if (descriptor >= 0)
        {
            _ = Libc.close(descriptor);
        }
    }

    public static int Type(in StatX stat) => stat.stx_mode & Libc.S_IFMT;

    public static bool IsDirectory(in StatX stat) => Type(stat) == Libc.S_IFDIR;

    public static bool IsRegular(in StatX stat) => Type(stat) == Libc.S_IFREG;

    /// <summary>Room for the text of <see cref="WriteProcPath"/>.</summary>
    public const int ProcPathBytes = 32;

    /// <summary>Writes /proc/self/fd/N with its NUL: the way to calls that take no path descriptor (getxattr, open for reading).</summary>
    public static void WriteProcPath(int descriptor, byte* path)
    {
        Span<byte> text = new(path, ProcPathBytes);
        "/proc/self/fd/"u8.CopyTo(text);
        Utf8Formatter.TryFormat(descriptor, text[14..], out int digits);
        text[14 + digits] = 0;
    }

    private static bool ProbeOpenAt2()
    {
        OpenHow how = new() { flags = (uint)(Libc.O_PATH | Libc.O_CLOEXEC) };
        fixed (byte* dot = "/\0"u8)
        {
            int descriptor = Libc.openat2(Libc.AT_FDCWD, dot, &how);
            Close(descriptor);
            return descriptor >= 0;
        }
    }
}
