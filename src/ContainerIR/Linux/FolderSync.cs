using System.Runtime.InteropServices;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>Makes the names in a directory durable: a file that was renamed there is found again after a power cut (fsync(2)).</summary>
internal static class FolderSync
{
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Sync(string folder)
    {
        using Descriptor directory = Descriptor.Open(Libc.AT_FDCWD, Encoding.UTF8.GetBytes(folder), Libc.O_RDONLY | Libc.O_DIRECTORY, out int errno)
            ?? throw new IOException($"{folder}: {Libc.Describe(errno)}");
        if (Libc.fsync(directory.Number) != 0)
        {
            throw new IOException($"{folder}: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        }
    }
}
