using System.Runtime.InteropServices;

namespace ContainerIR.Linux.Trees;

/// <summary>
/// Where a file has data, by SEEK_DATA and SEEK_HOLE (lseek(2)). Bounded: beyond <see cref="MaxExtents"/> stretches, small holes count as data;
/// a file that still has more is cut, and says where.
/// </summary>
internal sealed class SparseMap
{
    /// <summary>Most stretches of data kept for one file.</summary>
    public const int MaxExtents = 256 * 1024;

    private const long LargestBridgedHole = 1024 * 1024;

    private (long Start, long Length)[] extents = new (long, long)[64];
    private long bridgedHole;

    /// <summary>How many stretches of data there are.</summary>
    public int Count { get; private set; }

    /// <summary>Sum of their lengths.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Offset behind which data is not in the map; -1 when all is.</summary>
    public long CutAt { get; private set; } = -1;

    public ReadOnlySpan<(long Start, long Length)> Extents => extents.AsSpan(0, Count);

    /// <summary>Reads the map of the first so many bytes.</summary>
    /// <returns>False when the file has no hole or its file system cannot tell: read it whole.</returns>
    public bool Scan(int descriptor, long sizeBytes)
    {
        (Count, DataBytes, CutAt, bridgedHole) = (0, 0, -1, 0);
        for (long position = 0; position < sizeBytes;)
        {
            long start = Libc.lseek(descriptor, position, Libc.SEEK_DATA);
            if (start < 0 && Marshal.GetLastPInvokeError() != Libc.ENXIO)
            {
                return false;
            }

            if (start < 0 || start >= sizeBytes)
            {
                break;
            }

            long end = Libc.lseek(descriptor, start, Libc.SEEK_HOLE);
            end = end <= start ? sizeBytes : Math.Min(end, sizeBytes);
            if (!Add(start, end))
            {
                CutAt = start;
                break;
            }

            position = end;
        }

        return DataBytes < sizeBytes;
    }

    private bool Add(long start, long end)
    {
        if (Count > 0 && start - (extents[Count - 1].Start + extents[Count - 1].Length) <= bridgedHole)
        {
            DataBytes += end - (extents[Count - 1].Start + extents[Count - 1].Length);
            extents[Count - 1].Length = end - extents[Count - 1].Start;
            return true;
        }

        if (Count == MaxExtents && !Compact())
        {
            return false;
        }

        if (Count == extents.Length)
        {
            Array.Resize(ref extents, Count * 2);
        }

        extents[Count++] = (start, end - start);
        DataBytes += end - start;
        return true;
    }

    private bool Compact()
    {
        while (Count > MaxExtents / 2 && bridgedHole < LargestBridgedHole)
        {
            bridgedHole = Math.Max(bridgedHole * 2, 16 * 1024);
            int kept = 0;
            DataBytes = extents[0].Length;
            for (int i = 1; i < Count; i++)
            {
                long end = extents[i].Start + extents[i].Length;
                long previousEnd = extents[kept].Start + extents[kept].Length;
                if (extents[i].Start - previousEnd <= bridgedHole)
                {
                    DataBytes += end - previousEnd;
                    extents[kept].Length = end - extents[kept].Start;
                }
                else
                {
                    DataBytes += extents[i].Length;
                    extents[++kept] = extents[i];
                }
            }

            Count = kept + 1;
        }

        return Count < MaxExtents;
    }
}
