using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Processes;

/// <summary>Mount tables of the container's processes, each read once: per mount namespace and root. Also the id maps, once per user namespace.</summary>
internal sealed class MountTables
{
    private const int MaxTables = 256;
    private readonly Dictionary<(ulong Namespace, string Root), (ProcMounts Mounts, int Pid, Bytes Raw)> tables = [];
    private readonly Dictionary<ulong, (int Pid, List<(string, Bytes)> Files)> users = [];
    private readonly Lock gate = new();
    private readonly (uint Major, uint Minor)? trusted;

    public MountTables(ProcessFacts init)
    {
        trusted = init.RootDevice;
        using ProcEntry? entry = ProcEntry.Open(init.Pid, out _);
        InitRoot = entry is null ? null : Of(entry).Root;
    }

    /// <summary>Mount of the container's root as its first process sees it.</summary>
    public ProcMount? InitRoot { get; }

    /// <summary>Table of a process.</summary>
    public ProcMounts Of(ProcEntry process)
    {
        ulong space = process.Namespace("mnt");
        string root = Convert.ToHexString(process.ReadLink("root").Content);
        lock (gate)
        {
            if (tables.TryGetValue((space, root), out (ProcMounts Mounts, int, Bytes) known))
            {
                return known.Mounts;
            }
        }

        ProcMounts mounts = ProcMounts.Read(process, out Bytes raw);
        if (trusted is var (major, minor))
        {
            mounts.Trust(major, minor);
        }

        ulong user = process.Namespace("user");
        lock (gate)
        {
            // A dying process gives an empty table: nothing is known then, and nothing is kept.
            if (mounts.All.Count > 0 && tables.Count < MaxTables)
            {
                tables[(space, root)] = (mounts, process.Pid, raw);
            }

            if (users.Count < MaxTables && !users.ContainsKey(user))
            {
                users[user] = (process.Pid, [("uid_map", process.Read("uid_map", 65536)), ("gid_map", process.Read("gid_map", 65536)), ("setgroups", process.Read("setgroups", 4096))]);
            }
        }

        return mounts;
    }

    /// <summary>Whether some table read so far lists a file's file system; where none does, its mount was taken off, or never put anywhere.</summary>
    public bool IsListed(in StatX stat)
    {
        (uint major, uint minor) = (stat.stx_dev_major, stat.stx_dev_minor);
        lock (gate)
        {
            return tables.Values.Any(table => table.Mounts.All.Exists(mount => mount.DeviceMajor == major && mount.DeviceMinor == minor));
        }
    }

    /// <summary>Writes the tables as read.</summary>
    public async Task WriteAsync(RowLines raw, CancellationToken ct)
    {
        foreach (((ulong space, _), (_, int pid, Bytes content)) in tables)
        {
            await raw.WriteAsync(
                json =>
                {
                    json.WriteNumber("pid", pid);
                    json.WriteNumber("mnt_namespace", space);
                    ProcessesCollector.WriteRaw(json, "mountinfo", content, 0, content.Content.Length);
                },
                ct);
        }

        foreach ((ulong space, (int pid, List<(string Name, Bytes Content)> files)) in users)
        {
            foreach ((string name, Bytes content) in files)
            {
                await raw.WriteAsync(
                    json =>
                    {
                        json.WriteNumber("pid", pid);
                        json.WriteNumber("user_namespace", space);
                        ProcessesCollector.WriteRaw(json, name, content, 0, content.Content.Length);
                    },
                    ct);
            }
        }
    }
}
