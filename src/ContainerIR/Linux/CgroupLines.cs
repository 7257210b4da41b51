namespace ContainerIR.Linux;

/// <summary>
/// The lines of /proc/PID/cgroup (cgroups(7)): one per hierarchy, <c>id:controllers:path</c>; v2 is <c>0::path</c>. Paths are compared, never made.
/// </summary>
internal sealed class CgroupLines
{
    private const int MaxHierarchies = 64;
    private readonly List<(string Hierarchy, byte[] Path)> lines = [];

    /// <summary>Hierarchy (<c>pids</c>, <c>cpu,cpuacct</c>, <c>name=systemd</c>, empty for v2) and path.</summary>
    public IReadOnlyList<(string Hierarchy, byte[] Path)> Lines => lines;

    public static CgroupLines Parse(ReadOnlySpan<byte> text)
    {
        CgroupLines parsed = new();
        while (!text.IsEmpty && parsed.lines.Count < MaxHierarchies)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            int first = line.IndexOf((byte)':');
            int second = first < 0 ? -1 : line[(first + 1)..].IndexOf((byte)':');
            if (second >= 0)
            {
                parsed.lines.Add((System.Text.Encoding.ASCII.GetString(line.Slice(first + 1, second)), line[(first + second + 2)..].ToArray()));
            }
        }

        return parsed;
    }

    /// <summary>
    /// The container's own top in each hierarchy: init's path cut behind the component that names the container, so that siblings of an init
    /// which moved itself down (systemd's init.scope, crun's container) are inside. Where no hierarchy names it: init's own path, unless the
    /// engine's process above init stands there too. A path shared with the engine (a service's cgroup, the root) says nothing.
    /// </summary>
    public List<(string Hierarchy, byte[] Top)> Tops(string containerId, CgroupLines? engine)
    {
        List<(string, byte[])> named = [], own = [];
        byte[] id = System.Text.Encoding.ASCII.GetBytes(containerId);
        foreach ((string hierarchy, byte[] path) in lines)
        {
            int at = id.Length == 0 ? -1 : path.AsSpan().IndexOf(id);
            if (at >= 0)
            {
                int end = path.AsSpan(at).IndexOf((byte)'/');
                named.Add((hierarchy, end < 0 ? path : path[..(at + end)]));
            }
            else if (path.Length > 1 && engine?.Inside([(hierarchy, path)]) is null)
            {
                own.Add((hierarchy, path));
            }
        }

        return named.Count > 0 ? named : own;
    }

    /// <summary>The first hierarchy in which this process stands at or below the given top; null when in none.</summary>
    public (string Hierarchy, byte[] Path)? Inside(IReadOnlyList<(string Hierarchy, byte[] Top)> tops)
    {
        foreach ((string hierarchy, byte[] top) in tops)
        {
            foreach ((string own, byte[] path) in lines)
            {
                if (own == hierarchy && IsInside(path, top))
                {
                    return (own, path);
                }
            }
        }

        return null;
    }

    /// <summary>Whether in some hierarchy of the container this process stands elsewhere.</summary>
    public bool IsOutsideSome(IReadOnlyList<(string Hierarchy, byte[] Top)> tops)
    {
        foreach ((string hierarchy, byte[] top) in tops)
        {
            foreach ((string own, byte[] path) in lines)
            {
                if (own == hierarchy && !IsInside(path, top))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>An id of 64 hexadecimal digits in any path: every engine names a container's cgroup so. Null when none or only the given one.</summary>
    public string? OtherContainer(string containerId)
    {
        string? other = null;
        foreach ((_, byte[] path) in lines)
        {
            for (int i = 0, run = 0; i <= path.Length; i++)
            {
                if (i < path.Length && char.IsAsciiHexDigitLower((char)path[i]))
                {
                    run++;
                    continue;
                }

                if (run == 64)
                {
                    string found = System.Text.Encoding.ASCII.GetString(path, i - 64, 64);
                    if (found == containerId)
                    {
                        return null;
                    }

                    other = found;
                }

                run = 0;
            }
        }

        return other;
    }

    private static bool IsInside(byte[] path, byte[] top) =>
        path.AsSpan().StartsWith(top) && (path.Length == top.Length || path[top.Length] == (byte)'/' || top[^1] == (byte)'/');
}
