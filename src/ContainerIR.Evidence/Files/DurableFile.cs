using System.Runtime.InteropServices;
using System.Text;

namespace ContainerIR.Evidence.Files;

/// <summary>A new file of a bundle: written once from its start, synced when asked. Every failure says errno's words and ends the run.</summary>
internal sealed unsafe class DurableFile : IDisposable
{
    private readonly string path;
    private int fd;

    private DurableFile(string path, int fd, long position)
    {
        this.path = path;
        this.fd = fd;
        Position = position;
    }

    /// <summary>Bytes written so far, which is also the size of the file.</summary>
    public long Position { get; private set; }

    /// <summary>Creates the file; it must not exist, not even as a dangling link.</summary>
    public static DurableFile Create(string path) =>
        Open(path, Posix.O_WRONLY | Posix.O_CREAT | Posix.O_EXCL | Posix.O_CLOEXEC | Posix.O_NOFOLLOW, 0);

    /// <summary>Opens a file of an interrupted bundle, cuts it to <paramref name="length"/> and continues there.</summary>
    public static DurableFile Continue(string path, long length)
    {
        DurableFile file = Open(path, Posix.O_WRONLY | Posix.O_APPEND | Posix.O_CLOEXEC | Posix.O_NOFOLLOW | Posix.O_NONBLOCK, length);
        if (Posix.ftruncate(file.fd, length) != 0)
        {
            using (file)
            {
                throw Failed("cut", path, Posix.LastError());
            }
        }

        return file;
    }

    /// <summary>Marks the file as being written, for as long as it is open (flock(2)). File systems without locks are taken as they are.</summary>
    public void Lock() => _ = Posix.flock(fd, Posix.LOCK_EX | Posix.LOCK_NB);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(fd < 0, this);
        fixed (byte* start = bytes)
        {
            nint done = 0;
            while (done < bytes.Length)
            {
                nint count = Posix.write(fd, start + done, (nuint)(bytes.Length - done));
                if (count > 0)
                {
                    done += count;
                    Position += count;
                }
                else if (count == 0 || Marshal.GetLastPInvokeError() != Posix.EINTR)
                {
                    throw Failed("write", path, count == 0 ? "the device took no byte" : Posix.LastError());
                }
            }
        }
    }

    /// <summary>Asks the kernel to start writing a range to the device, so that the next <see cref="Sync"/> is short. A hint: failure means nothing.</summary>
    public void StartWriteback(long offset, long count) => _ = Posix.sync_file_range(fd, offset, count, Posix.SYNC_FILE_RANGE_WRITE);

    /// <summary>Returns when all bytes are on the device.</summary>
    public void Sync()
    {
        ObjectDisposedException.ThrowIf(fd < 0, this);
        if (Posix.fsync(fd) != 0)
        {
            throw Failed("sync", path, Posix.LastError());
        }
    }

    public void Dispose()
    {
        if (fd >= 0)
        {
            _ = Posix.close(fd);
            fd = -1;
        }
    }

    internal static BundleWriteException Failed(string verb, string path, string why) => new($"Cannot {verb} {path}: {why}");

    private static DurableFile Open(string path, int flags, long position)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            int fd = Posix.openat(Posix.AT_FDCWD, name, flags, 0x180); // 0600
            return fd >= 0 ? new DurableFile(path, fd, position) : throw Failed("create", path, Posix.LastError());
        }
    }
}
