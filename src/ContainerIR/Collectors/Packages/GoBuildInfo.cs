using System.Buffers.Binary;
using System.Text;

namespace ContainerIR.Collectors.Packages;

/// <summary>What the Go linker writes into programs: compiler version and modules (go.dev, package debug/buildinfo). Found by its section, or at the start of the writable data.</summary>
internal sealed record GoBuildInfo(string GoVersion, IReadOnlyList<(string Path, string Version)> Modules)
{
    private const int MaxSections = 4096;
    private const int SearchBytes = 1024 * 1024;
    private const int MaxTextBytes = 16 * 1024 * 1024;
    private const int InlineStrings = 2;

    // "\xff Go buildinf:" stands sixteen-aligned.
    private static ReadOnlySpan<byte> Magic => [0xff, (byte)' ', (byte)'G', (byte)'o', (byte)' ', (byte)'b', (byte)'u', (byte)'i', (byte)'l', (byte)'d', (byte)'i', (byte)'n', (byte)'f', (byte)':'];

    /// <summary>Reads it; null for what is no ELF program of Go (1.18 or later: older ones hold pointers instead of texts).</summary>
    public static GoBuildInfo? Read(Journals.ReadAt read, long size)
    {
        Span<byte> header = stackalloc byte[64];
        if (read(header, 0) < 64 || !header.StartsWith("\u007fELF"u8) || header[5] != 1 || header[4] is not (1 or 2))
        {
            return null;
        }

        bool is64 = header[4] == 2;
        if (FindSection(read, header, is64) is not { } place || place <= 0 || place >= size)
        {
            return null;
        }

        byte[] window = new byte[(int)Math.Min(SearchBytes, size - place)];
        int filled = Fill(read, window, place);
        for (int at = 0; at + 32 <= filled; at += 16)
        {
            if (window.AsSpan(at).StartsWith(Magic))
            {
                return (window[at + 15] & InlineStrings) != 0 ? Parse(read, place + at + 32) : null;
            }
        }

        return null;
    }

    private static long? FindSection(Journals.ReadAt read, ReadOnlySpan<byte> header, bool is64)
    {
        long sections = is64 ? BinaryPrimitives.ReadInt64LittleEndian(header[40..]) : BinaryPrimitives.ReadUInt32LittleEndian(header[32..]);
        int width = BinaryPrimitives.ReadUInt16LittleEndian(header[(is64 ? 58 : 46)..]), count = BinaryPrimitives.ReadUInt16LittleEndian(header[(is64 ? 60 : 48)..]),
            names = BinaryPrimitives.ReadUInt16LittleEndian(header[(is64 ? 62 : 50)..]);
        int expected = is64 ? 64 : 40;
        if (sections > 0 && width == expected && count is > 0 and < MaxSections && names < count)
        {
            byte[] table = new byte[width * count];
            if (Fill(read, table, sections) == table.Length)
            {
                (long namesAt, long namesBytes) = Place(table.AsSpan(names * width), is64);
                byte[] text = new byte[Math.Clamp(namesBytes, 0, 1024 * 1024)];
                int filled = namesAt > 0 ? Fill(read, text, namesAt) : 0;
                for (int i = 0; i < count; i++)
                {
                    ReadOnlySpan<byte> section = table.AsSpan(i * width, width);
                    int name = BinaryPrimitives.ReadInt32LittleEndian(section);
                    if (name >= 0 && name < filled && text.AsSpan(name, filled - name).StartsWith(".go.buildinfo\0"u8))
                    {
                        return Place(section, is64).At;
                    }
                }
            }
        }

        return FindWritable(read, header, is64);
    }

    private static (long At, long Bytes) Place(ReadOnlySpan<byte> section, bool is64) => is64
        ? (BinaryPrimitives.ReadInt64LittleEndian(section[24..]), BinaryPrimitives.ReadInt64LittleEndian(section[32..]))
        : (BinaryPrimitives.ReadUInt32LittleEndian(section[16..]), BinaryPrimitives.ReadUInt32LittleEndian(section[20..]));

    /// <summary>A stripped program has no sections; the linker puts it first in the writable segment.</summary>
    private static long? FindWritable(Journals.ReadAt read, ReadOnlySpan<byte> header, bool is64)
    {
        long segments = is64 ? BinaryPrimitives.ReadInt64LittleEndian(header[32..]) : BinaryPrimitives.ReadUInt32LittleEndian(header[28..]);
        int width = BinaryPrimitives.ReadUInt16LittleEndian(header[(is64 ? 54 : 42)..]), count = BinaryPrimitives.ReadUInt16LittleEndian(header[(is64 ? 56 : 44)..]);
        if (segments <= 0 || width != (is64 ? 56 : 32) || count is 0 or > 1024)
        {
            return null;
        }

        byte[] table = new byte[width * count];
        int filled = Fill(read, table, segments);
        for (int i = 0; (i + 1) * width <= filled; i++)
        {
            ReadOnlySpan<byte> segment = table.AsSpan(i * width, width);
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(segment[(is64 ? 4 : 24)..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(segment) == 1 && (flags & 3) == 2)
            {
                return is64 ? BinaryPrimitives.ReadInt64LittleEndian(segment[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(segment[4..]);
            }
        }

        return null;
    }

    private static GoBuildInfo? Parse(Journals.ReadAt read, long at)
    {
        if (ReadText(read, ref at) is not { } version || ReadText(read, ref at) is not { } modules)
        {
            return null;
        }

        // Sixteen bytes of a mark before and behind.
        string text = modules.Length >= 33 && modules[^17] == '\n' ? Encoding.UTF8.GetString(modules.AsSpan(16, modules.Length - 32)) : "";
        List<(string, string)> found = [];
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split('\t');
            if (words.Length >= 3 && words[0] is "mod" or "dep")
            {
                found.Add((words[1], words[2]));
            }
            else if (words.Length >= 3 && words[0] == "=>" && found.Count > 0)
            {
                found[^1] = (words[1], words[2]);
            }
        }

        return new(Encoding.UTF8.GetString(version), found);
    }

    private static byte[]? ReadText(Journals.ReadAt read, ref long at)
    {
        Span<byte> prefix = stackalloc byte[10];
        int filled = read(prefix, at);
        ulong length = 0;
        int used = 0;
        while (used < filled)
        {
            byte one = prefix[used];
            length |= (ulong)(one & 0x7f) << (7 * used++);
            if (one < 0x80)
            {
                if (length > MaxTextBytes)
                {
                    return null;
                }

                byte[] text = new byte[length];
                at += used;
                if (Fill(read, text, at) < text.Length)
                {
                    return null;
                }

                at += text.Length;
                return text;
            }
        }

        return null;
    }

    private static int Fill(Journals.ReadAt read, Span<byte> target, long at)
    {
        int filled = 0, count;
        while (filled < target.Length && (count = read(target[filled..], at + filled)) > 0)
        {
            filled += count;
        }

        return filled;
    }
}
