using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace ContainerIR.Exporters;

/// <summary>
/// Turns upper.tar, the writable layer as the overlay keeps it, into a layer of an image: deletions become members named <c>.wh.NAME</c>, opaque directories
/// get a <c>.wh..wh..opq</c>, the overlay's own attributes go (OCI image specification, layer.md, "Representing Changes"). All else passes byte for byte.
/// </summary>
internal sealed class OciLayerFilter(Stream input, Stream output)
{
    private const int BlockBytes = 512;
    private const int MaxRecordsBytes = 64 * 1024 * 1024;
    private const int MaxWhiteouts = 10_000_000;

    private readonly byte[] header = new byte[BlockBytes];
    private readonly byte[] buffer = new byte[1024 * 1024];

    // All deletion marks of a layer are names of one inode: the second and later ones are hard links to the first.
    private readonly HashSet<string> whiteouts = new(StringComparer.Ordinal);

    /// <summary>Deletions rendered.</summary>
    public long Deletions { get; private set; }

    /// <summary>Opaque directories rendered.</summary>
    public long OpaqueDirectories { get; private set; }

    /// <summary>Members whose redirect or missing content a layer cannot say.</summary>
    public long NotRepresentable { get; private set; }

    /// <summary>Does all of it.</summary>
    /// <exception cref="InvalidDataException">The input is no tar of ours.</exception>
    public void Run(CancellationToken ct)
    {
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            Fill(header);
            if (!header.AsSpan().ContainsAnyExcept((byte)0))
            {
                output.Write(new byte[2 * BlockBytes]);
                return;
            }

            byte[] records = [];
            if (header[156] == 'x')
            {
                long length = Octal(header.AsSpan(124, 12));
                records = length is >= 0 and <= MaxRecordsBytes ? new byte[length] : throw new InvalidDataException($"an extended header of {length} bytes");
                Fill(records);
                Skip(Padding(length));
                Fill(header);
            }

            Member(records);
        }
    }

    private void Member(byte[] raw)
    {
        List<(byte[] Key, byte[] Value)> records = Parse(raw);
        byte[] path = (Find(records, "GNU.sparse.name") ?? Find(records, "path") ?? Field(0, 100)).AsSpan().TrimEnd((byte)'/').ToArray();
        byte[] link = Find(records, "linkpath") ?? Field(157, 100);
        long size = Find(records, "size") is { } text && Utf8Parser.TryParse(text, out long large, out _) ? large : Octal(header.AsSpan(124, 12));
        byte type = header[156];
        bool isNullDevice = type == '3' && Octal(header.AsSpan(329, 8)) == 0 && Octal(header.AsSpan(337, 8)) == 0;
        bool isMarked = type == '0' && size == 0 && Mark(records, "whiteout") is not null;
        if (isNullDevice || isMarked || (type == '1' && whiteouts.Contains(Encoding.Latin1.GetString(link))))
        {
            if (whiteouts.Count < MaxWhiteouts)
            {
                whiteouts.Add(Encoding.Latin1.GetString(path));
            }

            Deletions++;
            WriteEmpty(Sibling(path, ".wh."u8));
            Skip(size + Padding(size));
            return;
        }

        NotRepresentable += Mark(records, "redirect") is not null || Mark(records, "metacopy") is not null ? 1 : 0;
        bool isOpaque = type == '5' && Mark(records, "opaque") is { } value && value.AsSpan().SequenceEqual("y"u8);
        if (records.RemoveAll(record => IsMark(record.Key)) > 0)
        {
            raw = Build(records);
        }

        if (raw.Length > 0)
        {
            WriteHeader("PaxHeaders/0"u8, (byte)'x', raw.Length);
            output.Write(raw);
            Pad(raw.Length);
        }

        output.Write(header);
        Copy(size + Padding(size));
        if (isOpaque)
        {
            OpaqueDirectories++;
            WriteEmpty(path.Length == 0 || path.AsSpan().SequenceEqual("."u8) ? ".wh..wh..opq"u8.ToArray() : [.. path, .. "/.wh..wh..opq"u8]);
        }
    }

    private static byte[] Sibling(byte[] path, ReadOnlySpan<byte> prefix)
    {
        int name = path.AsSpan().LastIndexOf((byte)'/') + 1;
        return [.. path.AsSpan(0, name), .. prefix, .. path.AsSpan(name)];
    }

    private static bool IsMark(byte[] key) => key.AsSpan().StartsWith("SCHILY.xattr.trusted.overlay."u8) || key.AsSpan().StartsWith("SCHILY.xattr.user.overlay."u8);

    private static byte[]? Mark(List<(byte[] Key, byte[] Value)> records, string mark) =>
        Find(records, "SCHILY.xattr.trusted.overlay." + mark) ?? Find(records, "SCHILY.xattr.user.overlay." + mark);

    private static byte[]? Find(List<(byte[] Key, byte[] Value)> records, string key)
    {
        byte[] wanted = Encoding.ASCII.GetBytes(key);
        int index = records.FindLastIndex(record => record.Key.AsSpan().SequenceEqual(wanted));
        return index < 0 ? null : records[index].Value;
    }

    // "<length> <key>=<value>\n", POSIX.1-2017 pax.
    private static List<(byte[] Key, byte[] Value)> Parse(ReadOnlySpan<byte> raw)
    {
        List<(byte[], byte[])> records = [];
        while (!raw.IsEmpty)
        {
            if (!Utf8Parser.TryParse(raw, out int length, out int digits) || length <= digits + 2 || length > raw.Length || raw[length - 1] != '\n')
            {
                throw new InvalidDataException("a broken record in an extended header");
            }

            ReadOnlySpan<byte> record = raw[(digits + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            records.Add(equals > 0 ? (record[..equals].ToArray(), record[(equals + 1)..].ToArray()) : throw new InvalidDataException("a broken record in an extended header"));
            raw = raw[length..];
        }

        return records;
    }

    private static byte[] Build(IEnumerable<(byte[] Key, byte[] Value)> records)
    {
        using MemoryStream raw = new();
        foreach ((byte[] key, byte[] value) in records)
        {
            int rest = key.Length + value.Length + 3;
            int length = rest + Digits(rest);
            length = rest + Digits(length);
            raw.Write(Encoding.ASCII.GetBytes(length.ToString(CultureInfo.InvariantCulture)));
            raw.Write(" "u8);
            raw.Write(key);
            raw.Write("="u8);
            raw.Write(value);
            raw.Write("\n"u8);
        }

        return raw.ToArray();

        static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;
    }

    private void WriteEmpty(byte[] path)
    {
        byte[] records = Build([("hdrcharset"u8.ToArray(), "BINARY"u8.ToArray()), ("path"u8.ToArray(), path)]);
        WriteHeader("PaxHeaders/0"u8, (byte)'x', records.Length);
        output.Write(records);
        Pad(records.Length);
        WriteHeader(path.AsSpan(0, Math.Min(path.Length, 100)), (byte)'0', 0);
    }

    private void WriteHeader(ReadOnlySpan<byte> name, byte type, long size)
    {
        Span<byte> block = stackalloc byte[BlockBytes];
        block.Clear();
        name.CopyTo(block);
        "0000600\0"u8.CopyTo(block[100..]);
        "0000000\0"u8.CopyTo(block[108..]);
        "0000000\0"u8.CopyTo(block[116..]);
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0'), block[124..]);
        "00000000000\0"u8.CopyTo(block[136..]);
        block.Slice(148, 8).Fill((byte)' ');
        block[156] = type;
        "ustar\000"u8.CopyTo(block[257..]);
        int sum = 0;
        foreach (byte each in block)
        {
            sum += each;
        }

        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0'), block[148..]);
        (block[154], block[155]) = (0, (byte)' ');
        output.Write(block);
    }

    private byte[] Field(int start, int length)
    {
        ReadOnlySpan<byte> field = header.AsSpan(start, length);
        int end = field.IndexOf((byte)0);
        return (end < 0 ? field : field[..end]).ToArray();
    }

    private static long Octal(ReadOnlySpan<byte> field)
    {
        long number = 0;
        foreach (byte digit in field.Trim(" \0"u8))
        {
            number = digit is >= (byte)'0' and <= (byte)'7' ? (number << 3) | (long)(digit - '0') : throw new InvalidDataException("a broken number in a header");
        }

        return number;
    }

    private static long Padding(long size) => (BlockBytes - (size % BlockBytes)) % BlockBytes;

    private void Pad(long size) => output.Write(new byte[Padding(size)]);

    private void Fill(Span<byte> room)
    {
        try
        {
            input.ReadExactly(room);
        }
        catch (EndOfStreamException failure)
        {
            throw new InvalidDataException("the tar ends before its end", failure);
        }
    }

    private void Skip(long count)
    {
        for (; count > 0; count -= Math.Min(count, buffer.Length))
        {
            Fill(buffer.AsSpan(0, (int)Math.Min(count, buffer.Length)));
        }
    }

    private void Copy(long count)
    {
        for (; count > 0; count -= Math.Min(count, buffer.Length))
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(count, buffer.Length));
            Fill(part);
            output.Write(part);
        }
    }
}
