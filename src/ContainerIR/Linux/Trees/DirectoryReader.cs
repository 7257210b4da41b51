using System.Runtime.InteropServices;

namespace ContainerIR.Linux.Trees;

/// <summary>
/// The names of one directory, streamed: 32 KiB of getdents64(2) at a time, whatever it holds. <see cref="Position"/> is where a directory
/// opened again goes on.
/// </summary>
internal sealed unsafe class DirectoryReader
{
    private const int BufferBytes = 32 * 1024;

    // struct linux_dirent64: u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, char d_name[]
    private const int OffsetOfNext = 8;
    private const int OffsetOfLength = 16;
    private const int OffsetOfType = 18;
    private const int OffsetOfName = 19;

    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
    private int filled;
    private int next;
    private int current;

    /// <summary>Cookie (d_off) behind the last name given; 0 before the first.</summary>
    public long Position { get; private set; }

    /// <summary>The name last given, NUL-terminated; valid until the next call.</summary>
    public byte* Name => (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(buffer, current + OffsetOfName);

    /// <summary>The name last given.</summary>
    public ReadOnlySpan<byte> NameBytes => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(Name);

    /// <summary>Its type as the directory says (DT_*), a hint.</summary>
    public byte Type => buffer[current + OffsetOfType];

    /// <summary>Its inode number as the directory says.</summary>
    public ulong Inode => MemoryMarshal.Read<ulong>(buffer.AsSpan(current));

    /// <summary>Begins a directory, or goes on in one opened again.</summary>
    public void Start(long position) => (filled, next, current, Position) = (0, 0, 0, position);

    /// <summary>Goes to the next name but <c>.</c> and <c>..</c>.</summary>
    /// <param name="descriptor">The directory, open for reading.</param>
    /// <param name="errno">0, or why the rest cannot be listed.</param>
    /// <returns>False at the end or on error.</returns>
    public bool Next(int descriptor, out int errno)
    {
        errno = 0;
        while (true)
        {
            if (next >= filled)
            {
                if (filled == 0 && Position != 0 && Libc.lseek(descriptor, Position, Libc.SEEK_SET) < 0)
                {
                    errno = Marshal.GetLastPInvokeError();
                    return false;
                }

                nint count = Libc.getdents64(descriptor, (void*)Marshal.UnsafeAddrOfPinnedArrayElement(buffer, 0), BufferBytes);
                if (count <= 0)
                {
                    // A directory removed while it is read gives ENOENT: it is at its end.
                    errno = count < 0 && Marshal.GetLastPInvokeError() is not Libc.ENOENT and int failure ? failure : 0;
                    return false;
                }

                (filled, next) = ((int)count, 0);
            }

            current = next;
            next += MemoryMarshal.Read<ushort>(buffer.AsSpan(current + OffsetOfLength));
            Position = MemoryMarshal.Read<long>(buffer.AsSpan(current + OffsetOfNext));
            byte* name = Name;
            bool isDot = name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
            if (!isDot)
            {
                return true;
            }
        }
    }
}
