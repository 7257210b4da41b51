using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Linux;

namespace ContainerIR.Tests.Some;

/// <summary>A directory below the temporary one in which a test makes whatever a hostile container can: names are bytes, every kind of node, any owner and time.</summary>
internal sealed unsafe partial class HostileTree : IDisposable
{
    public HostileTree() => Root = Directory.CreateTempSubdirectory("cir-tree-").FullName;

    public string Root { get; }

    public byte[] RootBytes => Encoding.UTF8.GetBytes(Root);

    public HostileTree Dir(ReadOnlySpan<byte> path, uint mode = 0x1ED)
    {
        fixed (byte* at = At(path))
        {
            Check(mkdir(at, mode), path);
            Check(chmod(at, mode), path);
        }

        return this;
    }

    public HostileTree File(ReadOnlySpan<byte> path, ReadOnlySpan<byte> content) => Sparse(path, content.Length, (0, content.ToArray()));

    public HostileTree File(ReadOnlySpan<byte> path, string content) => File(path, Encoding.UTF8.GetBytes(content));

    /// <summary>A file with data only at the given offsets.</summary>
    public HostileTree Sparse(ReadOnlySpan<byte> path, long size, params (long Offset, byte[] Data)[] stretches)
    {
        fixed (byte* at = At(path))
        {
            int descriptor = open(at, 0x241, 0x1A4); // O_WRONLY|O_CREAT|O_TRUNC
            Check(descriptor, path);
            Check(ftruncate(descriptor, size), path);
            foreach ((long offset, byte[] data) in stretches)
            {
                fixed (byte* bytes = data)
                {
                    Check((int)pwrite(descriptor, bytes, (nuint)data.Length, offset), path);
                }
            }

            _ = Libc.close(descriptor);
        }

        return this;
    }

    public HostileTree Node(ReadOnlySpan<byte> path, uint typeAndMode, uint major = 0, uint minor = 0)
    {
        fixed (byte* at = At(path))
        {
            // makedev(3), gnu_dev_makedev
            ulong device = ((ulong)(major & 0xfff) << 8) | ((ulong)(major & ~0xfffu) << 32) | (minor & 0xff) | ((ulong)(minor & ~0xffu) << 12);
            Check(mknod(at, typeAndMode, device), path);
            Check(chmod(at, typeAndMode & 0xFFF), path);
        }

        return this;
    }

    public HostileTree Whiteout(ReadOnlySpan<byte> path) => Node(path, Libc.S_IFCHR);

    public HostileTree Symlink(ReadOnlySpan<byte> path, ReadOnlySpan<byte> target)
    {
        fixed (byte* at = At(path))
        fixed (byte* to = (byte[])[.. target, 0])
        {
            Check(symlink(to, at), path);
        }

        return this;
    }

    public HostileTree Link(ReadOnlySpan<byte> path, ReadOnlySpan<byte> existing)
    {
        fixed (byte* at = At(path))
        fixed (byte* old = At(existing))
        {
            Check(linkat(Libc.AT_FDCWD, old, Libc.AT_FDCWD, at, 0), path);
        }

        return this;
    }

    public HostileTree Mode(ReadOnlySpan<byte> path, uint mode)
    {
        fixed (byte* at = At(path))
        {
            Check(chmod(at, mode), path);
        }

        return this;
    }

    public HostileTree Owner(ReadOnlySpan<byte> path, uint uid, uint gid)
    {
        fixed (byte* at = At(path))
        {
            Check(lchown(at, uid, gid), path);
        }

        return this;
    }

    public HostileTree Times(ReadOnlySpan<byte> path, UnixTime accessed, UnixTime modified)
    {
        long* times = stackalloc long[] { accessed.Seconds, accessed.Nanoseconds, modified.Seconds, modified.Nanoseconds };
        fixed (byte* at = At(path))
        {
            Check(utimensat(Libc.AT_FDCWD, at, times, Libc.AT_SYMLINK_NOFOLLOW), path);
        }

        return this;
    }

    public HostileTree Xattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        fixed (byte* at = At(path))
        fixed (byte* key = (byte[])[.. name, 0])
        fixed (byte* bytes = value)
        {
            Check(lsetxattr(at, key, bytes, (nuint)value.Length, 0), path);
        }

        return this;
    }

    /// <summary>A chain of directories, deeper than any path can say, with a file in the last.</summary>
    public HostileTree Chain(int depth, ReadOnlySpan<byte> name)
    {
        fixed (byte* each = (byte[])[.. name, 0])
        fixed (byte* start = At(default))
        {
            int here = Libc.openat(Libc.AT_FDCWD, start, Libc.O_RDONLY | Libc.O_DIRECTORY, 0);
            for (int i = 0; i < depth; i++)
            {
                Check(mkdirat(here, each, 0x1ED), name);
                int next = Libc.openat(here, each, Libc.O_RDONLY | Libc.O_DIRECTORY, 0);
                _ = Libc.close(here);
                here = next;
            }

            int file = Libc.openat(here, each, 0x41, 0x1A4);
            Check(file, name);
            _ = Libc.close(file);
            _ = Libc.close(here);
        }

        return this;
    }

    public void Dispose() => RealEngine.Run("rm", "-rf", Root);

    private byte[] At(ReadOnlySpan<byte> path) => [.. RootBytes, (byte)'/', .. path, 0];

    private static void Check(int result, ReadOnlySpan<byte> path)
    {
        if (result < 0)
        {
            throw new InvalidOperationException($"{Encoding.Latin1.GetString(path)}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdir(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdirat(int directory, byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int descriptor, long size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int descriptor, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mknod(byte* path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int symlink(byte* target, byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int linkat(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int chmod(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lchown(byte* path, uint uid, uint gid);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int utimensat(int directory, byte* path, long* times, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lsetxattr(byte* path, byte* name, byte* value, nuint size, int flags);
}
