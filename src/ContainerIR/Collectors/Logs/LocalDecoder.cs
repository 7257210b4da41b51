using System.Buffers.Binary;

namespace ContainerIR.Collectors.Logs;

/// <summary>
/// Docker's local driver and its cache for remote drivers: records of a 32-bit big-endian length, a protocol buffer, and the length again. Fields of the buffer
/// (moby, api/types/plugins/logdriver/entry.proto): 1 source, 2 time_nano, 3 line, 4 partial, 5 partial metadata (1 last). It keeps the exact bytes, without the line feed.
/// </summary>
internal sealed class LocalDecoder(LogAssembler assembler) : LogDecoder(assembler)
{
    private const int LengthBytes = 4;
    private const int Overhead = 2 * LengthBytes;

    private byte[] kept = new byte[64 * 1024];
    private int keptBytes;
    private long offset;
    private bool isLost;
    private long lostBytes;

    public override void Feed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && !isLost)
        {
            int room = Math.Min(bytes.Length, kept.Length - keptBytes);
            bytes[..room].CopyTo(kept.AsSpan(keptBytes));
            keptBytes += room;
            bytes = bytes[room..];
            Drain();
        }

        lostBytes += bytes.Length;
    }

    public override void Finish()
    {
        if (keptBytes > 0 || lostBytes > 0)
        {
            Assembler.Add(new LogRecord
            {
                Offset = offset,
                Length = keptBytes + lostBytes,
                Text = kept.AsSpan(0, keptBytes),
                EndsLine = true,
                Oddities = LogOddities.NotARecord | (isLost ? LogOddities.None : LogOddities.CutRecord) | (kept.AsSpan(0, Math.Min(keptBytes, 8)).Contains((byte)0) && isLost ? LogOddities.Nul : LogOddities.None),
            });
        }

        (offset, keptBytes, lostBytes, isLost) = (offset + keptBytes + lostBytes, 0, 0, false);
    }

    private void Drain()
    {
        int used = 0;
        while (keptBytes - used >= LengthBytes)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(kept.AsSpan(used));
            if (size is 0 or > RecordLimitBytes)
            {
                // Lengths are the only frame: from a wrong one on, nothing can be told apart any more.
                isLost = true;
                break;
            }

            int whole = (int)size + Overhead;
            if (keptBytes - used < whole)
            {
                if (whole > kept.Length)
                {
                    Array.Resize(ref kept, whole);
                }

                break;
            }

            if (BinaryPrimitives.ReadUInt32BigEndian(kept.AsSpan(used + LengthBytes + (int)size)) != size)
            {
                isLost = true;
                break;
            }

            Decode(kept.AsSpan(used + LengthBytes, (int)size), offset, whole);
            (used, offset) = (used + whole, offset + whole);
        }

        kept.AsSpan(used, keptBytes - used).CopyTo(kept);
        keptBytes -= used;
    }

    private void Decode(ReadOnlySpan<byte> entry, long at, int bytes)
    {
        ReadOnlySpan<byte> whole = entry, source = [], line = [];
        long? time = null;
        bool isPartial = false, isLast = false, isBroken = false;
        while (!entry.IsEmpty && !isBroken)
        {
            isBroken = !ProtocolBuffers.TryReadField(ref entry, out int field, out ulong number, out ReadOnlySpan<byte> content);
            switch (field)
            {
                case 1:
                    source = content;
                    break;
                case 2:
                    time = (long)number;
                    break;
                case 3:
                    line = content;
                    break;
                case 4:
                    isPartial = number != 0;
                    break;
                case 5:
                    isLast = IsLast(content);
                    break;
                default:
                    break;
            }
        }

        Assembler.Add(new LogRecord
        {
            Offset = at,
            Length = bytes,
            TimeNs = time,
            Stream = source,
            Text = isBroken ? whole : line,
            EndsLine = isBroken || !isPartial || isLast,
            Oddities = (isBroken ? LogOddities.NotARecord : LogOddities.None) | (time is null ? LogOddities.NoTime : LogOddities.None),
        });
    }

    private static bool IsLast(ReadOnlySpan<byte> metadata)
    {
        bool isLast = false;
        while (!metadata.IsEmpty && ProtocolBuffers.TryReadField(ref metadata, out int field, out ulong number, out _))
        {
            isLast |= field == 1 && number != 0;
        }

        return isLast;
    }
}
