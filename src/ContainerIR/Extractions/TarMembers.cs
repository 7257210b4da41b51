using System.Buffers.Text;
using System.Text;

namespace ContainerIR.Extractions;

/// <summary>
/// Reads a tar forward, member by member, and trusts none of it: pax (POSIX.1-2017), GNU long names, GNU.sparse 1.0, ustar. It never touches a file system.
/// Names stay bytes.
/// </summary>
internal sealed class TarMembers(Stream archive)
{
    public const int MaxNameBytes = 64 * 1024;

    private const int BlockBytes = 512;
    private const int MaxRecordsBytes = 1024 * 1024; // 64 KiB for each of a few attributes, xattr(7)
    private const long MaxMembers = 10_000_000;

    private readonly byte[] block = new byte[BlockBytes];
    private readonly byte[] waste = new byte[64 * 1024];
    private long padding;
    private long members;

    /// <summary>Content bytes of the current member not read yet.</summary>
    public long Left { get; private set; }

    /// <summary>The next member; null at the end of the archive.</summary>
    /// <exception cref="FormatException">It is no tar, or is cut.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public TarMember? Next()
    {
        Dictionary<string, byte[]> records = new(StringComparer.Ordinal);
        byte[]? longName = null, longLink = null;
        while (true)
        {
            Skip(Left + padding);
            (Left, padding) = (0, 0);
            if (archive.ReadAtLeast(block, BlockBytes, throwOnEndOfStream: false) is var count && count < BlockBytes)
            {
                return count == 0 ? throw new FormatException("the tar ends without its end mark") : throw Cut();
            }

            if (!block.AsSpan().ContainsAnyExcept((byte)0))
            {
                return null;
            }

            if (++members > MaxMembers)
            {
                throw new FormatException($"the tar has more than {MaxMembers} members");
            }

            CheckSum();
            char type = (char)block[156];
            long size = Number(block.AsSpan(124, 12));
            switch (type)
            {
                case 'x' or 'g' or 'X':
                    byte[] text = Small(size, MaxRecordsBytes);
                    if (type != 'g') // global records name no member
                    {
                        ReadRecords(text, records);
                    }

                    continue;
                case 'L':
                    longName = Small(size, MaxNameBytes);
                    continue;
                case 'K':
                    longLink = Small(size, MaxNameBytes);
                    continue;
            }

            return Member(type, size, records, longName, longLink);
        }
    }

    /// <summary>Reads on in the content of the member; 0 at its end.</summary>
    public int Read(Span<byte> buffer)
    {
        if (Left == 0 || buffer.IsEmpty)
        {
            return 0;
        }

        int count = archive.Read(buffer[..(int)Math.Min(buffer.Length, Left)]);
        Left -= count;
        return count > 0 ? count : throw Cut();
    }

    /// <summary>The stretches of a sparse member (GNU tar manual, "PAX Format, Version 1.0"): they stand before the content, one decimal number a line.</summary>
    public IReadOnlyList<(long Start, long Length)> ReadSparseMap(long realSize)
    {
        long mapBytes = 0;
        byte[] text = [];
        int at = 0;
        long count = NextNumber();
        if (count < 0 || count > 4_000_000)
        {
            throw new FormatException("the map of a sparse file is not one");
        }

        List<(long Start, long Length)> map = [];
        long end = 0, total = 0;
        for (long i = 0; i < count; i++)
        {
            long start = NextNumber(), length = NextNumber();
            if (start < end || length > realSize - start)
            {
                throw new FormatException("the map of a sparse file goes back or beyond its end");
            }

            end = start + length;
            total += length;
            map.Add((start, length));
        }

        return total == Left ? map : throw new FormatException("the map of a sparse file does not fit its content");

        long NextNumber()
        {
            long number = 0;
            for (int digits = 0; digits <= 19; digits++)
            {
                if (at == text.Length)
                {
                    if (Left < BlockBytes || (mapBytes += BlockBytes) > 128L * 1024 * 1024)
                    {
                        throw new FormatException("the map of a sparse file is cut");
                    }

                    text = new byte[BlockBytes];
                    for (int filled = 0; filled < BlockBytes;)
                    {
                        filled += Read(text.AsSpan(filled));
                    }

                    at = 0;
                }

                byte letter = text[at++];
                if (letter == '\n' && digits > 0)
                {
                    return number;
                }

                if (letter is < (byte)'0' or > (byte)'9' || number > (long.MaxValue - 9) / 10)
                {
                    break;
                }

                number = (number * 10) + (letter - '0');
            }

            throw new FormatException("the map of a sparse file is not one");
        }
    }

    private TarMember Member(char type, long size, Dictionary<string, byte[]> records, byte[]? longName, byte[]? longLink)
    {
        bool isSparse = records.TryGetValue("GNU.sparse.major", out byte[]? major) && major.AsSpan().SequenceEqual("1"u8);
        byte[] name = records.GetValueOrDefault("GNU.sparse.name") ?? records.GetValueOrDefault("path") ?? longName ?? HeaderName();
        byte[] link = records.GetValueOrDefault("linkpath") ?? longLink ?? Terminated(block.AsSpan(157, 100));
        long stored = records.TryGetValue("size", out byte[]? sizeText) ? Decimal(sizeText) : size;

        // Go's archive/tar and GNU tar agree: a header of these types has no content, whatever its size field says.
        bool isFile = type is '0' or '\0' or '7';
        Left = isFile || type is 'S' ? stored : 0;
        if (type is not (>= '1' and <= '6') && !isFile && type != 'S')
        {
            Left = stored;
        }

        padding = -Left & (BlockBytes - 1);
        long real = isSparse && records.TryGetValue("GNU.sparse.realsize", out byte[]? realText) ? Decimal(realText) : Left;
        return new TarMember(members, name, link, isFile ? TarMemberKind.File : KindOf(type), real, isSparse && isFile);
    }

    private static TarMemberKind KindOf(char type) => type switch
    {
        '1' => TarMemberKind.HardLink,
        '2' => TarMemberKind.SymbolicLink,
        '5' => TarMemberKind.Directory,
        _ => TarMemberKind.Other,
    };

    private byte[] HeaderName()
    {
        byte[] name = Terminated(block.AsSpan(0, 100));
        bool isPosix = block.AsSpan(257, 6).SequenceEqual("ustar\0"u8);
        byte[] prefix = isPosix ? Terminated(block.AsSpan(345, 155)) : [];
        return prefix.Length > 0 ? [.. prefix, (byte)'/', .. name] : name;
    }

    private static byte[] Terminated(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return (end < 0 ? field : field[..end]).ToArray();
    }

    private byte[] Small(long size, int limit)
    {
        if (size > limit)
        {
            throw new FormatException($"an extended header of the tar has {size} bytes");
        }

        byte[] content = new byte[size];
        if (archive.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
        {
            throw Cut();
        }

        padding = -size & (BlockBytes - 1);
        return block[156] is (byte)'L' or (byte)'K' ? Terminated(content) : content;
    }

    /// <summary>"LENGTH KEY=VALUE\n", the length counting itself; values are bytes and may hold anything.</summary>
    private static void ReadRecords(ReadOnlySpan<byte> text, Dictionary<string, byte[]> records)
    {
        while (!text.IsEmpty)
        {
            int blank = text.IndexOf((byte)' ');
            if (blank is < 1 or > 7 || !Utf8Parser.TryParse(text[..blank], out int length, out int used) || used != blank || length <= blank + 2 || length > text.Length || text[length - 1] != '\n')
            {
                throw new FormatException("an extended header of the tar is malformed");
            }

            ReadOnlySpan<byte> record = text[(blank + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals < 1)
            {
                throw new FormatException("an extended header of the tar is malformed");
            }

            if (record[equals..].Length <= MaxNameBytes)
            {
                records[Encoding.Latin1.GetString(record[..equals])] = record[(equals + 1)..].ToArray();
            }

            text = text[length..];
        }
    }

    private void CheckSum()
    {
        long expected = Number(block.AsSpan(148, 8)), sum = 0;
        for (int i = 0; i < BlockBytes; i++)
        {
            sum += i is >= 148 and < 156 ? ' ' : block[i];
        }

        if (sum != expected)
        {
            throw new FormatException("a header of the tar has a wrong checksum");
        }
    }

    /// <summary>Octal; or, first bit set, big-endian binary (GNU).</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        long number = 0;
        if ((field[0] & 0x80) != 0)
        {
            for (int i = field.Length - 8; i < field.Length; i++)
            {
                number = (number << 8) | field[i];
            }

            return number >= 0 ? number : throw new FormatException("a header of the tar has a negative size");
        }

        foreach (byte letter in field.Trim((ReadOnlySpan<byte>)[(byte)' ', 0]))
        {
            number = letter is >= (byte)'0' and <= (byte)'7' ? (number << 3) | (long)(letter - '0') : throw new FormatException("a header of the tar has a number that is none");
        }

        return number;
    }

    private static long Decimal(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long number, out int used) && used == text.Length && number >= 0 ? number : throw new FormatException("an extended header of the tar has a number that is none");

    private void Skip(long count)
    {
        while (count > 0)
        {
            int read = archive.Read(waste.AsSpan(0, (int)Math.Min(waste.Length, count)));
            count -= read > 0 ? read : throw Cut();
        }
    }

    private static FormatException Cut() => new("the tar is cut: it ends in the middle of a member");
}

/// <summary>What a member of a tar is.</summary>
internal enum TarMemberKind
{
    File,
    Directory,
    HardLink,
    SymbolicLink,
    Other,
}

/// <summary>A member of a tar.</summary>
/// <param name="Number">Place in the archive, headers counted.</param>
/// <param name="Name">Its name, bytes as they stand.</param>
/// <param name="Link">Where it points, for links.</param>
/// <param name="Kind">What it is.</param>
/// <param name="SizeBytes">Size of the file it holds, holes included.</param>
/// <param name="IsSparse">Whether a map of stretches comes before the content.</param>
internal sealed record TarMember(long Number, byte[] Name, byte[] Link, TarMemberKind Kind, long SizeBytes, bool IsSparse);
