using System.Runtime.InteropServices;
using System.Text;

namespace ContainerIR.Evidence.Files;

/// <summary>The directory of a bundle being written. Paths given here are relative, generated ASCII.</summary>
internal sealed unsafe class BundleFolder(string root)
{
    private readonly HashSet<string> directories = [];
    private readonly Lock gate = new();

    /// <summary>Absolute path of the bundle.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>Makes the directory of the bundle itself; its parents are made as needed.</summary>
    /// <exception cref="OperatorException">It cannot be made, or stands there already.</exception>
    public static BundleFolder Create(string parent, string name)
    {
        string path = Path.Combine(Path.GetFullPath(parent), name);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                $"The output directory {parent} cannot be made: {failure.Message}", "Choose a directory you may write to with --out DIR.", failure);
        }

        int errno = MakeDirectory(path);
        return errno switch
        {
            0 => new BundleFolder(path),
            Posix.EEXIST => throw new OperatorException(
                $"A bundle stands at {path} already, and a bundle is never written twice.", "Choose another directory with --out DIR, or acquire again in a second."),
            _ => throw new OperatorException($"The bundle {path} cannot be made: {Posix.Describe(errno)}.", "Choose a directory you may write to with --out DIR."),
        };
    }

    public string PathOf(string relative) => relative.Length == 0 ? Root : Path.Combine(Root, relative);

    public DurableFile CreateFile(string relative)
    {
        EnsureDirectoryOf(relative);
        return DurableFile.Create(PathOf(relative));
    }

    /// <summary>Makes the directories above a file that do not exist yet, each synced into its parent.</summary>
    public void EnsureDirectoryOf(string relative)
    {
        for (int slash = relative.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = relative.IndexOf('/', slash + 1))
        {
            string directory = relative[..slash];
            lock (gate)
            {
                if (!directories.Add(directory))
                {
                    continue;
                }

                int errno = MakeDirectory(PathOf(directory));
                if (errno is not (0 or Posix.EEXIST))
                {
                    throw DurableFile.Failed("make the directory", PathOf(directory), Posix.Describe(errno));
                }

                SyncDirectoryOf(directory);
            }
        }
    }

    /// <summary>Gives a file its final name and makes the name durable.</summary>
    public void Rename(string from, string to)
    {
        fixed (byte* old = Terminated(PathOf(from)), renamed = Terminated(PathOf(to)))
        {
            if (Posix.renameat(Posix.AT_FDCWD, old, Posix.AT_FDCWD, renamed) != 0)
            {
                throw DurableFile.Failed("rename", PathOf(from), Posix.LastError());
            }
        }

        SyncDirectoryOf(to);
    }

    /// <summary>Removes a file if it is there.</summary>
    public void Remove(string relative)
    {
        fixed (byte* path = Terminated(PathOf(relative)))
        {
            if (Posix.unlinkat(Posix.AT_FDCWD, path, 0) != 0 && Marshal.GetLastPInvokeError() != Posix.ENOENT)
            {
                throw DurableFile.Failed("remove", PathOf(relative), Posix.LastError());
            }
        }
    }

    /// <summary>Removes a directory if it is empty.</summary>
    public void RemoveEmptyDirectory(string relative)
    {
        fixed (byte* path = Terminated(PathOf(relative)))
        {
            _ = Posix.unlinkat(Posix.AT_FDCWD, path, Posix.AT_REMOVEDIR);
        }
    }

    /// <summary>Makes the names in the directory of this file durable (fsync(2), "Calling fsync() does not necessarily ensure that the entry…").</summary>
    public void SyncDirectoryOf(string relative)
    {
        string directory = Path.GetDirectoryName(PathOf(relative))!;
        fixed (byte* path = Terminated(directory))
        {
            int fd = Posix.openat(Posix.AT_FDCWD, path, Posix.O_RDONLY | Posix.O_DIRECTORY | Posix.O_CLOEXEC, 0);
            if (fd < 0)
            {
                throw DurableFile.Failed("open", directory, Posix.LastError());
            }

            int result = Posix.fsync(fd);
            int errno = Marshal.GetLastPInvokeError();
            _ = Posix.close(fd);

            // Some network file systems cannot sync a directory and say so with EINVAL; the data itself is synced.
            if (result != 0 && errno != Posix.EINVAL)
            {
                throw DurableFile.Failed("sync the directory", directory, Posix.Describe(errno));
            }
        }
    }

    /// <summary>Writes a small file whole: temporary name, sync, final name, sync of the directory.</summary>
    public WrittenFile WriteWhole(string relative, ReadOnlySpan<byte> content)
    {
        string temporary = relative + ".tmp";
        Remove(temporary);
        using (DurableFile file = CreateFile(temporary))
        {
            file.Write(content);
            file.Sync();
        }

        Rename(temporary, relative);
        return WrittenFile.Of(relative, content);
    }

    private static int MakeDirectory(string path)
    {
        fixed (byte* name = Terminated(path))
        {
            return Posix.mkdirat(Posix.AT_FDCWD, name, 0x1C0) == 0 ? 0 : Marshal.GetLastPInvokeError(); // 0700: it holds secrets of the container
        }
    }

    private static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
