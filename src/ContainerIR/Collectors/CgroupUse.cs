using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors;

/// <summary>Reads the accounting files of a process' cgroups. Their places come from /proc, never from an engine's naming rules.</summary>
internal static class CgroupUse
{
    private const int MaxFileBytes = 64 * 1024;

    private static readonly string[] Names =
    [
        "memory.current", "memory.max", "memory.peak", "memory.events", "memory.stat", "cpu.stat", "cpu.max", "pids.current", "pids.max", "pids.events", "io.stat", "cgroup.freeze",
        "memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes", "memory.failcnt", "memory.oom_control", "cpuacct.usage", "cpuacct.stat",
        "cpu.cfs_quota_us", "cpu.cfs_period_us", "blkio.throttle.io_service_bytes", "freezer.state", "devices.list",
    ];

    /// <summary>All known files that are there, with their text.</summary>
    /// <exception cref="HostFileException">The process is gone.</exception>
    public static IReadOnlyList<(string Path, string Text)> Read(int pid) => Read(pid, Names);

    /// <summary>These files of its cgroups, where they are there, with their text.</summary>
    /// <exception cref="HostFileException">The process is gone.</exception>
    public static IReadOnlyList<(string Path, string Text)> Read(int pid, IReadOnlyList<string> files)
    {
        string groups = Encoding.UTF8.GetString(HostFile.ReadSmall(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cgroup")));
        List<(string Root, string MountPoint, string Options, string Kind)> mounts = CgroupMounts();
        List<(string, string)> values = [];
        foreach (string line in groups.Split('\n'))
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length != 3)
            {
                continue;
            }

            (string Root, string MountPoint, string Options, string Kind) mount = mounts.Find(one => parts[1].Length == 0
                ? one.Kind == "cgroup2"
                : one.Kind == "cgroup" && parts[1].Split(',').All(controller => one.Options.Split(',').Contains(controller)));
            if (mount.MountPoint is null)
            {
                continue;
            }

            string below = mount.Root != "/" && parts[2].StartsWith(mount.Root, StringComparison.Ordinal) ? parts[2][mount.Root.Length..] : parts[2];
            foreach (string name in files)
            {
                AddFile(values, $"{mount.MountPoint}{below.TrimEnd('/')}/{name}");
            }
        }

        return values;
    }

    private static void AddFile(List<(string, string)> values, string path)
    {
        try
        {
            values.Add((DisplayText.Escape(path), DisplayText.Escape(HostFile.ReadSmall(path, MaxFileBytes)).Replace("\\n", "\n", StringComparison.Ordinal)));
        }
        catch (HostFileException failure) when (failure.IsMissing)
        {
            // Each version of cgroups has half of the names.
        }
        catch (HostFileException failure)
        {
            values.Add((DisplayText.Escape(path), "unreadable: " + failure.Message));
        }
    }

    /// <summary>Root, mount point, super options and type of the cgroup mounts we see, proc_pid_mountinfo(5).</summary>
    private static List<(string Root, string MountPoint, string Options, string Kind)> CgroupMounts()
    {
        List<(string, string, string, string)> mounts = [];
        foreach (string line in Encoding.UTF8.GetString(HostFile.ReadSmall("/proc/self/mountinfo", 16 * 1024 * 1024)).Split('\n'))
        {
            string[] sides = line.Split(" - ", 2);
            string[] left = sides[0].Split(' ');
            string[] right = sides.Length == 2 ? sides[1].Split(' ') : [];
            if (left.Length >= 6 && right.Length >= 3 && right[0] is "cgroup" or "cgroup2")
            {
                mounts.Add((left[3], left[4], right[2], right[0]));
            }
        }

        return mounts;
    }
}
