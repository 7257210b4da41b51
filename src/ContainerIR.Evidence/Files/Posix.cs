using System.Runtime.InteropServices;

namespace ContainerIR.Evidence.Files;

/// <summary>
/// The few system calls this project needs and .NET does not offer: opening without following links, syncing directories, listing names as bytes.
/// A failure is -1 with errno in <see cref="Marshal.GetLastPInvokeError"/>.
/// </summary>
internal static unsafe partial class Posix
{
    private const string Name = "libc";

    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_EMPTY_PATH = 0x1000;

    // include/uapi/asm-generic/fcntl.h; arm64 redefines O_DIRECTORY and O_NOFOLLOW.
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public static readonly int O_DIRECTORY = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    public static readonly int O_NOFOLLOW = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EEXIST = 17;
    public const int ENOTDIR = 20;
    public const int EAGAIN = 11;
    public const int EINVAL = 22;
    public const int ELOOP = 40;

    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    public const int AT_REMOVEDIR = 0x200;

    public const uint SYNC_FILE_RANGE_WRITE = 2;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int openat(int dirfd, byte* path, int flags, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint read(int fd, void* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint write(int fd, void* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fsync(int fd);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int flock(int fd, int operation);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ftruncate(int fd, long length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sync_file_range(int fd, long offset, long count, uint flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int mkdirat(int dirfd, byte* path, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int renameat(int oldDirfd, byte* oldPath, int newDirfd, byte* newPath);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int unlinkat(int dirfd, byte* path, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint getdents64(int fd, void* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int statx(int dirfd, byte* path, int flags, uint mask, StatX* buffer);

    /// <summary>The text of the last error, as strerror gives it, with its number.</summary>
    public static string LastError() => Describe(Marshal.GetLastPInvokeError());

    public static string Describe(int errno) => $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";

    /// <summary>struct statx of include/uapi/linux/stat.h, as far as we look.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatX
    {
        public const uint TypeModeAndSize = 0x1 | 0x2 | 0x200;

        [FieldOffset(0x1c)]
        public ushort Mode;

        [FieldOffset(0x28)]
        public ulong Size;

        public readonly bool IsRegularFile => (Mode & 0xF000) == 0x8000;

        public readonly bool IsDirectory => (Mode & 0xF000) == 0x4000;
    }
}
