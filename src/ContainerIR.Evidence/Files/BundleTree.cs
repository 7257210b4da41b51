using System.Buffers.Binary;
using System.Text;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using Microsoft.Win32.SafeHandles;

namespace ContainerIR.Evidence.Files;

/// <summary>What stands at a name.</summary>
internal enum TreeEntryKind
{
    File,
    Directory,
    Special,
}

/// <summary>A name found in a bundle. <paramref name="Path"/> is for display where <paramref name="IsSafeName"/> is false, and can then not be opened.</summary>
internal sealed record TreeEntry(string Path, TreeEntryKind Kind, long SizeBytes, bool IsSafeName);

/// <summary>
/// A bundle nobody vouches for yet. Names are read as bytes; nothing is followed: not a link at the end of a path, not one in its middle;
/// opening never blocks, and only regular files are read.
/// </summary>
internal sealed unsafe class BundleTree : IDisposable
{
    /// <summary>More names than that in one bundle are refused.</summary>
    public const int MaxEntries = 500_000;

    private const int ListBufferBytes = 32 * 1024;

    private readonly SafeFileHandle root;

    private BundleTree(SafeFileHandle root) => this.root = root;

    /// <exception cref="OperatorException">It is no directory that can be read.</exception>
    public static BundleTree Open(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            int fd = Posix.openat(Posix.AT_FDCWD, name, Posix.O_RDONLY | Posix.O_DIRECTORY | Posix.O_CLOEXEC, 0);
            return fd >= 0
                ? new BundleTree(new SafeFileHandle(fd, ownsHandle: true))
                : throw new OperatorException($"The bundle {path} cannot be opened: {Posix.LastError()}.", "Give the directory that holds bagit.txt.");
        }
    }

    /// <summary>Every name, parents before children.</summary>
    /// <exception cref="FormatException">There are more than <see cref="MaxEntries"/> names.</exception>
    public IReadOnlyList<TreeEntry> Walk()
    {
        List<TreeEntry> entries = [];
        Queue<string> directories = new([""]);
        while (directories.TryDequeue(out string? directory))
        {
            using SafeFileHandle? handle = OpenDirectory(directory);
            if (handle is null)
            {
                entries.Add(new TreeEntry(directory, TreeEntryKind.Special, 0, IsSafeName: false));
                continue;
            }

            foreach (byte[] name in List((int)handle.DangerousGetHandle()))
            {
                TreeEntry entry = Describe(handle, directory, name);
                entries.Add(entry);
                if (entries.Count > MaxEntries)
                {
                    throw new FormatException($"it holds more than {MaxEntries} names");
                }

                if (entry is { Kind: TreeEntryKind.Directory, IsSafeName: true })
                {
                    directories.Enqueue(entry.Path);
                }
            }
        }

        return entries;
    }

    /// <summary>Opens a regular file; null where there is none, or its name is not one a bundle may have.</summary>
    public FileStream? OpenRead(string path)
    {
        if (!ItemName.IsSafePath(path))
        {
            return null;
        }

        int slash = path.LastIndexOf('/');
        using SafeFileHandle? directory = OpenDirectory(slash < 0 ? "" : path[..slash]);
        if (directory is null)
        {
            return null;
        }

        int fd = OpenAt(directory, path[(slash + 1)..], Posix.O_NONBLOCK);
        if (fd < 0)
        {
            return null;
        }

        SafeFileHandle handle = new(fd, ownsHandle: true);
        Posix.StatX stat;
        byte empty = 0;
        if (Posix.statx(fd, &empty, Posix.AT_EMPTY_PATH, Posix.StatX.TypeModeAndSize, &stat) != 0 || !stat.IsRegularFile)
        {
            handle.Dispose();
            return null;
        }

        return new FileStream(handle, FileAccess.Read, bufferSize: 0);
    }

    public void Dispose() => root.Dispose();

    private static TreeEntry Describe(SafeFileHandle directory, string directoryPath, byte[] name)
    {
        string text = Encoding.Latin1.GetString(name);
        string prefix = directoryPath.Length == 0 ? "" : directoryPath + "/";
        bool isSafe = ItemName.IsSafePath(prefix + text);
        string path = prefix + (isSafe ? text : DisplayText.Escape(name));
        Posix.StatX stat;
        fixed (byte* terminated = (byte[])[.. name, 0])
        {
            if (Posix.statx((int)directory.DangerousGetHandle(), terminated, Posix.AT_SYMLINK_NOFOLLOW, Posix.StatX.TypeModeAndSize, &stat) != 0)
            {
                return new TreeEntry(path, TreeEntryKind.Special, 0, isSafe);
            }
        }

        TreeEntryKind kind = stat.IsRegularFile ? TreeEntryKind.File : stat.IsDirectory ? TreeEntryKind.Directory : TreeEntryKind.Special;
        return new TreeEntry(path, kind, (long)stat.Size, isSafe);
    }

    private SafeFileHandle? OpenDirectory(string path)
    {
        SafeFileHandle current = Duplicate();
        foreach (string segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using SafeFileHandle parent = current;
            int fd = OpenAt(parent, segment, Posix.O_DIRECTORY);
            if (fd < 0)
            {
                return null;
            }

            current = new SafeFileHandle(fd, ownsHandle: true);
        }

        return current;
    }

    private SafeFileHandle Duplicate()
    {
        int fd = OpenAt(root, ".", Posix.O_DIRECTORY);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new IOException($"The bundle cannot be read: {Posix.LastError()}");
    }

    private static int OpenAt(SafeFileHandle directory, string segment, int flags)
    {
        fixed (byte* name = Encoding.ASCII.GetBytes(segment + '\0'))
        {
            return Posix.openat((int)directory.DangerousGetHandle(), name, Posix.O_RDONLY | Posix.O_CLOEXEC | Posix.O_NOFOLLOW | flags, 0);
        }
    }

    /// <summary>The names of an open directory but "." and "..": struct linux_dirent64, getdents64(2).</summary>
    private static List<byte[]> List(int fd)
    {
        const int lengthOffset = 16;
        const int nameOffset = 19;
        List<byte[]> names = [];
        byte[] buffer = new byte[ListBufferBytes];
        fixed (byte* start = buffer)
        {
            while (names.Count <= MaxEntries)
            {
                nint count = Posix.getdents64(fd, start, ListBufferBytes);
                if (count < 0)
                {
                    throw new IOException($"A directory of the bundle cannot be read: {Posix.LastError()}");
                }

                if (count == 0)
                {
                    break;
                }

                ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)count);
                while (!rest.IsEmpty)
                {
                    int length = BinaryPrimitives.ReadUInt16LittleEndian(rest[lengthOffset..]);
                    ReadOnlySpan<byte> name = rest[nameOffset..length];
                    name = name[..name.IndexOf((byte)0)];
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    {
                        names.Add(name.ToArray());
                    }

                    rest = rest[length..];
                }
            }
        }

        return names;
    }
}
