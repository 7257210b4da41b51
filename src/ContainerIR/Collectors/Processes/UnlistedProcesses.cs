using System.Globalization;
using System.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Processes;

/// <summary>
/// Processes a cgroup of the container counts and /proc/PID answers for, but the listing of /proc leaves out: somebody filters that listing (a kernel module or a
/// traced or preloaded reader cannot change what the cgroup counts as well without more work).
/// </summary>
internal static class UnlistedProcesses
{
    private const int Looks = 3;
    private const int MaxNames = 4 * 1024 * 1024;

    /// <summary>Their numbers in our pid namespace, sorted. A number must be missing in each of three looks.</summary>
    public static IReadOnlyList<int> Find(int initPid)
    {
        HashSet<int>? missing = null;
        for (int look = 0; look < Looks && missing is not { Count: 0 }; look++)
        {
            // The cgroup first: what is in it and alive after the listing was there during the listing.
            List<int> counted = Counted(initPid);
            if (HostDirectory.Names("/proc", MaxNames, out int errno) is not { } names || errno != 0)
            {
                return [];
            }

            HashSet<int> listed = [.. names.Select(name => int.TryParse(Encoding.ASCII.GetString(name), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)];
            HashSet<int> now = [.. counted.Where(pid => !listed.Contains(pid) && Lives(pid))];
            if (missing is null)
            {
                missing = now;
            }
            else
            {
                missing.IntersectWith(now);
            }
        }

        return [.. (missing ?? []).Order()];
    }

    private static List<int> Counted(int initPid)
    {
        try
        {
            return
            [
                .. CgroupUse.Read(initPid, ["cgroup.procs"]).SelectMany(file => file.Text.Split('\n'))
                    .Select(line => int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0).Where(pid => pid > 0).Distinct(),
            ];
        }
        catch (HostFileException)
        {
            return [];
        }
    }

    private static bool Lives(int pid)
    {
        using ProcEntry? entry = ProcEntry.Open(pid, out _);
        return entry is not null && entry.Read("stat", 4096).IsRead;
    }
}
