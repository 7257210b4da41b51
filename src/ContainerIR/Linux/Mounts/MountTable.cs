using System.Text;

namespace ContainerIR.Linux.Mounts;

/// <summary>One line of mountinfo. Paths are bytes, the kernel's octal escapes undone.</summary>
/// <param name="Id">Mount id.</param>
/// <param name="ParentId">Id of the mount it sits on.</param>
/// <param name="Root">Path inside its file system that is mounted.</param>
/// <param name="MountPoint">Where, as seen from the process's root.</param>
/// <param name="FileSystem">Type, for example <c>overlay</c>.</param>
/// <param name="Source">What was mounted.</param>
/// <param name="SuperOptions">The file system's own options, split at commas, each with its escapes undone.</param>
internal sealed record MountRow(int Id, int ParentId, byte[] Root, byte[] MountPoint, string FileSystem, byte[] Source, IReadOnlyList<byte[]> SuperOptions);

/// <summary>The mounts a process sees: /proc/PID/mountinfo, proc_pid_mountinfo(5).</summary>
internal static class MountTable
{
    /// <summary>More than that is not read: a table of 100,000 mounts has about 20 MiB.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Reads the table of a process.</summary>
    /// <exception cref="IOException">The process is gone or its table cannot be read.</exception>
    public static IReadOnlyList<MountRow> Read(int pid) => Parse(ReadBytes(pid));

    /// <summary>Reads a table. Lines that are not of the documented form are left out.</summary>
    public static IReadOnlyList<MountRow> Parse(ReadOnlySpan<byte> table)
    {
        List<MountRow> rows = [];
        foreach (Range range in table.Split((byte)'\n'))
        {
            if (TryParseLine(table[range]) is { } row)
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    /// <summary>Undoes the escapes of seq_path and seq_show_option: backslash and three octal digits.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> text)
    {
        byte[] bytes = new byte[text.Length];
        int used = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && IsOctal(text[i + 1]) && IsOctal(text[i + 2]) && IsOctal(text[i + 3]))
            {
                bytes[used++] = (byte)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0'));
                i += 3;
            }
            else
            {
                bytes[used++] = text[i];
            }
        }

        return bytes[..used];
    }

    private static bool IsOctal(byte digit) => digit is >= (byte)'0' and <= (byte)'7';

    private static MountRow? TryParseLine(ReadOnlySpan<byte> line)
    {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue: the optional fields end with a single hyphen.
        int separator = line.IndexOf(" - "u8);
        if (separator < 0)
        {
            return null;
        }

        Span<Range> left = stackalloc Range[7];
        Span<Range> right = stackalloc Range[4];
        ReadOnlySpan<byte> head = line[..separator];
        ReadOnlySpan<byte> tail = line[(separator + 3)..];
        if (Split(head, left) < 6 || Split(tail, right) < 3
            || !int.TryParse(head[left[0]], out int id) || !int.TryParse(head[left[1]], out int parent))
        {
            return null;
        }

        List<byte[]> options = [];
        ReadOnlySpan<byte> all = tail[right[2]];
        foreach (Range option in all.Split((byte)','))
        {
            options.Add(Unescape(all[option]));
        }

        return new(id, parent, Unescape(head[left[3]]), Unescape(head[left[4]]), Encoding.Latin1.GetString(tail[right[0]]), Unescape(tail[right[1]]), options);
    }

    private static int Split(ReadOnlySpan<byte> text, Span<Range> fields)
    {
        int count = 0;
        foreach (Range range in text.Split((byte)' '))
        {
            if (count == fields.Length)
            {
                break;
            }

            fields[count++] = range;
        }

        return count;
    }

    private static byte[] ReadBytes(int pid)
    {
        // A path of our own making on procfs: the File API is safe here.
        using FileStream file = new($"/proc/{pid}/mountinfo", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        using MemoryStream content = new();
        byte[] buffer = new byte[64 * 1024];
        while (file.Read(buffer) is > 0 and int count)
        {
            content.Write(buffer.AsSpan(0, count));
            if (content.Length > MaxBytes)
            {
                throw new IOException($"/proc/{pid}/mountinfo has more than {MaxBytes} bytes");
            }
        }

        return content.ToArray();
    }
}
