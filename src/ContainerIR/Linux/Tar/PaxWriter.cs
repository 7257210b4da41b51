using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Tar;

/// <summary>
/// Writes a tar archive in the pax interchange format (POSIX.1-2017, pax, "EXTENDED DESCRIPTION") that loses nothing GNU tar can restore: names as
/// bytes, times to the nanosecond and of any sign, 32-bit owners, extended attributes (SCHILY.xattr), sparse files (GNU.sparse 1.0), files of any size.
/// </summary>
/// <remarks>
/// A member is <see cref="WriteHeader"/>, then exactly the announced bytes through <see cref="GetSpan"/> and <see cref="Advance"/>, then
/// <see cref="EndMember"/>. The 1 MiB buffer is handed to the output whole, so the output sees few and large writes.
/// </remarks>
internal sealed class PaxWriter(Stream output)
{
    public const int BlockBytes = 512;

    private const int BufferBytes = 1024 * 1024;
    private const long MaxOctal11 = 0x1FFFFFFFF; // 077777777777
    private const uint MaxOctal7 = 0x1FFFFF; // 07777777

    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
    private byte[] records = new byte[16 * 1024];
    private int recordBytes;
    private int used;
    private long flushed;
    private long left;

    /// <summary>Bytes of archive written so far.</summary>
    public long Offset => flushed + used;

    /// <summary>Content bytes the member still lacks.</summary>
    public long Left => left;

    /// <summary>Begins a member.</summary>
    public void WriteHeader(in PaxEntry entry)
    {
        if (left != 0)
        {
            throw new InvalidOperationException($"The member before lacks {left} bytes.");
        }

        long mapBytes = entry.Sparse is null ? 0 : SparseMapBytes(entry.Sparse, entry.SizeBytes);
        long storedBytes = entry.Type != PaxEntry.File ? 0 : entry.Sparse is null ? entry.SizeBytes : mapBytes + entry.Sparse.DataBytes;
        BuildRecords(entry, storedBytes);
        WriteBlock("PaxHeaders/0"u8, default, (byte)'x', recordBytes, default, 0x1A4, 0, 0, 0, 0);
        WriteAll(records.AsSpan(0, recordBytes));
        Pad();

        // A sparse member's own name is only seen by a reader that does not know the format; its real one is GNU.sparse.name.
        bool isDirectory = entry.Type == PaxEntry.Directory;
        Span<byte> name = stackalloc byte[100];
        int nameLength = entry.Sparse is null ? ShortName(entry.Path, isDirectory, name) : Copy("GNUSparseFile.0/0"u8, name);
        bool isDevice = entry.Type is PaxEntry.CharacterDevice or PaxEntry.BlockDevice;
        WriteBlock(
            name[..nameLength],
            entry.LinkTarget.Length > 100 ? entry.LinkTarget[..100] : entry.LinkTarget,
            entry.Type,
            storedBytes,
            UnixTime.From(entry.Stat.stx_mtime),
            (uint)entry.Stat.stx_mode & 0xFFF,
            entry.Stat.stx_uid,
            entry.Stat.stx_gid,
            isDevice ? entry.Stat.stx_rdev_major : 0,
            isDevice ? entry.Stat.stx_rdev_minor : 0);
        left = storedBytes;
        if (entry.Sparse is not null)
        {
            WriteSparseMap(entry.Sparse, entry.SizeBytes, mapBytes);
        }
    }

    /// <summary>Room for content: at least 64 KiB, or all the member lacks when that is less.</summary>
    public Span<byte> GetSpan()
    {
        if (buffer.Length - used < Math.Min(left, 64 * 1024))
        {
            Flush();
        }

        return buffer.AsSpan(used, (int)Math.Min(left, buffer.Length - used));
    }

    /// <summary>Takes so many bytes of the room as written.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, left);
        used += count;
        left -= count;
    }

    /// <summary>Ends the member: what it still lacks becomes zeros, so that the archive stays valid.</summary>
    /// <returns>How many zeros were put in.</returns>
    public long EndMember()
    {
        long missing = left;
        while (left > 0)
        {
            Span<byte> room = GetSpan();
            room.Clear();
            Advance(room.Length);
        }

        Pad();
        return missing;
    }

    /// <summary>Ends the archive and hands the last bytes to the output.</summary>
    public void Complete()
    {
        Ensure(2 * BlockBytes);
        buffer.AsSpan(used, 2 * BlockBytes).Clear();
        used += 2 * BlockBytes;
        Flush();
    }

    /// <summary>Hands what is buffered to the output.</summary>
    public void Flush()
    {
        if (used > 0)
        {
            output.Write(buffer.AsSpan(0, used));
            flushed += used;
            used = 0;
        }
    }

    private static int ShortName(ReadOnlySpan<byte> path, bool isDirectory, Span<byte> name)
    {
        int length = path.IsEmpty ? Copy("."u8, name) : Copy(path.Length > 100 ? path[..100] : path, name);
        if (isDirectory && length < 100)
        {
            name[length++] = (byte)'/';
        }

        return length;
    }

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        from.CopyTo(to);
        return from.Length;
    }

    private static void Octal(Span<byte> field, ulong value)
    {
        for (int i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
    }

    private static int Digits(long value)
    {
        int digits = 1;
        for (; value >= 10; value /= 10)
        {
            digits++;
        }

        return digits;
    }

    /// <summary>GNU tar manual, "PAX Format, Version 1.0": the number of stretches, then offset and length of each, one decimal number a line, in whole blocks.</summary>
    private static long SparseMapBytes(SparseMap map, long sizeBytes)
    {
        bool endsInHole = EndsInHole(map, sizeBytes);
        long bytes = Digits(map.Count + (endsInHole ? 1 : 0)) + 1;
        foreach ((long start, long length) in map.Extents)
        {
            bytes += Digits(start) + Digits(length) + 2;
        }

        bytes += endsInHole ? Digits(sizeBytes) + 3 : 0;
        return (bytes + BlockBytes - 1) / BlockBytes * BlockBytes;
    }

    private static bool EndsInHole(SparseMap map, long sizeBytes) =>
        map.Count == 0 || map.Extents[^1].Start + map.Extents[^1].Length < sizeBytes;

    private void WriteSparseMap(SparseMap map, long sizeBytes, long mapBytes)
    {
        long end = left - mapBytes;
        bool endsInHole = EndsInHole(map, sizeBytes);
        WriteNumberLine(map.Count + (endsInHole ? 1 : 0));
        foreach ((long start, long length) in map.Extents)
        {
            WriteNumberLine(start);
            WriteNumberLine(length);
        }

        if (endsInHole)
        {
            WriteNumberLine(sizeBytes);
            WriteNumberLine(0);
        }

        while (left > end)
        {
            Span<byte> room = GetSpan();
            int count = (int)Math.Min(room.Length, left - end);
            room[..count].Clear();
            Advance(count);
        }
    }

    private void WriteNumberLine(long number)
    {
        Span<byte> room = GetSpan();
        Utf8Formatter.TryFormat(number, room, out int count);
        room[count] = (byte)'\n';
        Advance(count + 1);
    }

    private void BuildRecords(in PaxEntry entry, long storedBytes)
    {
        recordBytes = 0;
        bool longPath = entry.Path.Length + (entry.Type == PaxEntry.Directory ? 1 : 0) > 100;
        bool needsPath = entry.Sparse is null && (longPath || !Ascii.IsValid(entry.Path));
        bool needsLink = entry.LinkTarget.Length > 100 || !Ascii.IsValid(entry.LinkTarget);

        // Records are UTF-8 unless this one, first, says otherwise.
        if (!Utf8.IsValid(entry.Path) || !Utf8.IsValid(entry.LinkTarget))
        {
            Record("hdrcharset"u8, "BINARY"u8);
        }

        if (needsPath)
        {
            Record("path"u8, default, entry.Path, entry.Type == PaxEntry.Directory ? "/"u8 : default);
        }

        if (needsLink)
        {
            Record("linkpath"u8, entry.LinkTarget);
        }

        if (entry.Sparse is not null)
        {
            Record("GNU.sparse.major"u8, "1"u8);
            Record("GNU.sparse.minor"u8, "0"u8);
            Record("GNU.sparse.name"u8, entry.Path);
            Record("GNU.sparse.realsize"u8, entry.SizeBytes);
        }

        if (storedBytes > MaxOctal11)
        {
            Record("size"u8, storedBytes);
        }

        if (entry.Stat.stx_uid > MaxOctal7)
        {
            Record("uid"u8, entry.Stat.stx_uid);
        }

        if (entry.Stat.stx_gid > MaxOctal7)
        {
            Record("gid"u8, entry.Stat.stx_gid);
        }

        Record("mtime"u8, UnixTime.From(entry.Stat.stx_mtime));
        Record("atime"u8, UnixTime.From(entry.Stat.stx_atime));
        Record("ctime"u8, UnixTime.From(entry.Stat.stx_ctime));
        for (int i = 0; i < (entry.Xattrs?.Count ?? 0); i++)
        {
            XattrRecord(entry.Xattrs!.Name(i), entry.Xattrs.Value(i));
        }
    }

    private void XattrRecord(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // GNU tar (src/xheader.c, xattr_encode_keyword) writes '%' and '=' of a name as %25 and %3D: '=' ends the key.
        Span<byte> key = stackalloc byte[name.Length * 3];
        int length = 0;
        foreach (byte letter in name)
        {
            if (letter is (byte)'%' or (byte)'=')
            {
                (letter == '%' ? "%25"u8 : "%3D"u8).CopyTo(key[length..]);
                length += 3;
            }
            else
            {
                key[length++] = letter;
            }
        }

        Record("SCHILY.xattr."u8, key[..length], value, default);
    }

    private void Record(ReadOnlySpan<byte> key, long value)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, text, out int length);
        Record(key, text[..length]);
    }

    private void Record(ReadOnlySpan<byte> key, UnixTime value)
    {
        Span<byte> text = stackalloc byte[UnixTime.MaxTextBytes];
        Record(key, text[..value.Format(text)]);
    }

    private void Record(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Record(key, default, value, default);

    private void Record(ReadOnlySpan<byte> key, ReadOnlySpan<byte> keyEnd, ReadOnlySpan<byte> value, ReadOnlySpan<byte> valueEnd)
    {
        // "<length> <key>=<value>\n", the length counting itself.
        int rest = key.Length + keyEnd.Length + value.Length + valueEnd.Length + 3;
        int total = rest + Digits(rest);
        total = rest + Digits(total);
        if (recordBytes + total > records.Length)
        {
            Array.Resize(ref records, Math.Max(records.Length * 2, recordBytes + total));
        }

        Span<byte> room = records.AsSpan(recordBytes, total);
        Utf8Formatter.TryFormat(total, room, out int at);
        room[at++] = (byte)' ';
        at += Copy(key, room[at..]);
        at += Copy(keyEnd, room[at..]);
        room[at++] = (byte)'=';
        at += Copy(value, room[at..]);
        at += Copy(valueEnd, room[at..]);
        room[at] = (byte)'\n';
        recordBytes += total;
    }

    private void WriteBlock(
        ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, byte type, long size, UnixTime mtime, uint mode, uint uid, uint gid, uint major, uint minor)
    {
        // struct posix_header, POSIX.1-2017, pax, "ustar Interchange Format". What does not fit a field stands in a record before it.
        Ensure(BlockBytes);
        Span<byte> block = buffer.AsSpan(used, BlockBytes);
        block.Clear();
        name.CopyTo(block);
        Octal(block.Slice(100, 8), mode);
        Octal(block.Slice(108, 8), Math.Min(uid, MaxOctal7));
        Octal(block.Slice(116, 8), Math.Min(gid, MaxOctal7));
        Octal(block.Slice(124, 12), (ulong)(size > MaxOctal11 ? 0 : size));
        Octal(block.Slice(136, 12), mtime.Seconds is >= 0 and <= MaxOctal11 ? (ulong)mtime.Seconds : 0);
        block.Slice(148, 8).Fill((byte)' ');
        block[156] = type;
        link.CopyTo(block[157..]);
        "ustar\000"u8.CopyTo(block[257..]);
        Octal(block.Slice(329, 8), major);
        Octal(block.Slice(337, 8), minor);
        uint sum = 0;
        foreach (byte value in block)
        {
            sum += value;
        }

        Octal(block.Slice(148, 7), sum);
        block[154] = 0;
        used += BlockBytes;
    }

    private void WriteAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Ensure(1);
            int count = Math.Min(bytes.Length, buffer.Length - used);
            bytes[..count].CopyTo(buffer.AsSpan(used));
            used += count;
            bytes = bytes[count..];
        }
    }

    private void Pad()
    {
        int pad = (int)(-Offset & (BlockBytes - 1));
        Ensure(pad);
        buffer.AsSpan(used, pad).Clear();
        used += pad;
    }

    private void Ensure(int count)
    {
        if (buffer.Length - used < count)
        {
            Flush();
        }
    }
}
