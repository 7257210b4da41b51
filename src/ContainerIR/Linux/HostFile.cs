using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux;

/// <summary>
/// A regular file of the host, opened for reading so that nothing of it changes: O_NOATIME keeps its access time, O_NOFOLLOW refuses a link put in
/// its place, O_NONBLOCK a FIFO that would hold us, and anything but a regular file is refused. Paths are bytes.
/// </summary>
internal sealed unsafe class HostFile : IDisposable
{
    private const int FileTypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int SmallChunkBytes = 4 * 1024;
    private const int ReadChunkBytes = 64 * 1024;

    private int fd;

    private HostFile(int fd, string path, StatX stat, bool keepsAccessTime) => (this.fd, Path, Stat, KeepsAccessTime) = (fd, path, stat, keepsAccessTime);

    /// <summary>The path in display form.</summary>
    public string Path { get; }

    /// <summary>Its state when opened.</summary>
    public StatX Stat { get; }

    /// <summary>False where O_NOATIME was refused (not the owner, no CAP_FOWNER): reading may have changed the access time.</summary>
    public bool KeepsAccessTime { get; }

    /// <summary>Device and inode: two paths of the same file agree on it.</summary>
    public (uint Major, uint Minor, ulong Inode) Identity => IdentityOf(Stat);

    /// <summary>Device and inode of a state.</summary>
    public static (uint Major, uint Minor, ulong Inode) IdentityOf(in StatX stat) => (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino);

    /// <summary>Opens a file whose last path component may not be a link.</summary>
    /// <exception cref="HostFileException">It is missing, forbidden, or no regular file.</exception>
    public static HostFile Open(string path) => Open(Encoding.UTF8.GetBytes(path), followLast: false);

    /// <summary>Opens what a descriptor of a process refers to, also when its name is gone (<c>/proc/PID/fd/N</c>, <c>/proc/PID/exe</c>).</summary>
    /// <exception cref="HostFileException">It is missing, forbidden, or no regular file.</exception>
    public static HostFile OpenLinked(string path) => Open(Encoding.UTF8.GetBytes(path), followLast: true);

    /// <summary>Opens a file named by bytes.</summary>
    /// <exception cref="HostFileException">It is missing, forbidden, or no regular file.</exception>
    public static HostFile Open(ReadOnlySpan<byte> path, bool followLast)
    {
        string shown = DisplayText.Escape(path);
        byte[] name = Terminate(path, shown);
        int flags = Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC | (followLast ? 0 : Libc.O_NOFOLLOW);

        // Opening a device has side effects of its own, so the type is looked at before and, against a swap, after.
        StatX before = default;
        fixed (byte* pointer = name)
        {
            int statFlags = Libc.AT_STATX_DONT_SYNC | (followLast ? 0 : Libc.AT_SYMLINK_NOFOLLOW);
            if (Libc.statx(Libc.AT_FDCWD, pointer, statFlags, StatX.STATX_BASIC_STATS, &before) != 0)
            {
                throw new HostFileException(shown, Marshal.GetLastPInvokeError());
            }

            RequireRegular(before, shown);
            bool keepsAccessTime = true;
            int fd = OpenAt(pointer, flags | Libc.O_NOATIME);
            if (fd < 0 && Marshal.GetLastPInvokeError() == Libc.EPERM)
            {
                keepsAccessTime = false;
                fd = OpenAt(pointer, flags);
            }

            if (fd < 0)
            {
                throw new HostFileException(shown, Marshal.GetLastPInvokeError());
            }

            try
            {
                StatX stat = StatOf(fd, shown);
                RequireRegular(stat, shown);
                return new HostFile(fd, shown, stat, keepsAccessTime);
            }
            catch
            {
                _ = Libc.close(fd);
                throw;
            }
        }
    }

    /// <summary>Its state now.</summary>
    /// <exception cref="HostFileException">The kernel refused.</exception>
    public StatX StatNow() => StatOf(fd, Path);

    /// <summary>A stream over its bytes from the first, at most so many. Several may be open; each keeps its own place.</summary>
    public Stream OpenStream(long limitBytes = long.MaxValue) => new HostFileStream(this, limitBytes);

    public void Dispose()
    {
        int open = Interlocked.Exchange(ref fd, -1);
        if (open >= 0)
        {
            _ = Libc.close(open);
        }
    }

    /// <summary>Reads at a place.</summary>
    /// <exception cref="HostFileException">The kernel refused.</exception>
    internal int ReadAt(Span<byte> buffer, long offset)
    {
        ObjectDisposedException.ThrowIf(fd < 0, this);
        fixed (byte* pointer = buffer)
        {
            while (true)
            {
                nint count = Libc.pread(fd, pointer, (nuint)buffer.Length, offset);
                if (count >= 0)
                {
                    return (int)count;
                }

                int errno = Marshal.GetLastPInvokeError();
                if (errno != Libc.EINTR)
                {
                    throw new HostFileException(Path, errno);
                }
            }
        }
    }

    /// <summary>Reads a small file whole (kernel files have no size, so it is read to its end).</summary>
    /// <exception cref="HostFileException">It cannot be read, or is larger than <paramref name="limitBytes"/>.</exception>
    public static byte[] ReadSmall(string path, int limitBytes = 1024 * 1024)
    {
        using HostFile file = Open(path);
        return file.ReadAll(limitBytes);
    }

    /// <summary>Reads it whole.</summary>
    /// <exception cref="HostFileException">It cannot be read, or is larger than <paramref name="limitBytes"/>.</exception>
    public byte[] ReadAll(int limitBytes)
    {
        // As much room as it says it needs, and a byte more to see its end: hosts have thousands of small files.
        int chunkBytes = (int)Math.Clamp(Stat.stx_size + 1, SmallChunkBytes, ReadChunkBytes);
        ArrayBufferWriter<byte> content = new(chunkBytes);
        while (true)
        {
            int count = ReadAt(content.GetSpan(chunkBytes), content.WrittenCount);
            if (count == 0)
            {
                return content.WrittenSpan.ToArray();
            }

            content.Advance(count);
            if (content.WrittenCount > limitBytes)
            {
                throw new HostFileException(Path, 0, $"larger than the limit of {limitBytes} bytes");
            }
        }
    }

    /// <summary>State of what a path names; null when there is nothing there or it may not be seen.</summary>
    public static StatX? TryStat(string path, bool followLast = false)
    {
        StatX stat = default;
        byte[] name = Terminate(Encoding.UTF8.GetBytes(path), path);
        fixed (byte* pointer = name)
        {
            int flags = Libc.AT_STATX_DONT_SYNC | (followLast ? 0 : Libc.AT_SYMLINK_NOFOLLOW);
            return Libc.statx(Libc.AT_FDCWD, pointer, flags, StatX.STATX_BASIC_STATS | StatX.STATX_BTIME, &stat) == 0 ? stat : null;
        }
    }

    /// <summary>Text of a symbolic link, raw; null when it is none or may not be read.</summary>
    public static byte[]? TryReadLink(string path)
    {
        byte[] name = Terminate(Encoding.UTF8.GetBytes(path), path);
        byte[] target = new byte[4096];
        fixed (byte* pointer = name)
        fixed (byte* buffer = target)
        {
            nint count = Libc.readlinkat(Libc.AT_FDCWD, pointer, buffer, (nuint)target.Length);
            return count < 0 ? null : target[..(int)count];
        }
    }

    private static byte[] Terminate(ReadOnlySpan<byte> path, string shown)
    {
        if (path.IsEmpty || path.Contains((byte)0))
        {
            throw new HostFileException(DisplayText.Escape(shown), Libc.EINVAL);
        }

        byte[] name = new byte[path.Length + 1];
        path.CopyTo(name);
        return name;
    }

    private static int OpenAt(byte* path, int flags)
    {
        while (true)
        {
            int fd = Libc.openat(Libc.AT_FDCWD, path, flags, 0);
            if (fd >= 0 || Marshal.GetLastPInvokeError() != Libc.EINTR)
            {
                return fd;
            }
        }
    }

    private static StatX StatOf(int fd, string shown)
    {
        StatX stat = default;
        byte empty = 0;
        return Libc.statx(fd, &empty, Libc.AT_EMPTY_PATH, StatX.STATX_BASIC_STATS | StatX.STATX_BTIME, &stat) == 0
            ? stat
            : throw new HostFileException(shown, Marshal.GetLastPInvokeError());
    }

    private static void RequireRegular(in StatX stat, string shown)
    {
        if ((stat.stx_mode & FileTypeMask) != RegularFile)
        {
            throw new HostFileException(shown, 0, $"not a regular file (mode {Convert.ToString(stat.stx_mode, 8)})");
        }
    }
}
