using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux;

/// <summary>Names in a directory of the host, as bytes, without changing its access time where the kernel allows that.</summary>
internal static unsafe class HostDirectory
{
    /// <summary>Names of a directory, sorted by bytes, at most so many; null when it cannot be listed. A link is followed: these are the host's own paths.</summary>
    /// <param name="path">Absolute path.</param>
    /// <param name="limit">Names kept at most.</param>
    /// <param name="errno">0, or why it cannot be listed (to its end).</param>
    public static List<byte[]>? Names(string path, int limit, out int errno)
    {
        byte[] name = [.. Encoding.UTF8.GetBytes(path), 0];
        int descriptor;
        fixed (byte* text = name)
        {
            int flags = Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC | Libc.O_NONBLOCK;
            descriptor = Libc.openat(Libc.AT_FDCWD, text, flags | Libc.O_NOATIME, 0);
            if (descriptor < 0 && Marshal.GetLastPInvokeError() == Libc.EPERM)
            {
                descriptor = Libc.openat(Libc.AT_FDCWD, text, flags, 0);
            }
        }

        if (descriptor < 0)
        {
            errno = Marshal.GetLastPInvokeError();
            return null;
        }

        try
        {
            List<byte[]> names = [];
            DirectoryReader reader = new();
            reader.Start(0);
            errno = 0;
            while (names.Count < limit && reader.Next(descriptor, out errno))
            {
                names.Add(reader.NameBytes.ToArray());
            }

            names.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
            return names;
        }
        finally
        {
            _ = Libc.close(descriptor);
        }
    }

    /// <summary>The same as text where every name is UTF-8; others are left out. For the host's own folders, whose names programs chose.</summary>
    public static List<string> TextNames(string path, int limit = 100_000) =>
        [.. (Names(path, limit, out _) ?? []).Select(static name => Encoding.UTF8.GetString(name)).Where(static name => !name.Contains('\uFFFD'))];
}
