using System.Buffers.Binary;

namespace ContainerIR.Evidence.Items;

/// <summary>
/// The seek table of the Zstandard seekable format (contrib/seekable_format/zstd_seekable_compression_format.md, version 0.1.0): a skippable
/// frame at the end of the file that every decoder passes over. No checksums: the chunk list carries SHA-256.
/// </summary>
internal static class SeekTable
{
    public const uint SkippableMagic = 0x184D2A5E;
    public const uint FooterMagic = 0x8F92EAB1;
    public const int HeaderBytes = 8;
    public const int FooterBytes = 9;
    public const int EntryBytes = 8;

    /// <summary>The table of frames given by compressed and raw length.</summary>
    public static byte[] Write(IReadOnlyList<(int FrameBytes, int RawBytes)> frames)
    {
        byte[] table = new byte[HeaderBytes + (frames.Count * EntryBytes) + FooterBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(table, SkippableMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4), (uint)(table.Length - HeaderBytes));
        Span<byte> rest = table.AsSpan(HeaderBytes);
        foreach ((int frameBytes, int rawBytes) in frames)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, (uint)frameBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], (uint)rawBytes);
            rest = rest[EntryBytes..];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(rest, (uint)frames.Count);
        rest[4] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(rest[5..], FooterMagic);
        return table;
    }

    /// <summary>The frames a file's table tells; null where its end is no table, or one that cannot be of that file.</summary>
    public static IReadOnlyList<(int FrameBytes, int RawBytes)>? Read(Stream file)
    {
        byte[] footer = new byte[FooterBytes];
        if (file.Length < HeaderBytes + FooterBytes)
        {
            return null;
        }

        file.Position = file.Length - FooterBytes;
        file.ReadExactly(footer);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(footer);
        long entryBytes = count * (long)EntryBytes;
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer.AsSpan(5)) != FooterMagic || footer[4] != 0
            || entryBytes > file.Length - HeaderBytes - FooterBytes || entryBytes > int.MaxValue / 2)
        {
            return null;
        }

        byte[] entries = new byte[entryBytes];
        file.Position = file.Length - FooterBytes - entryBytes;
        file.ReadExactly(entries);
        List<(int FrameBytes, int RawBytes)> frames = [];
        for (int at = 0; at < entries.Length; at += EntryBytes)
        {
            uint frameBytes = BinaryPrimitives.ReadUInt32LittleEndian(entries.AsSpan(at));
            uint rawBytes = BinaryPrimitives.ReadUInt32LittleEndian(entries.AsSpan(at + 4));
            if (frameBytes is 0 or > 2 * FramePool.ChunkBytes || rawBytes is 0 or > FramePool.ChunkBytes)
            {
                return null;
            }

            frames.Add(((int)frameBytes, (int)rawBytes));
        }

        return frames;
    }
}
