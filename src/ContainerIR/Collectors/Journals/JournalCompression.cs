using System.Buffers.Binary;
using SharpCompress.Compressors.Xz;
using SharpCompress.Compressors.ZStandard;

namespace ContainerIR.Collectors.Journals;

/// <summary>The three ways journald compresses a field: XZ, LZ4 (a raw block behind its 64-bit size), Zstandard.</summary>
internal static class JournalCompression
{
    /// <summary>Bits of an object's flags that say compressed.</summary>
    public const byte Mask = 7;

    private const byte Xz = 1;
    private const byte Lz4 = 2;
    private const byte Zstd = 4;

    /// <summary>Expands a field; null when it is broken or larger than the limit.</summary>
    public static byte[]? Expand(byte[] stored, byte flags, int limitBytes)
    {
        try
        {
            switch (flags & Mask)
            {
                case 0:
                    return stored;
                case Zstd:
                    using (MemoryStream source = new(stored, writable: false))
                    using (DecompressionStream content = new(source))
                    {
                        return content.ReadAtMost(limitBytes);
                    }

                case Xz:
                    using (MemoryStream source = new(stored, writable: false))
                    using (XZStream content = new(source))
                    {
                        return content.ReadAtMost(limitBytes);
                    }

                case Lz4:
                    return stored.Length > 8 && BinaryPrimitives.ReadUInt64LittleEndian(stored) is var size && size <= (ulong)limitBytes
                        ? ExpandLz4(stored.AsSpan(8), (int)size)
                        : null;
                default:
                    return null;
            }
        }
        catch (Exception failure) when (IsOfBrokenInput(failure))
        {
            return null;
        }
    }

    // The decompressors throw whatever their parser stumbled over; none of these says more than "broken".
    private static bool IsOfBrokenInput(Exception failure) => failure is
        IOException or InvalidDataException or ZstdException or SharpCompress.Common.SharpCompressException or ArgumentException or InvalidOperationException
        or IndexOutOfRangeException or NotSupportedException or NotImplementedException or OverflowException;

    /// <summary>LZ4 block format (lz4.github.io, lz4_Block_format.md): tokens of literals and of a match behind.</summary>
    internal static byte[]? ExpandLz4(ReadOnlySpan<byte> block, int size)
    {
        byte[] output = new byte[size];
        int filled = 0, at = 0;
        while (at < block.Length)
        {
            byte token = block[at++];
            if (!TryLength(block, ref at, token >> 4, out int literals) || literals > block.Length - at || literals > size - filled)
            {
                return null;
            }

            block.Slice(at, literals).CopyTo(output.AsSpan(filled));
            (at, filled) = (at + literals, filled + literals);
            if (at == block.Length)
            {
                break;
            }

            if (at + 2 > block.Length)
            {
                return null;
            }

            int distance = BinaryPrimitives.ReadUInt16LittleEndian(block[at..]);
            at += 2;
            if (!TryLength(block, ref at, token & 15, out int match) || distance == 0 || distance > filled || match + 4 > size - filled)
            {
                return null;
            }

            // Byte by byte: a match may reach into what it writes.
            for (int i = 0; i < match + 4; i++, filled++)
            {
                output[filled] = output[filled - distance];
            }
        }

        return filled == size ? output : null;
    }

    private static bool TryLength(ReadOnlySpan<byte> block, ref int at, int start, out int length)
    {
        length = start;
        if (start < 15)
        {
            return true;
        }

        byte more;
        do
        {
            if (at >= block.Length || length > int.MaxValue - 300)
            {
                return false;
            }

            more = block[at++];
            length += more;
        }
        while (more == 255);

        return true;
    }
}
