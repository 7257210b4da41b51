using System.Buffers.Binary;

namespace ContainerIR.Evidence.Items;

/// <summary>
/// What a Zstandard frame says of itself before anything is decompressed (RFC 8878 section 3.1.1). A decoder that obeys the format stops at the
/// stated content size: a frame whose stated size is right cannot be a bomb.
/// </summary>
internal static class ZstdFrame
{
    private const uint Magic = 0xFD2FB528;
    private const int RleBlock = 1;
    private const int ReservedBlock = 3;

    /// <summary>The content size the frame states; null where the bytes are not exactly one frame, or it states none.</summary>
    public static long? ContentBytes(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 6 || BinaryPrimitives.ReadUInt32LittleEndian(frame) != Magic)
        {
            return null;
        }

        byte descriptor = frame[4];
        bool isSingleSegment = (descriptor & 0x20) != 0;
        int sizeBytes = (descriptor >> 6) switch
        {
            0 => isSingleSegment ? 1 : 0,
            1 => 2,
            2 => 4,
            _ => 8,
        };

        // Bit 3 is reserved, a dictionary (bits 0 and 1) is nowhere used in a bundle.
        int at = 5 + (isSingleSegment ? 0 : 1);
        if ((descriptor & 0x0B) != 0 || sizeBytes == 0 || frame.Length < at + sizeBytes)
        {
            return null;
        }

        ReadOnlySpan<byte> field = frame.Slice(at, sizeBytes);
        ulong size = sizeBytes switch
        {
            1 => field[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(field) + 256u,
            4 => BinaryPrimitives.ReadUInt32LittleEndian(field),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(field),
        };
        bool hasChecksum = (descriptor & 0x04) != 0;
        return EndsWithItsLastBlock(frame[(at + sizeBytes)..], hasChecksum) && size <= long.MaxValue ? (long)size : null;
    }

    private static bool EndsWithItsLastBlock(ReadOnlySpan<byte> blocks, bool hasChecksum)
    {
        const int headerBytes = 3;
        while (blocks.Length >= headerBytes)
        {
            int header = blocks[0] | (blocks[1] << 8) | (blocks[2] << 16);
            bool isLast = (header & 1) != 0;
            int type = (header >> 1) & 3;
            int size = type == RleBlock ? 1 : header >> 3;
            if (type == ReservedBlock || blocks.Length < headerBytes + size)
            {
                return false;
            }

            blocks = blocks[(headerBytes + size)..];
            if (isLast)
            {
                return blocks.Length == (hasChecksum ? 4 : 0);
            }
        }

        return false;
    }
}
