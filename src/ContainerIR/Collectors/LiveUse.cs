using System.Globalization;

namespace ContainerIR.Collectors;

/// <summary>What a living container takes just now, read from the host's side: its cgroups and its network namespace.</summary>
/// <param name="CpuNanoseconds">Processor time since it was made, ns; null where no accounting is.</param>
/// <param name="MemoryBytes">Memory charged to it; null where no accounting is.</param>
/// <param name="Connections">Established TCP connections of its network namespace; null when they cannot be read.</param>
internal sealed record LiveUse(long? CpuNanoseconds, long? MemoryBytes, int? Connections)
{
    // State ESTABLISHED in /proc/net/tcp: include/net/tcp_states.h.
    private const string Established = " 01 ";

    private static readonly string[] Files = ["cpuacct.usage", "memory.usage_in_bytes", "cpu.stat", "memory.current"];

    /// <summary>Reads it; null when the process is gone.</summary>
    /// <param name="initPid">The container's first process, in the host's pid namespace.</param>
    public static LiveUse? Read(int initPid)
    {
        try
        {
            long? cpu = null, memory = null;
            foreach ((string path, string text) in CgroupUse.Read(initPid, Files))
            {
                switch (Path.GetFileName(path))
                {
                    case "cpuacct.usage":
                        cpu ??= Number(text);
                        break;
                    case "cpu.stat":
                        cpu ??= text.Split('\n').Where(line => line.StartsWith("usage_usec ", StringComparison.Ordinal)).Select(line => Number(line["usage_usec ".Length..]) * 1000).FirstOrDefault();
                        break;
                    default:
                        memory ??= Number(text);
                        break;
                }
            }

            return new LiveUse(cpu, memory, Count(initPid, "tcp") + Count(initPid, "tcp6"));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static int? Count(int pid, string table)
    {
        try
        {
            int count = 0;
            using StreamReader reader = new(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/net/{table}"), System.Text.Encoding.ASCII);
            while (reader.ReadLine() is { } line)
            {
                count += line.Contains(Established, StringComparison.Ordinal) ? 1 : 0;
            }

            return count;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? Number(string text) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;
}
