using System.Buffers.Binary;
using ContainerIR.Linux;

namespace ContainerIR.Runtimes.Stores;

/// <summary>A key of a bucket and what stands at it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">Its value; for a bucket within, what says where that begins.</param>
/// <param name="IsBucket">Whether it is a bucket within.</param>
internal readonly record struct BoltEntry(byte[] Key, ReadOnlyMemory<byte> Value, bool IsBucket);

/// <summary>
/// A bbolt database, read without its lock and without the program that writes it: pages are copied on write, so the newest meta page with a true checksum names
/// a state that was whole. Layout: go.etcd.io/bbolt, page.go, db.go (meta), bucket.go. All of it is little-endian here; the file may be hostile.
/// </summary>
internal sealed class BoltFile : IDisposable
{
    private const uint Magic = 0xED0CDAED;
    private const int PageHeaderBytes = 16;
    private const int MetaBytes = 64;
    private const int BucketHeaderBytes = 16;
    private const int ElementBytes = 16;
    private const ushort BranchPage = 1;
    private const ushort LeafPage = 2;
    private const int MaxPageBytes = 64 * 1024 * 1024;
    private const int MaxDepth = 32;
    private const int MaxPages = 1_000_000;

    private readonly HostFile file;
    private Meta meta;
    private int pagesRead;

    private BoltFile(HostFile file) => this.file = file;

    /// <summary>Opens it.</summary>
    /// <exception cref="HostFileException">It cannot be read.</exception>
    public static BoltFile Open(string path) => new(HostFile.Open(path));

    /// <summary>Reads one state of it. The reader is called again when the state was replaced meanwhile: what it read may then be of two states.</summary>
    /// <param name="read">Is given the entries of the root.</param>
    /// <exception cref="InvalidDataException">It is no bbolt database, is damaged, or is replaced faster than it can be read.</exception>
    public T Read<T>(Func<IEnumerable<BoltEntry>, T> read)
    {
        const int tries = 20;
        InvalidDataException? damage = null;
        for (int i = 0; i < tries; i++)
        {
            (meta, pagesRead, damage) = (NewestMeta(), 0, null);
            T? result = default;
            try
            {
                result = read(Page(meta.Root, 0));
            }
            catch (InvalidDataException failure)
            {
                damage = failure;
            }

            if (NewestMeta().Transaction == meta.Transaction)
            {
                return damage is null ? result! : throw damage;
            }
        }

        throw damage ?? new InvalidDataException($"it was written {tries} times while it was read");
    }

    /// <summary>What is in a bucket within.</summary>
    /// <param name="bucket">An entry that is one.</param>
    public IEnumerable<BoltEntry> Within(BoltEntry bucket)
    {
        if (!bucket.IsBucket || bucket.Value.Length < BucketHeaderBytes)
        {
            throw new InvalidDataException("a bucket has no header");
        }

        ulong root = BinaryPrimitives.ReadUInt64LittleEndian(bucket.Value.Span);
        return root == 0 ? Leaf(bucket.Value[BucketHeaderBytes..]) : Page(root, 0);
    }

    public void Dispose() => file.Dispose();

    private IEnumerable<BoltEntry> Page(ulong number, int depth)
    {
        if (depth > MaxDepth || ++pagesRead > MaxPages)
        {
            throw new InvalidDataException("its tree is deeper or larger than any that was written by bbolt");
        }

        ReadOnlyMemory<byte> page = ReadPage(number);
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(page.Span[8..]);
        return flags switch
        {
            LeafPage => Leaf(page),
            BranchPage => Children(page).SelectMany(child => Page(child, depth + 1)),
            _ => throw new InvalidDataException($"page {number} is neither leaf nor branch"),
        };
    }

    private static IEnumerable<ulong> Children(ReadOnlyMemory<byte> page)
    {
        int count = BinaryPrimitives.ReadUInt16LittleEndian(page.Span[10..]);
        for (int i = 0; i < count; i++)
        {
            yield return BinaryPrimitives.ReadUInt64LittleEndian(Slice(page, PageHeaderBytes + (i * ElementBytes), ElementBytes).Span[8..]);
        }
    }

    private static IEnumerable<BoltEntry> Leaf(ReadOnlyMemory<byte> page)
    {
        if (page.Length < PageHeaderBytes || BinaryPrimitives.ReadUInt16LittleEndian(page.Span[8..]) != LeafPage)
        {
            throw new InvalidDataException("a leaf page is none");
        }

        int count = BinaryPrimitives.ReadUInt16LittleEndian(page.Span[10..]);
        for (int i = 0; i < count; i++)
        {
            int at = PageHeaderBytes + (i * ElementBytes);
            ReadOnlyMemory<byte> element = Slice(page, at, ElementBytes);
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(element.Span);
            uint position = BinaryPrimitives.ReadUInt32LittleEndian(element.Span[4..]);
            uint keyBytes = BinaryPrimitives.ReadUInt32LittleEndian(element.Span[8..]);
            uint valueBytes = BinaryPrimitives.ReadUInt32LittleEndian(element.Span[12..]);
            ReadOnlyMemory<byte> key = Slice(page, at + (long)position, keyBytes);
            yield return new(key.ToArray(), Slice(page, at + (long)position + keyBytes, valueBytes), (flags & 1) != 0);
        }
    }

    private static ReadOnlyMemory<byte> Slice(ReadOnlyMemory<byte> page, long start, long length) =>
        start + length <= page.Length ? page.Slice((int)start, (int)length) : throw new InvalidDataException("an element lies outside of its page");

    private byte[] ReadPage(ulong number)
    {
        if (number >= meta.Pages)
        {
            throw new InvalidDataException($"page {number} lies behind the last");
        }

        byte[] header = ReadExactly((long)number * meta.PageBytes, PageHeaderBytes);
        long bytes = (BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12)) + 1L) * meta.PageBytes;
        return BinaryPrimitives.ReadUInt64LittleEndian(header) != number || bytes > MaxPageBytes
            ? throw new InvalidDataException($"page {number} does not say that it is that page, or is larger than {MaxPageBytes} bytes")
            : ReadExactly((long)number * meta.PageBytes, (int)bytes);
    }

    private Meta NewestMeta()
    {
        // The first page says how large pages are; where it is torn, the second is sought at every size bbolt has on any system.
        Meta? newest = MetaAt(0);
        foreach (int size in newest is { } first ? [first.PageBytes] : (int[])[4096, 8192, 16384, 32768, 65536])
        {
            if (MetaAt(size) is { } second && second.PageBytes == size && (newest is null || second.Transaction > newest.Value.Transaction))
            {
                newest = second;
            }
        }

        return newest ?? throw new InvalidDataException("it has no meta page with a true checksum: it is no bbolt database, or is damaged");
    }

    private Meta? MetaAt(long offset)
    {
        byte[] page = new byte[PageHeaderBytes + MetaBytes];
        if (ReadUpTo(page, offset) < page.Length)
        {
            return null;
        }

        ReadOnlySpan<byte> meta = page.AsSpan(PageHeaderBytes);
        ulong checksum = 14695981039346656037; // FNV-1a, 64 bits, over what stands before it
        foreach (byte one in meta[..56])
        {
            checksum = (checksum ^ one) * 1099511628211;
        }

        uint pageBytes = BinaryPrimitives.ReadUInt32LittleEndian(meta[8..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(meta) == Magic && BinaryPrimitives.ReadUInt32LittleEndian(meta[4..]) == 2
            && BinaryPrimitives.ReadUInt64LittleEndian(meta[56..]) == checksum && pageBytes is >= 1024 and <= 65536
            ? new((int)pageBytes, BinaryPrimitives.ReadUInt64LittleEndian(meta[16..]), BinaryPrimitives.ReadUInt64LittleEndian(meta[40..]), BinaryPrimitives.ReadUInt64LittleEndian(meta[48..]))
            : null;
    }

    private byte[] ReadExactly(long offset, int count)
    {
        byte[] bytes = new byte[count];
        return ReadUpTo(bytes, offset) == count ? bytes : throw new InvalidDataException($"it ends within {count} bytes at offset {offset}");
    }

    private int ReadUpTo(byte[] buffer, long offset)
    {
        int filled = 0;
        while (filled < buffer.Length && file.ReadAt(buffer.AsSpan(filled), offset + filled) is > 0 and var count)
        {
            filled += count;
        }

        return filled;
    }

    private readonly record struct Meta(int PageBytes, ulong Root, ulong Pages, ulong Transaction);
}
