using System.Buffers.Text;
using System.Globalization;

namespace ContainerIR.Linux;

/// <summary>What a mapping allows, and whether its writes are shared.</summary>
[Flags]
internal enum MapAccess : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
    Shared = 8,
}

/// <summary>One line of /proc/PID/maps (proc_pid_maps(5)).</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address behind the last.</param>
/// <param name="Access">Permissions.</param>
/// <param name="Offset">Offset of the first byte in its file.</param>
/// <param name="DeviceMajor">Device of the file.</param>
/// <param name="DeviceMinor">Device of the file.</param>
/// <param name="Inode">Inode of the file; 0 for memory of no file.</param>
/// <param name="Path">The kernel's text: a path in the process's view, <c>[heap]</c>, or nothing. The process may have chosen it.</param>
internal readonly record struct MemoryMapping(
    ulong Start, ulong End, MapAccess Access, ulong Offset, uint DeviceMajor, uint DeviceMinor, ulong Inode, byte[] Path)
{
    /// <summary>Size in bytes.</summary>
    public ulong Length => End - Start;

    /// <summary>Name in /proc/PID/map_files.</summary>
    public string FileName => string.Create(CultureInfo.InvariantCulture, $"{Start:x}-{End:x}");

    /// <summary>Whether it is of a file (memfd, shared memory and devices count).</summary>
    public bool IsOfFile => Inode != 0;

    /// <summary>Memory the kernel lends: no evidence, and not readable by the usual ways. The vdso is plain memory and needed for backtraces.</summary>
    public bool IsOfKernel => Path.AsSpan().StartsWith("[vvar"u8) || Path.AsSpan().SequenceEqual("[vsyscall]"u8) || Path.AsSpan().SequenceEqual("[uprobes]"u8);

    /// <summary>Writable and executable at once, or executable and of no file: what injected and unpacked code needs.</summary>
    public bool LooksInjected => (Access & MapAccess.Execute) != 0
        && ((Access & MapAccess.Write) != 0 || (!IsOfFile && !IsOfKernel && !Path.AsSpan().SequenceEqual("[vdso]"u8)));

    /// <summary>Permissions as the kernel writes them: <c>rw-p</c>.</summary>
    public string Permissions => string.Create(4, Access, static (text, access) =>
    {
        text[0] = (access & MapAccess.Read) != 0 ? 'r' : '-';
        text[1] = (access & MapAccess.Write) != 0 ? 'w' : '-';
        text[2] = (access & MapAccess.Execute) != 0 ? 'x' : '-';
        text[3] = (access & MapAccess.Shared) != 0 ? 's' : 'p';
    });
}

/// <summary>All mappings of one process, read in pieces: a process may have 65,530 mappings, each with a path of 4 KiB.</summary>
internal sealed class MemoryMap
{
    private const int MaxMappings = 1_000_000;
    private const int MaxPathBytes = 8 * 1024 * 1024;
    private const int MaxLine = 64 * 1024;
    private static readonly byte[] PathNotKept = "(path left out: over 8 MiB of paths)"u8.ToArray();
    private readonly List<MemoryMapping> mappings = [];
    private int pathBytes;

    /// <summary>Mappings in order of address.</summary>
    public IReadOnlyList<MemoryMapping> Mappings => mappings;

    /// <summary>Lines not understood: recorded as a gap, never passed over in silence.</summary>
    public int Malformed { get; private set; }

    /// <summary>Whether there were more mappings than are kept.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Reads maps of a process or thread.</summary>
    /// <param name="process">Its directory.</param>
    /// <param name="errno">Why it ended before its end; 0 when whole.</param>
    public static MemoryMap Read(ProcEntry process, out int errno)
    {
        MemoryMap map = new();
        using Descriptor? file = process.Open("maps", Libc.O_RDONLY, out errno);
        if (file is null)
        {
            return map;
        }

        byte[] buffer = new byte[MaxLine];
        int used = 0;
        while (!map.IsCut)
        {
            int count = file.Read(buffer.AsSpan(used), out errno);
            if (count <= 0)
            {
                break;
            }

            used += count;
            int kept = map.Take(buffer.AsSpan(0, used));
            if (kept == 0 && used == buffer.Length)
            {
                // No line is that long: a page and a path of at most 4 KiB, escaped.
                map.Malformed++;
                kept = used;
            }

            buffer.AsSpan(kept, used - kept).CopyTo(buffer);
            used -= kept;
        }

        map.Malformed += used > 0 ? 1 : 0;
        return map;
    }

    /// <summary>Parses every whole line.</summary>
    /// <returns>How many bytes they were.</returns>
    public int Take(ReadOnlySpan<byte> text)
    {
        int at = 0;
        while (text[at..].IndexOf((byte)'\n') is int length and >= 0)
        {
            if (mappings.Count == MaxMappings)
            {
                IsCut = true;
                return text.Length;
            }

            TakeLine(text.Slice(at, length));
            at += length + 1;
        }

        return at;
    }

    // 7f1a2000-7f1a3000 r-xp 00001000 fd:01 1234   /path with spaces
    private void TakeLine(ReadOnlySpan<byte> line)
    {
        Span<Range> f = stackalloc Range[5];
        if (ByteFields.Split(line, f) < 5)
        {
            Malformed++;
            return;
        }

        ReadOnlySpan<byte> range = line[f[0]], access = line[f[1]], device = line[f[3]];
        int dash = range.IndexOf((byte)'-'), colon = device.IndexOf((byte)':');
        if (dash < 0 || colon < 0 || access.Length != 4
            || !ByteFields.TryHex(range[..dash], out ulong start) || !ByteFields.TryHex(range[(dash + 1)..], out ulong end) || end <= start
            || !ByteFields.TryHex(line[f[2]], out ulong offset)
            || !ByteFields.TryHex(device[..colon], out ulong major) || !ByteFields.TryHex(device[(colon + 1)..], out ulong minor)
            || !Utf8Parser.TryParse(line[f[4]], out ulong inode, out _))
        {
            Malformed++;
            return;
        }

        MapAccess flags = (access[0] == 'r' ? MapAccess.Read : 0) | (access[1] == 'w' ? MapAccess.Write : 0)
            | (access[2] == 'x' ? MapAccess.Execute : 0) | (access[3] == 's' ? MapAccess.Shared : 0);
        ReadOnlySpan<byte> path = line[f[4].End.GetOffset(line.Length)..].TrimStart((byte)' ');
        mappings.Add(new MemoryMapping(start, end, flags, offset, (uint)major, (uint)minor, inode, Keep(path)));
    }

    private byte[] Keep(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
        {
            return [];
        }

        if (mappings.Count > 0 && path.SequenceEqual(mappings[^1].Path))
        {
            return mappings[^1].Path;
        }

        pathBytes += path.Length;
        return pathBytes > MaxPathBytes ? PathNotKept : path.ToArray();
    }
}
