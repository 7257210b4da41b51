using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>
/// Zstandard frames that hold their content as it is (RFC 8878: raw blocks, content size, checksum): any zstd reads them, and writing them costs a copy and
/// a checksum. For content that does not get smaller, and where the processor is the bottleneck.
/// </summary>
internal sealed class StoredFrameCodec : IFrameCodec
{
    private const uint Magic = 0xFD2FB528;

    // Frame_Content_Size_flag 2 (four bytes), Single_Segment, Content_Checksum.
    private const byte Descriptor = 0b1010_0100;
    private const int HeaderBytes = 9;
    private const int BlockHeaderBytes = 3;
    private const int ChecksumBytes = 4;
    private const int MaxBlockBytes = 128 * 1024;

    public int MaxFrameBytes(int rawBytes) => HeaderBytes + rawBytes + (BlockHeaderBytes * Math.Max(1, (rawBytes + MaxBlockBytes - 1) / MaxBlockBytes)) + ChecksumBytes;

    public int Compress(ReadOnlySpan<byte> raw, Span<byte> frame)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Magic);
        frame[4] = Descriptor;
        BinaryPrimitives.WriteInt32LittleEndian(frame[5..], raw.Length);
        int used = HeaderBytes;
        ReadOnlySpan<byte> rest = raw;
        do
        {
            ReadOnlySpan<byte> block = rest[..Math.Min(rest.Length, MaxBlockBytes)];
            rest = rest[block.Length..];
            int header = (block.Length << 3) | (rest.IsEmpty ? 1 : 0);
            (frame[used], frame[used + 1], frame[used + 2]) = ((byte)header, (byte)(header >> 8), (byte)(header >> 16));
            block.CopyTo(frame[(used + BlockHeaderBytes)..]);
            used += BlockHeaderBytes + block.Length;
        }
        while (!rest.IsEmpty);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[used..], (uint)XxHash64(raw));
        return used + ChecksumBytes;
    }

    public void Dispose()
    {
    }

    /// <summary>XXH64 with seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).</summary>
    internal static ulong XxHash64(ReadOnlySpan<byte> input)
    {
        const ulong p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9, p4 = 0x85EBCA77C2B2AE63, p5 = 0x27D4EB2F165667C5;
        ulong hash = p5;
        ReadOnlySpan<byte> rest = input;
        if (input.Length >= 32)
        {
            (ulong a, ulong b, ulong c, ulong d) = (unchecked(p1 + p2), p2, 0UL, unchecked(0UL - p1));
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(input[..(input.Length & ~31)]);
            for (int i = 0; i < words.Length; i += 4)
            {
                a = Round(a, words[i]);
                b = Round(b, words[i + 1]);
                c = Round(c, words[i + 2]);
                d = Round(d, words[i + 3]);
            }

            hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
            foreach (ulong lane in (ReadOnlySpan<ulong>)[a, b, c, d])
            {
                hash = ((hash ^ Round(0, lane)) * p1) + p4;
            }

            rest = input[(input.Length & ~31)..];
        }

        hash += (ulong)input.Length;
        for (; rest.Length >= 8; rest = rest[8..])
        {
            hash = (BitOperations.RotateLeft(hash ^ Round(0, BinaryPrimitives.ReadUInt64LittleEndian(rest)), 27) * p1) + p4;
        }

        if (rest.Length >= 4)
        {
            hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(rest) * p1), 23) * p2) + p3;
            rest = rest[4..];
        }

        foreach (byte value in rest)
        {
            hash = BitOperations.RotateLeft(hash ^ (value * p5), 11) * p1;
        }

        hash = (hash ^ (hash >> 33)) * p2;
        hash = (hash ^ (hash >> 29)) * p3;
        return hash ^ (hash >> 32);

        static ulong Round(ulong lane, ulong word) => BitOperations.RotateLeft(lane + (word * p2), 31) * p1;
    }
}
