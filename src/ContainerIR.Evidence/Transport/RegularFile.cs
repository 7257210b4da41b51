using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Evidence.Files;
using Microsoft.Win32.SafeHandles;

namespace ContainerIR.Evidence.Transport;

/// <summary>Opens files that must be regular: never through a link, never waiting for a pipe or a device.</summary>
internal static unsafe class RegularFile
{
    /// <exception cref="IOException">It is absent, not regular, or not readable.</exception>
    public static FileStream Open(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            int fd = Posix.openat(Posix.AT_FDCWD, name, Posix.O_RDONLY | Posix.O_NOFOLLOW | Posix.O_NONBLOCK | Posix.O_CLOEXEC, 0);
            if (fd < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                throw errno == Posix.ENOENT
                    ? new FileNotFoundException($"{path} is not there", path)
                    : new IOException(errno == Posix.ELOOP ? $"{path} is a link" : $"{path}: {Posix.Describe(errno)}");
            }

            SafeFileHandle handle = new(fd, ownsHandle: true);
            if (KindOf(fd, [0], Posix.AT_EMPTY_PATH) != FileKind.Regular)
            {
                handle.Dispose();
                throw new IOException($"{path} is no regular file");
            }

            return new FileStream(handle, FileAccess.Read, bufferSize: 0);
        }
    }

    /// <summary>What stands at a path, links not followed.</summary>
    public static FileKind KindOf(string path) => KindOf(Posix.AT_FDCWD, Encoding.UTF8.GetBytes(path + '\0'), Posix.AT_SYMLINK_NOFOLLOW);

    private static FileKind KindOf(int fd, byte[] path, int flags)
    {
        Posix.StatX stat;
        fixed (byte* name = path)
        {
            return Posix.statx(fd, name, flags, Posix.StatX.TypeModeAndSize, &stat) != 0 ? FileKind.Absent
                : stat.IsRegularFile ? FileKind.Regular
                : stat.IsDirectory ? FileKind.Directory
                : FileKind.Other;
        }
    }
}

/// <summary>What stands at a path.</summary>
internal enum FileKind
{
    Absent,
    Regular,
    Directory,
    Other,
}
