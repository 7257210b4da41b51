using System.Buffers.Binary;
using System.Globalization;

namespace ContainerIR.Collectors.Journals;

/// <summary>Reads bytes at a place; fewer than asked for only at the end.</summary>
internal delegate int ReadAt(Span<byte> buffer, long offset);

/// <summary>
/// One file of the systemd journal, read by its published form (systemd.io, JOURNAL_FILE_FORMAT; src/libsystemd/sd-journal/journal-def.h): regular and compact
/// files, data plain or compressed. It needs no index of the file: objects stand one after the other, so one pass finds the data wanted, and the entries
/// that hold it hang on it. Nothing of it is trusted: every offset and size is checked, every chain is bounded.
/// </summary>
internal sealed class JournalFile
{
    private const int MinHeaderBytes = 208;
    private const int ObjectHeaderBytes = 16;
    private const int MaxFieldBytes = 16 * 1024 * 1024;
    private const int MaxFieldsOfEntry = 1024;
    private const int MaxEntryBytes = 64 * 1024 * 1024;
    private const int MaxStoredEntries = 8 * 1024 * 1024;
    private const int WindowBytes = 256 * 1024;
    private const uint IncompatibleCompact = 1 << 4;
    private const uint KnownIncompatible = 0x1f;
    private const byte DataObject = 1;
    private const byte EntryObject = 3;
    private const byte EntryArrayObject = 6;

    private readonly ReadAt read;
    private readonly byte[] window = new byte[WindowBytes];
    private readonly long size;
    private readonly long firstObject;
    private readonly bool isCompact;
    private readonly List<string> problems = [];
    private long windowAt = -1;
    private int windowBytes;

    private JournalFile(ReadAt read, long size, long firstObject, bool isCompact, byte state) =>
        (this.read, this.size, this.firstObject, this.isCompact, State) = (read, size, firstObject, isCompact, state);

    /// <summary>0 offline (closed in order), 1 online (being written, or its writer died), 2 archived.</summary>
    public byte State { get; }

    /// <summary>What of the file could not be read; at most some dozen.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Opens a file.</summary>
    /// <param name="read">Gives its bytes.</param>
    /// <param name="size">Its size.</param>
    /// <param name="whyNot">Why it is none we can read; empty when it is.</param>
    public static JournalFile? Open(ReadAt read, long size, out string whyNot)
    {
        Span<byte> header = stackalloc byte[MinHeaderBytes];
        if (size < MinHeaderBytes || read(header, 0) < MinHeaderBytes || !header.StartsWith("LPKSHHRH"u8))
        {
            whyNot = "it does not begin as a journal file";
            return null;
        }

        uint incompatible = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        if ((incompatible & ~KnownIncompatible) != 0)
        {
            whyNot = string.Create(CultureInfo.InvariantCulture, $"it is of a newer form (incompatible flags {incompatible:x})");
            return null;
        }

        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(header[88..]);
        if (headerBytes is < MinHeaderBytes or > 64 * 1024)
        {
            whyNot = "its header names an impossible size of itself";
            return null;
        }

        whyNot = "";
        return new JournalFile(read, size, (long)(headerBytes + 7) & ~7L, (incompatible & IncompatibleCompact) != 0, header[16]);
    }

    /// <summary>Every entry that holds one of the fields given (<c>NAME=value</c>, the exact bytes), in the order of the file.</summary>
    public IEnumerable<JournalEntry> EntriesWith(IReadOnlyList<byte[]> wanted, CancellationToken ct)
    {
        SortedSet<long> offsets = [];
        foreach (long at in FindData(wanted, ct))
        {
            AddEntriesOf(at, offsets);
        }

        foreach (long at in offsets)
        {
            ct.ThrowIfCancellationRequested();
            if (ReadEntry(at) is { } entry)
            {
                yield return entry;
            }
        }
    }

    private IEnumerable<long> FindData(IReadOnlyList<byte[]> wanted, CancellationToken ct)
    {
        int dataHeader = isCompact ? 72 : 64;
        long at = firstObject;
        while (at + ObjectHeaderBytes <= size)
        {
            ct.ThrowIfCancellationRequested();
            if (!TryHeader(at, out byte type, out byte flags, out long bytes))
            {
                // A file being written, or preallocated, ends in zeros.
                if (type != 0)
                {
                    Problem($"object at {at} has an impossible size: what follows was not read");
                }

                yield break;
            }

            if (type == DataObject && bytes > dataHeader && IsWanted(at + dataHeader, bytes - dataHeader, flags, wanted))
            {
                yield return at;
            }

            at += (bytes + 7) & ~7L;
        }
    }

    private bool IsWanted(long at, long bytes, byte flags, IReadOnlyList<byte[]> wanted)
    {
        if ((flags & JournalCompression.Mask) == 0)
        {
            foreach (byte[] field in wanted)
            {
                if (field.Length == bytes && Get(at, field.Length) is { Length: > 0 } content && content.SequenceEqual(field))
                {
                    return true;
                }
            }

            return false;
        }

        // Short fields are not compressed (journald: below 512 bytes by default, never below 8): only wanted ones that long can be.
        int longest = wanted.Max(field => field.Length);
        return longest >= 8 && bytes <= longest + 64 && ReadField(at, bytes, flags) is { } plain && wanted.Any(field => field.AsSpan().SequenceEqual(plain));
    }

    private void AddEntriesOf(long data, SortedSet<long> offsets)
    {
        Span<byte> header = stackalloc byte[64];
        if (Copy(header, data) < 64)
        {
            return;
        }

        Add(offsets, BinaryPrimitives.ReadInt64LittleEndian(header[40..]));
        long array = BinaryPrimitives.ReadInt64LittleEndian(header[48..]);
        HashSet<long> seen = [];
        int width = isCompact ? 4 : 8;
        while (array != 0)
        {
            if (!seen.Add(array) || !TryHeader(array, out byte type, out _, out long bytes) || type != EntryArrayObject || bytes < 24)
            {
                Problem($"list of entries at {array} is broken: entries may be missing");
                return;
            }

            for (long at = array + 24; at + width <= array + bytes; at += width)
            {
                ReadOnlySpan<byte> item = Get(at, width);
                if (item.Length < width)
                {
                    return;
                }

                long offset = isCompact ? BinaryPrimitives.ReadUInt32LittleEndian(item) : BinaryPrimitives.ReadInt64LittleEndian(item);
                if (offset == 0)
                {
                    break;
                }

                if (offsets.Count >= MaxStoredEntries)
                {
                    Problem($"more than {MaxStoredEntries} entries: the rest was not read");
                    return;
                }

                Add(offsets, offset);
            }

            ReadOnlySpan<byte> next = Get(array + 16, 8);
            array = next.Length < 8 ? 0 : BinaryPrimitives.ReadInt64LittleEndian(next);
        }
    }

    private void Add(SortedSet<long> offsets, long offset)
    {
        if (offset > 0 && offset < size)
        {
            offsets.Add(offset);
        }
    }

    private JournalEntry? ReadEntry(long at)
    {
        if (!TryHeader(at, out byte type, out _, out long bytes) || type != EntryObject || bytes < 64)
        {
            Problem($"entry at {at} is broken");
            return null;
        }

        Span<byte> header = stackalloc byte[64];
        if (Copy(header, at) < 64)
        {
            return null;
        }

        int width = isCompact ? 4 : 16;
        List<byte[]> fields = [];
        long total = 0;
        for (long item = at + 64; item + width <= at + bytes && fields.Count < MaxFieldsOfEntry && total < MaxEntryBytes; item += width)
        {
            ReadOnlySpan<byte> reference = Get(item, width);
            if (reference.Length < width)
            {
                break;
            }

            long data = isCompact ? BinaryPrimitives.ReadUInt32LittleEndian(reference) : BinaryPrimitives.ReadInt64LittleEndian(reference);
            if (ReadData(data) is { } field)
            {
                fields.Add(field);
                total += field.Length;
            }
        }

        return new JournalEntry
        {
            Sequence = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]),
            RealtimeUs = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]),
            MonotonicUs = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]),
            BootId = Convert.ToHexStringLower(header[40..56]),
            Fields = fields,
        };
    }

    private byte[]? ReadData(long at)
    {
        int dataHeader = isCompact ? 72 : 64;
        if (at <= 0 || !TryHeader(at, out byte type, out byte flags, out long bytes) || type != DataObject || bytes <= dataHeader)
        {
            Problem($"a field at {at} is broken: its entry is shown without it");
            return null;
        }

        return ReadField(at + dataHeader, bytes - dataHeader, flags);
    }

    private byte[]? ReadField(long at, long bytes, byte flags)
    {
        if (bytes > MaxFieldBytes)
        {
            Problem($"a field at {at} is larger than {MaxFieldBytes} bytes: left out");
            return null;
        }

        byte[] stored = new byte[bytes];
        if (Copy(stored, at) < stored.Length)
        {
            Problem($"a field at {at} is cut by the end of the file");
            return null;
        }

        byte[]? plain = JournalCompression.Expand(stored, flags, MaxFieldBytes);
        if (plain is null)
        {
            Problem($"a field at {at} cannot be decompressed");
        }

        return plain;
    }

    private bool TryHeader(long at, out byte type, out byte flags, out long bytes)
    {
        (type, flags, bytes) = (0, 0, 0);
        if (at < firstObject || at % 8 != 0 || at + ObjectHeaderBytes > size)
        {
            return false;
        }

        ReadOnlySpan<byte> header = Get(at, ObjectHeaderBytes);
        if (header.Length < ObjectHeaderBytes)
        {
            return false;
        }

        (type, flags, bytes) = (header[0], header[1], BinaryPrimitives.ReadInt64LittleEndian(header[8..]));
        return bytes >= ObjectHeaderBytes && bytes <= size - at;
    }

    /// <summary>A few bytes, through a window: the pass over all headers makes one read for many.</summary>
    private ReadOnlySpan<byte> Get(long at, int bytes)
    {
        if (at < windowAt || windowAt < 0 || at + bytes > windowAt + windowBytes)
        {
            windowAt = at;
            windowBytes = Fill(window, at);
        }

        int start = (int)(at - windowAt);
        return window.AsSpan(start, Math.Clamp(windowBytes - start, 0, bytes));
    }

    private int Copy(Span<byte> target, long at) => Fill(target, at);

    private int Fill(Span<byte> target, long at)
    {
        int filled = 0;
        while (filled < target.Length)
        {
            int count = read(target[filled..], at + filled);
            if (count <= 0)
            {
                break;
            }

            filled += count;
        }

        return filled;
    }

    private void Problem(string what)
    {
        if (problems.Count < 20)
        {
            problems.Add(what);
        }
    }
}
