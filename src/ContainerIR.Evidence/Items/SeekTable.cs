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
}
