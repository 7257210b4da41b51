using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>Files, directories and mounts.</summary>
internal static unsafe partial class Libc
{
    public const int SEEK_SET = 0;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;
    public const int POSIX_FADV_SEQUENTIAL = 2;

    // include/uapi/linux/openat2.h
    public const ulong RESOLVE_NO_XDEV = 0x01;
    public const ulong RESOLVE_NO_MAGICLINKS = 0x02;
    public const ulong RESOLVE_NO_SYMLINKS = 0x04;
    public const ulong RESOLVE_BENEATH = 0x08;

    // include/uapi/linux/mount.h
    public const uint OPEN_TREE_CLONE = 1;
    public const nuint MS_REC = 0x4000;
    public const nuint MS_PRIVATE = 1 << 18;
    public const int MNT_DETACH = 2;
    public const int UMOUNT_NOFOLLOW = 8;
    public const ulong MOUNT_ATTR_RDONLY = 0x1;
    public const ulong MOUNT_ATTR_NOSUID = 0x2;
    public const ulong MOUNT_ATTR_NODEV = 0x4;
    public const ulong MOUNT_ATTR_NOEXEC = 0x8;
    public const ulong MOUNT_ATTR__ATIME = 0x70;
    public const ulong MOUNT_ATTR_NOATIME = 0x10;
    public const ulong MOUNT_ATTR_NOSYMFOLLOW = 0x200000;

    // include/uapi/linux/stat.h
    public const int S_IFMT = 0xF000;
    public const int S_IFSOCK = 0xC000;
    public const int S_IFLNK = 0xA000;
    public const int S_IFREG = 0x8000;
    public const int S_IFBLK = 0x6000;
    public const int S_IFDIR = 0x4000;
    public const int S_IFCHR = 0x2000;
    public const int S_IFIFO = 0x1000;

    // include/linux/fs_types.h
    public const byte DT_UNKNOWN = 0;
    public const byte DT_DIR = 4;
    public const byte DT_REG = 8;

    public const int EXDEV = 18;
    public const int ESTALE = 116;

    /// <summary>The buffer size above which an extended attribute cannot grow (include/uapi/linux/limits.h).</summary>
    public const int XATTR_SIZE_MAX = 65536;

    // openat2, open_tree and mount_setattr came after all architectures agreed on numbers; getdents64 did not.
    private const int SYS_open_tree = 428;
    private const int SYS_openat2 = 437;
    private const int SYS_mount_setattr = 442;
    private static readonly int SYS_getdents64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 61 : 217;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fstatfs(int fd, void* about);

    [LibraryImport(Name, SetLastError = true)]
    public static partial long lseek(int fd, long offset, int whence);

    [LibraryImport(Name)]
    public static partial int posix_fadvise(int fd, long offset, long length, int advice);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint listxattr(byte* path, byte* list, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint getxattr(byte* path, byte* name, void* value, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint flistxattr(int fd, byte* list, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint fgetxattr(int fd, byte* name, void* value, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int name_to_handle_at(int dirfd, byte* path, FileHandle* handle, int* mount_id, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int open_by_handle_at(int mount_fd, FileHandle* handle, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int mount(byte* source, byte* target, byte* type, nuint flags, void* data);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int umount2(byte* target, int flags);

    public static int openat2(int dirfd, byte* path, OpenHow* how) => (int)syscall(SYS_openat2, dirfd, (nint)path, (nint)how, sizeof(OpenHow), 0, 0);

    public static int open_tree(int dirfd, byte* path, uint flags) => (int)syscall(SYS_open_tree, dirfd, (nint)path, (nint)flags, 0, 0, 0);

    public static int mount_setattr(int dirfd, byte* path, uint flags, MountAttr* attributes) =>
        (int)syscall(SYS_mount_setattr, dirfd, (nint)path, (nint)flags, (nint)attributes, sizeof(MountAttr), 0);

    public static nint getdents64(int fd, void* buffer, nuint size) => syscall(SYS_getdents64, fd, (nint)buffer, (nint)size, 0, 0, 0);
}

/// <summary>struct open_how, openat2(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    public ulong flags;
    public ulong mode;
    public ulong resolve;
}

/// <summary>struct mount_attr, mount_setattr(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MountAttr
{
    public ulong attr_set;
    public ulong attr_clr;
    public ulong propagation;
    public ulong userns_fd;
}

/// <summary>struct file_handle, open_by_handle_at(2), with room for MAX_HANDLE_SZ.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FileHandle
{
    public const int MAX_HANDLE_SZ = 128;

    public uint handle_bytes;
    public int handle_type;
    public fixed byte f_handle[MAX_HANDLE_SZ];
}
