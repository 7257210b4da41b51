namespace ContainerIR.Collectors;

/// <summary>Paths of a container that other file systems are mounted over.</summary>
internal sealed class MountPoints
{
    private readonly byte[][] sorted;

    /// <summary>Takes paths from the container's root, with leading slash.</summary>
    public MountPoints(IEnumerable<byte[]> paths)
    {
        sorted = [.. paths.Select(path => path.AsSpan().Trim((byte)'/').ToArray()).Where(path => path.Length > 0)];
        Array.Sort(sorted, static (one, other) => one.AsSpan().SequenceCompareTo(other));
    }

    /// <summary>Whether a path (without leading slash) is one.</summary>
    public bool Contains(ReadOnlySpan<byte> path)
    {
        (int low, int high) = (0, sorted.Length - 1);
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = sorted[middle].AsSpan().SequenceCompareTo(path);
            if (order == 0)
            {
                return true;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return false;
    }
}
