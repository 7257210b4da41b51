using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>Bytes read from the kernel, whether a cap cut them, and the error that ended the read (0 when none).</summary>
internal readonly record struct Bytes(byte[] Content, bool IsCut, int Errno)
{
    /// <summary>Whether the source was there and gave what it has (a cut is not a failure).</summary>
    public bool IsRead => Errno == 0;

    /// <summary>The bytes without one trailing newline.</summary>
    public ReadOnlySpan<byte> Line => Content is [.., (byte)'\n'] ? Content.AsSpan(0, Content.Length - 1) : Content;
}

/// <summary>
/// One directory /proc/PID or /proc/PID/task/TID, held open: whatever happens to the number, every read through it is of the same process or
/// fails with ESRCH (proc(5); fs/proc/base.c holds the pid, not the number).
/// </summary>
internal sealed unsafe class ProcEntry : IDisposable
{
    private const int FirstBuffer = 16 * 1024;
    private readonly Descriptor directory;

    private ProcEntry(Descriptor directory, int pid) => (this.directory, Pid) = (directory, pid);

    /// <summary>Process or thread id in our pid namespace.</summary>
    public int Pid { get; }

    /// <summary>Descriptor of the directory.</summary>
    public int Number => directory.Number;

    public static ProcEntry? Open(int pid, out int errno)
    {
        Descriptor? directory = Descriptor.Open(Libc.AT_FDCWD, $"/proc/{pid.ToString(CultureInfo.InvariantCulture)}", Libc.O_PATH | Libc.O_DIRECTORY, out errno);
        return directory is null ? null : new ProcEntry(directory, pid);
    }

    /// <summary>Opens one thread of this process.</summary>
    public ProcEntry? OpenThread(int tid, out int errno)
    {
        Descriptor? thread = Descriptor.Open(Number, $"task/{tid.ToString(CultureInfo.InvariantCulture)}", Libc.O_PATH | Libc.O_DIRECTORY, out errno);
        return thread is null ? null : new ProcEntry(thread, tid);
    }

    /// <summary>Every process number of /proc, in the kernel's order.</summary>
    public static List<int> ListAll(out int errno)
    {
        using Descriptor? proc = Descriptor.Open(Libc.AT_FDCWD, "/proc", Libc.O_RDONLY | Libc.O_DIRECTORY, out errno);
        return proc is null ? [] : ListNumbers(proc, int.MaxValue, out errno);
    }

    /// <summary>The numeric names of a directory below: <c>fd</c>, <c>task</c>. Ends at the limit; errno 0 when the listing is whole.</summary>
    public List<int> Numbers(string name, int limit, out int errno)
    {
        using Descriptor? folder = Descriptor.Open(Number, name, Libc.O_RDONLY | Libc.O_DIRECTORY, out errno);
        return folder is null ? [] : ListNumbers(folder, limit, out errno);
    }

    /// <summary>Opens something below; magic links are followed.</summary>
    public Descriptor? Open(string name, int flags, out int errno) => Descriptor.Open(Number, name, flags, out errno);

    /// <summary>Reads a file below, at most so many bytes. What was read before an error is kept.</summary>
    public Bytes Read(string name, int maxBytes)
    {
        using Descriptor? file = Descriptor.Open(Number, name, Libc.O_RDONLY, out int errno);
        return file is null ? new Bytes([], false, errno) : ReadToEnd(file, maxBytes);
    }

    /// <summary>Reads what a descriptor gives from here on, at most so many bytes.</summary>
    public static Bytes ReadToEnd(Descriptor file, int maxBytes)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(maxBytes + 1, FirstBuffer));
        int used = 0;
        try
        {
            while (true)
            {
                int count = file.Read(buffer.AsSpan(used, Math.Min(buffer.Length, maxBytes + 1) - used), out int errno);
                if (count <= 0)
                {
                    return new Bytes(buffer.AsSpan(0, used).ToArray(), false, errno);
                }

                used += count;
                if (used > maxBytes)
                {
                    return new Bytes(buffer.AsSpan(0, maxBytes).ToArray(), true, 0);
                }

                if (used == buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 2, maxBytes + 1));
                    buffer.AsSpan(0, used).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Text of a link below, never followed.</summary>
    public Bytes ReadLink(string name)
    {
        const int limit = 4096;
        byte* buffer = stackalloc byte[limit];
        Span<byte> path = stackalloc byte[128];
        path[Encoding.ASCII.GetBytes(name, path)] = 0;
        fixed (byte* terminated = path)
        {
            nint count = Libc.readlinkat(Number, terminated, buffer, limit);
            return count < 0
                ? new Bytes([], false, Marshal.GetLastPInvokeError())
                : new Bytes(new ReadOnlySpan<byte>(buffer, (int)count).ToArray(), count == limit, 0);
        }
    }

    /// <summary>Inode of a namespace link (<c>net</c>, <c>mnt</c> …); 0 when it cannot be read.</summary>
    public ulong Namespace(string kind)
    {
        Bytes link = ReadLink("ns/" + kind);
        return link.IsRead ? NamespaceInode(link.Content) : 0;
    }

    /// <summary>The number in <c>net:[4026531992]</c>; 0 when the text is none of that form.</summary>
    public static ulong NamespaceInode(ReadOnlySpan<byte> link)
    {
        int open = link.IndexOf(":["u8);
        return open > 0 && Utf8Parser.TryParse(link[(open + 2)..], out ulong inode, out int used) && link[(open + 2 + used)..].SequenceEqual("]"u8) ? inode : 0;
    }

    public void Dispose() => directory.Dispose();

    private static List<int> ListNumbers(Descriptor folder, int limit, out int errno)
    {
        const int size = 32 * 1024;
        List<int> numbers = [];
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            fixed (byte* start = buffer)
            {
                while (numbers.Count < limit)
                {
                    nint count = Libc.ReadDirectory(folder.Number, start, size);
                    if (count <= 0)
                    {
                        errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                        return numbers;
                    }

                    // struct linux_dirent64: u64 ino, s64 off, u16 reclen, u8 type, name NUL-terminated.
                    for (int at = 0; at + 19 < count;)
                    {
                        int length = *(ushort*)(start + at + 16);
                        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(start + at + 19);
                        if (Utf8Parser.TryParse(name, out int number, out int used) && used == name.Length && number >= 0)
                        {
                            numbers.Add(number);
                        }

                        at += Math.Max(length, 20);
                    }
                }
            }

            errno = 0;
            return numbers;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
