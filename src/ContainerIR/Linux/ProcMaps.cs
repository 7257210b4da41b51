using System.Buffers.Text;
using System.Globalization;

namespace ContainerIR.Linux;

/// <summary>A mapping that stands out.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address behind the last.</param>
/// <param name="Permissions">As in maps: <c>rwxp</c>.</param>
/// <param name="Device">Device as in maps.</param>
/// <param name="Inode">Inode; 0 for anonymous memory.</param>
/// <param name="Path">Path as the kernel writes it; empty for anonymous memory.</param>
internal sealed record ProcMapping(ulong Start, ulong End, string Permissions, string Device, ulong Inode, byte[] Path)
{
    /// <summary>Name in /proc/PID/map_files.</summary>
    public string FileName => string.Create(CultureInfo.InvariantCulture, $"{Start:x}-{End:x}");

    public bool IsExecutable => Permissions.Length > 2 && Permissions[2] == 'x';

    public bool IsWritableAndExecutable => IsExecutable && Permissions[1] == 'w';

    /// <summary>Whether the kernel's text says its file has no name any more.</summary>
    public bool SaysDeleted => Inode != 0 && Path.AsSpan().EndsWith(" (deleted)"u8);

    public bool SaysMemfd => Path.AsSpan().StartsWith("/memfd:"u8);
}

/// <summary>What /proc/PID/maps holds that an examiner asks for first. The whole text is kept beside it.</summary>
internal sealed class ProcMaps
{
    private const int MaxKept = 256;

    /// <summary>Number of mappings.</summary>
    public int Count { get; private set; }

    /// <summary>Sum of their sizes.</summary>
    public ulong VirtualBytes { get; private set; }

    /// <summary>Writable and executable at once.</summary>
    public List<ProcMapping> WritableExecutable { get; } = [];

    /// <summary>Executable and of no file (the vdso apart).</summary>
    public List<ProcMapping> AnonymousExecutable { get; } = [];

    /// <summary>The first mapping of each file without a name, memfds included.</summary>
    public List<ProcMapping> Deleted { get; } = [];

    /// <summary>Lines that were not of the form.</summary>
    public int Malformed { get; private set; }

    public static ProcMaps Parse(ReadOnlySpan<byte> text)
    {
        ProcMaps maps = new();
        HashSet<(string, ulong)> files = [];
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (line.IsEmpty)
            {
                continue;
            }

            if (ParseLine(line) is not { } mapping)
            {
                maps.Malformed++;
                continue;
            }

            maps.Count++;
            maps.VirtualBytes += mapping.End - mapping.Start;
            Keep(maps.WritableExecutable, mapping.IsWritableAndExecutable, mapping);
            Keep(maps.AnonymousExecutable, mapping.IsExecutable && mapping.Inode == 0 && mapping.Path is [] or [(byte)'[', (byte)'h' or (byte)'s', ..], mapping);
            Keep(maps.Deleted, (mapping.SaysDeleted || mapping.SaysMemfd) && files.Count < MaxKept && files.Add((mapping.Device, mapping.Inode)), mapping);
        }

        return maps;
    }

    private static void Keep(List<ProcMapping> list, bool isWanted, ProcMapping mapping)
    {
        if (isWanted && list.Count < MaxKept)
        {
            list.Add(mapping);
        }
    }

    // 7f1a2000-7f1a3000 r-xp 00001000 fd:01 1234   /path with spaces
    private static ProcMapping? ParseLine(ReadOnlySpan<byte> line)
    {
        Span<Range> f = stackalloc Range[5];
        if (ByteFields.Split(line, f) < 5)
        {
            return null;
        }

        ReadOnlySpan<byte> range = line[f[0]];
        int dash = range.IndexOf((byte)'-');
        if (dash < 0 || !ByteFields.TryHex(range[..dash], out ulong start) || !ByteFields.TryHex(range[(dash + 1)..], out ulong end) || end < start
            || line[f[1]].Length != 4 || !Utf8Parser.TryParse(line[f[4]], out ulong inode, out _))
        {
            return null;
        }

        return new ProcMapping(
            start, end, System.Text.Encoding.ASCII.GetString(line[f[1]]), System.Text.Encoding.ASCII.GetString(line[f[3]]), inode,
            line[f[4].End.GetOffset(line.Length)..].TrimStart((byte)' ').ToArray());
    }
}
