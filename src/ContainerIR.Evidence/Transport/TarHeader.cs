using System.Globalization;
using System.Text;

namespace ContainerIR.Evidence.Transport;

/// <summary>A header of the transport tar: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header".</summary>
internal static class TarHeader
{
    public const int BlockBytes = 512;
    public const char File = '0';
    public const char Directory = '5';
    public const char Extended = 'x';

    private const int NameBytes = 100;
    private const int PrefixBytes = 155;
    private const long MaxOctalSize = 0x1_FFFF_FFFF; // eleven octal digits

    // One fixed instant makes the tar deterministic; 0 would make GNU tar warn of an implausible time. What happened when is in the journal.
    private const string FixedTime = "315532800"; // 1980-01-01T00:00:00Z

    /// <summary>The blocks that stand before the content of this entry.</summary>
    public static byte[] Write(string path, long sizeBytes, bool isDirectory)
    {
        string name = isDirectory ? path + "/" : path;
        bool fits = TrySplit(name, out string prefix, out string rest);
        if (fits && sizeBytes <= MaxOctalSize)
        {
            return Block(prefix, rest, sizeBytes, isDirectory ? Directory : File);
        }

        byte[] records = Encoding.ASCII.GetBytes((fits ? "" : Record("path", name)) + (sizeBytes <= MaxOctalSize ? "" : Record("size", sizeBytes.ToString(CultureInfo.InvariantCulture))));
        byte[] padded = new byte[PaddedBytes(records.Length)];
        records.CopyTo(padded, 0);
        string shortName = fits ? rest : name[..NameBytes].TrimEnd('/');
        return
        [
            .. Block("", "PaxHeaders/" + Path.GetFileName(path)[..Math.Min(80, Path.GetFileName(path).Length)], records.Length, Extended),
            .. padded,
            .. Block(fits ? prefix : "", shortName, Math.Min(sizeBytes, MaxOctalSize), isDirectory ? Directory : File),
        ];
    }

    public static long PaddedBytes(long sizeBytes) => (sizeBytes + BlockBytes - 1) / BlockBytes * BlockBytes;

    /// <summary>Reads one block; null for a block of zeros, which ends a tar.</summary>
    /// <exception cref="InvalidDataException">It is no ustar header.</exception>
    public static (string Path, long SizeBytes, char Type)? Read(ReadOnlySpan<byte> block)
    {
        if (!block.ContainsAnyExcept((byte)0))
        {
            return null;
        }

        long sum = 8 * ' ';
        for (int i = 0; i < BlockBytes; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : block[i];
        }

        if (!block[257..262].SequenceEqual("ustar"u8) || Octal(block[148..156]) != sum)
        {
            throw new InvalidDataException("a header of the tar is damaged, or it is no ustar");
        }

        string name = Field(block[..100]);
        string prefix = block[262] == 0 ? Field(block[345..500]) : "";
        return (prefix.Length == 0 ? name : $"{prefix}/{name}", Octal(block[124..136]), block[156] == 0 ? File : (char)block[156]);
    }

    /// <summary>Reads the records <c>path</c> and <c>size</c> of an extended header.</summary>
    /// <exception cref="InvalidDataException">It is malformed.</exception>
    public static (string? Path, long? SizeBytes) ReadRecords(ReadOnlySpan<byte> records)
    {
        string? path = null;
        long? size = null;
        while (!records.IsEmpty)
        {
            int space = records.IndexOf((byte)' ');
            if (space is < 1 or > 6 || !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length <= space + 2 || length > records.Length || records[length - 1] != '\n')
            {
                throw new InvalidDataException("an extended header of the tar is malformed");
            }

            ReadOnlySpan<byte> record = records[(space + 1)..(length - 1)];
            if (record.StartsWith("path="u8))
            {
                path = Encoding.Latin1.GetString(record[5..]);
            }
            else if (record.StartsWith("size="u8))
            {
                size = long.TryParse(record[5..], NumberStyles.None, CultureInfo.InvariantCulture, out long value)
                    ? value
                    : throw new InvalidDataException("an extended header of the tar has a size that is no number");
            }
            else if (record.StartsWith("GNU.sparse"u8) || record.StartsWith("linkpath="u8))
            {
                throw new InvalidDataException("the tar holds a sparse file or a link: no transport of a bundle does");
            }

            records = records[length..];
        }

        return (path, size);
    }

    private static bool TrySplit(string name, out string prefix, out string rest)
    {
        (prefix, rest) = ("", name);
        if (name.Length <= NameBytes)
        {
            return true;
        }

        int slash = name.IndexOf('/', name.Length - NameBytes - 1);
        if (slash < 1 || slash > PrefixBytes || slash == name.Length - 1)
        {
            return false;
        }

        (prefix, rest) = (name[..slash], name[(slash + 1)..]);
        return true;
    }

    // The length counts itself (POSIX.1-2017, pax Extended Header).
    private static string Record(string key, string value)
    {
        int length = key.Length + value.Length + 3;
        int total = length + 1;
        while (length + total.ToString(CultureInfo.InvariantCulture).Length != total)
        {
            total++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{total} {key}={value}\n");
    }

    private static byte[] Block(string prefix, string name, long sizeBytes, char type)
    {
        byte[] block = new byte[BlockBytes];
        Put(block, 0, name);
        Put(block, 100, type == Directory ? "0000700" : "0000600");
        Put(block, 108, "0000000");
        Put(block, 116, "0000000");
        Put(block, 124, Convert.ToString(sizeBytes, 8).PadLeft(11, '0'));
        Put(block, 136, Convert.ToString(long.Parse(FixedTime, CultureInfo.InvariantCulture), 8).PadLeft(11, '0'));
        block[156] = (byte)type;
        Put(block, 257, "ustar\0" + "00");
        Put(block, 345, prefix);
        block.AsSpan(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte b in block)
        {
            sum += b;
        }

        Put(block, 148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0");
        return block;
    }

    private static void Put(byte[] block, int at, string text) => Encoding.ASCII.GetBytes(text, block.AsSpan(at));

    private static string Field(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.Latin1.GetString(end < 0 ? field : field[..end]);
    }

    private static long Octal(ReadOnlySpan<byte> field)
    {
        long value = 0;
        ReadOnlySpan<byte> digits = field.Trim([(byte)' ', (byte)0]);
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                throw new InvalidDataException("a number in a header of the tar is not octal");
            }

            value = (value << 3) | (long)(digit - '0');
        }

        return digits.IsEmpty || digits.Length > 12 ? throw new InvalidDataException("a number in a header of the tar has no digits or too many") : value;
    }
}
