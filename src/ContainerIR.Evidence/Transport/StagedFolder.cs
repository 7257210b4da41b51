using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Evidence.Files;
using Microsoft.Win32.SafeHandles;

namespace ContainerIR.Evidence.Transport;

/// <summary>
/// Where a bundle is unpacked until it is whole: <c>.NAME.HASH.unpacking</c> beside its final place, the hash being of the parts list. What an earlier,
/// interrupted run left there is compared with what should stand there and used where it agrees: it is never trusted. No link is ever followed:
/// every directory is opened below its parent's handle.
/// </summary>
internal sealed unsafe class StagedFolder : IDisposable
{
    private readonly string path;
    private readonly SafeFileHandle root;

    private StagedFolder(string path, SafeFileHandle root)
    {
        this.path = path;
        this.root = root;
    }

    public static StagedFolder Open(string parent, string name)
    {
        string path = Path.Combine(parent, name);
        return new StagedFolder(path, OpenDirectory(Posix.AT_FDCWD, path, path));
    }

    /// <summary>Makes a directory; those above it must stand already or are made.</summary>
    public void MakeDirectory(string relative)
    {
        using SafeFileHandle? _ = OpenAt(relative);
    }

    /// <summary>Opens a file to be brought to its content; one left by an earlier run is opened as it is.</summary>
    public FileStream OpenFile(string relative)
    {
        int slash = relative.LastIndexOf('/');
        using SafeFileHandle? directory = slash < 0 ? null : OpenAt(relative[..slash]);
        fixed (byte* name = Terminated(relative[(slash + 1)..]))
        {
            int fd = Posix.openat(
                Number(directory ?? root), name, Posix.O_RDWR | Posix.O_CREAT | Posix.O_NOFOLLOW | Posix.O_NONBLOCK | Posix.O_CLOEXEC, 0x180);
            return fd >= 0
                ? new FileStream(new SafeFileHandle(fd, ownsHandle: true), FileAccess.ReadWrite, bufferSize: 0)
                : throw DurableFile.Failed("create", Path.Combine(path, relative), Posix.LastError());
        }
    }

    /// <summary>Gives the directory its final name, which must be free.</summary>
    public void MoveTo(string final)
    {
        Sync(root);
        fixed (byte* old = Terminated(path), renamed = Terminated(final))
        {
            if (RegularFile.KindOf(final) != FileKind.Absent || Posix.renameat(Posix.AT_FDCWD, old, Posix.AT_FDCWD, renamed) != 0)
            {
                throw DurableFile.Failed("rename", path, $"{final} stands there already, or: {Posix.LastError()}");
            }
        }

        using SafeFileHandle parent = OpenDirectory(Posix.AT_FDCWD, Path.GetDirectoryName(final)!, final);
        Sync(parent);
    }

    public void Dispose() => root.Dispose();

    private static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static void Sync(SafeFileHandle directory) => _ = Posix.fsync(Number(directory));

    private static byte[] Terminated(string text) => Encoding.UTF8.GetBytes(text + '\0');

    private static SafeFileHandle OpenDirectory(int parent, string name, string shown)
    {
        fixed (byte* bytes = Terminated(name))
        {
            if (Posix.mkdirat(parent, bytes, 0x1C0) != 0 && Marshal.GetLastPInvokeError() != Posix.EEXIST)
            {
                throw DurableFile.Failed("make the directory", shown, Posix.LastError());
            }

            int fd = Posix.openat(parent, bytes, Posix.O_RDONLY | Posix.O_DIRECTORY | Posix.O_NOFOLLOW | Posix.O_CLOEXEC, 0);
            return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw DurableFile.Failed("open the directory", shown, Posix.LastError());
        }
    }

    private SafeFileHandle? OpenAt(string relative)
    {
        SafeFileHandle? current = null;
        if (relative.Length == 0)
        {
            return null;
        }

        foreach (string segment in relative.Split('/'))
        {
            using SafeFileHandle? above = current;
            current = OpenDirectory(Number(above ?? root), segment, Path.Combine(path, relative));
        }

        return current;
    }
}
