using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ContainerIR.Linux;

/// <summary>A file descriptor we own.</summary>
internal sealed unsafe class Descriptor : SafeHandleMinusOneIsInvalid
{
    public Descriptor(int number)
        : base(ownsHandle: true) => SetHandle(number);

    /// <summary>Its number, valid while this object is alive and not disposed.</summary>
    public int Number => (int)handle;

    /// <summary>openat(2) with O_CLOEXEC; null and the errno on failure.</summary>
    public static Descriptor? Open(int dirfd, ReadOnlySpan<byte> path, int flags, out int errno)
    {
        Span<byte> terminated = path.Length < 512 ? stackalloc byte[path.Length + 1] : new byte[path.Length + 1];
        path.CopyTo(terminated);
        fixed (byte* name = terminated)
        {
            return Own(Libc.openat(dirfd, name, flags | Libc.O_CLOEXEC, 0), out errno);
        }
    }

    /// <summary>openat(2) of an ASCII path of the kernel's own file systems.</summary>
    public static Descriptor? Open(int dirfd, string path, int flags, out int errno) => Open(dirfd, Encoding.ASCII.GetBytes(path), flags, out errno);

    /// <summary>openat2(2) with restricted resolution; ENOSYS where the kernel has none (before 5.6).</summary>
    public static Descriptor? OpenResolved(int dirfd, ReadOnlySpan<byte> path, int flags, ulong resolve, out int errno)
    {
        Span<byte> terminated = path.Length < 512 ? stackalloc byte[path.Length + 1] : new byte[path.Length + 1];
        path.CopyTo(terminated);
        OpenHow how = new() { flags = (ulong)(flags | Libc.O_CLOEXEC), resolve = resolve };
        fixed (byte* name = terminated)
        {
            return Own(Libc.OpenResolved(dirfd, name, &how), out errno);
        }
    }

    /// <summary>Takes the result of a call that returns a descriptor.</summary>
    public static Descriptor? Own(int result, out int errno)
    {
        errno = result < 0 ? Marshal.GetLastPInvokeError() : 0;
        return result < 0 ? null : new Descriptor(result);
    }

    /// <summary>statx of the descriptor itself, without asking a remote or user-space server for fresh values.</summary>
    public bool TryStat(out StatX stat, out int errno)
    {
        byte empty = 0;
        fixed (StatX* target = &stat)
        {
            int result = Libc.statx(
                Number, &empty, Libc.AT_EMPTY_PATH | Libc.AT_STATX_DONT_SYNC, StatX.STATX_BASIC_STATS | StatX.STATX_BTIME | StatX.STATX_MNT_ID, target);
            errno = result < 0 ? Marshal.GetLastPInvokeError() : 0;
            return result == 0;
        }
    }

    /// <summary>Reads at an offset; -1 and errno on failure.</summary>
    public int ReadAt(Span<byte> buffer, long offset, out int errno)
    {
        fixed (byte* target = buffer)
        {
            nint count;
            do
            {
                count = Libc.pread(Number, target, (nuint)buffer.Length, offset);
                errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (errno == Libc.EINTR);
            return (int)count;
        }
    }

    /// <summary>Reads on; -1 and errno on failure.</summary>
    public int Read(Span<byte> buffer, out int errno)
    {
        fixed (byte* target = buffer)
        {
            nint count;
            do
            {
                count = Libc.read(Number, target, (nuint)buffer.Length);
                errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (errno == Libc.EINTR);
            return (int)count;
        }
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
