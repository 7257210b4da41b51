using System.Runtime.InteropServices;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// A directory of the host, opened so that reading it leaves no mark: through a detached clone of its mount (open_tree(2), mount_setattr(2)) that is
/// read-only, without access times, device nodes or links to follow, listed in no mount table and gone with its descriptor. Where the kernel cannot
/// do that (before 5.12, or no CAP_SYS_ADMIN), the directory itself, read with O_NOATIME: then only the access times of symbolic links may move.
/// </summary>
internal sealed unsafe class PrivateTree : IDisposable
{
    private int descriptor;

    private PrivateTree(int descriptor, byte[] path, string? whyNotPrivate) =>
        (this.descriptor, Path, WhyNotPrivate) = (descriptor, path, whyNotPrivate);

    /// <summary>Descriptor (O_PATH) of the directory. It lives as long as this object.</summary>
    public int Descriptor => descriptor;

    /// <summary>Path on the host it was opened by.</summary>
    public byte[] Path { get; }

    /// <summary>Path on the host, for people.</summary>
    public string DisplayPath => DisplayText.Escape(Path);

    /// <summary>Why it is not a private clone; null when it is.</summary>
    public string? WhyNotPrivate { get; }

    /// <summary>Whether reads leave no mark and device nodes cannot be opened.</summary>
    public bool IsPrivate => WhyNotPrivate is null;

    /// <summary>Flags to open anything below with, besides what is wanted of it.</summary>
    public int ReadFlags => Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | (IsPrivate ? 0 : Libc.O_NOATIME);

    /// <summary>Opens a directory of the host. The path is the engine's or the kernel's own and may hold links; nothing of a container is resolved by it.</summary>
    /// <param name="path">Absolute path.</param>
    /// <param name="allowClone">False to read the directory itself.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static PrivateTree Open(byte[] path, bool allowClone = true)
    {
        byte[] text = [.. path, 0];
        fixed (byte* name = text)
        {
            string why = "not asked for";
            if (allowClone)
            {
                int clone = Libc.open_tree(Libc.AT_FDCWD, name, Libc.OPEN_TREE_CLONE | Libc.O_CLOEXEC);
                if (clone >= 0)
                {
                    if (Restrict(clone))
                    {
                        return new(clone, path, null);
                    }

                    why = "mount_setattr: " + Libc.Describe(Marshal.GetLastPInvokeError());
                    _ = Libc.close(clone);
                }
                else
                {
                    why = "open_tree: " + Libc.Describe(Marshal.GetLastPInvokeError());
                }
            }

            int plain = Libc.openat(Libc.AT_FDCWD, name, Libc.O_PATH | Libc.O_DIRECTORY | Libc.O_CLOEXEC, 0);
            return plain >= 0
                ? new(plain, path, why)
                : throw new IOException($"{DisplayText.Escape(path)}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        }
    }

    /// <summary>Clones the mount an open path is the root of; only a thread in the mount's own namespace may.</summary>
    /// <param name="mountRoot">Path descriptor.</param>
    /// <param name="path">Its path, for people.</param>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static PrivateTree Clone(int mountRoot, byte[] path)
    {
        byte empty = 0;
        int clone = Libc.open_tree(mountRoot, &empty, Libc.OPEN_TREE_CLONE | Libc.O_CLOEXEC | Libc.AT_EMPTY_PATH);
        if (clone >= 0 && Restrict(clone))
        {
            return new(clone, path, null);
        }

        string why = (clone < 0 ? "open_tree: " : "mount_setattr: ") + Libc.Describe(Marshal.GetLastPInvokeError());
        Trees.Nodes.Close(clone);
        throw new IOException($"{DisplayText.Escape(path)}: {why}");
    }

    public void Dispose()
    {
        if (descriptor >= 0)
        {
            _ = Libc.close(descriptor);
            descriptor = -1;
        }
    }

    private static bool Restrict(int clone)
    {
        MountAttr attributes = new()
        {
            attr_set = Libc.MOUNT_ATTR_RDONLY | Libc.MOUNT_ATTR_NOSUID | Libc.MOUNT_ATTR_NODEV | Libc.MOUNT_ATTR_NOEXEC | Libc.MOUNT_ATTR_NOATIME | Libc.MOUNT_ATTR_NOSYMFOLLOW,
            attr_clr = Libc.MOUNT_ATTR__ATIME,
        };
        byte empty = 0;
        if (Libc.mount_setattr(clone, &empty, Libc.AT_EMPTY_PATH, &attributes) == 0)
        {
            return true;
        }

        // NOSYMFOLLOW came with 5.14, the call with 5.12; every open of ours is O_NOFOLLOW anyway.
        attributes.attr_set &= ~Libc.MOUNT_ATTR_NOSYMFOLLOW;
        return Libc.mount_setattr(clone, &empty, Libc.AT_EMPTY_PATH, &attributes) == 0;
    }
}
