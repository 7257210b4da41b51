using System.Runtime.InteropServices;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>Opens one object of the writable layer, whatever it is and whatever is put in its place meanwhile.</summary>
internal static unsafe class UpperObject
{
    /// <summary>Opens files and directories for reading, all else, and what cannot be read, by a path descriptor.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="directory">Its directory.</param>
    /// <param name="name">NUL-terminated.</param>
    /// <param name="type">Its type as the directory says (DT_*).</param>
    /// <param name="stat">Gets its state; only the type, from the directory, when it is gone.</param>
    /// <param name="isPathDescriptor">Whether nothing can be read from it.</param>
    /// <param name="error">Why it could not be opened as it should; null when it could.</param>
    /// <returns>A descriptor; -1 when it is gone.</returns>
    public static int Open(PrivateTree layer, int directory, byte* name, byte type, ref StatX stat, out bool isPathDescriptor, out string? error)
    {
        (isPathDescriptor, error) = (false, null);

        // A file is opened at once only where a node put in its place cannot be: the clone has no devices, and links are not followed.
        int flags = type == Libc.DT_DIR ? layer.ReadFlags | Libc.O_DIRECTORY : layer.ReadFlags;
        if (type == Libc.DT_DIR || (type == Libc.DT_REG && layer.IsPrivate))
        {
            int opened = Nodes.OpenBelow(directory, name, flags);
            if (opened >= 0 && Nodes.Stat(opened, ref stat) && Nodes.Type(stat) == (type == Libc.DT_DIR ? Libc.S_IFDIR : Libc.S_IFREG))
            {
                return opened;
            }

            Nodes.Close(opened);
        }

        isPathDescriptor = true;
        int descriptor = Nodes.OpenPath(directory, name);
        if (descriptor < 0 || !Nodes.Stat(descriptor, ref stat))
        {
            int errno = Marshal.GetLastPInvokeError();
            Nodes.Close(descriptor);
            error = errno switch
            {
                Libc.ENOENT => "gone between being listed and being opened",
                Libc.EXDEV => "another file system of the host is mounted here: not entered",
                _ => Libc.Describe(errno),
            };
            stat = new() { stx_mode = (ushort)(type << 12) };
            return -1;
        }

        if (Nodes.IsRegular(stat) || Nodes.IsDirectory(stat))
        {
            int readable = Nodes.Reopen(descriptor, layer.ReadFlags);
            if (readable < 0)
            {
                error = "cannot be opened for reading: " + Libc.Describe(Marshal.GetLastPInvokeError());
                return descriptor;
            }

            Nodes.Close(descriptor);
            isPathDescriptor = false;
            return readable;
        }

        return descriptor;
    }
}
