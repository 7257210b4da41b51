using System.Text;

namespace ContainerIR.Linux;

/// <summary>The limit files of a container's own control group, read and written as text (kernel docs cgroup-v1 and cgroup-v2).</summary>
internal static class CgroupFiles
{
    /// <summary>The group's folder for a controller (<c>cpu</c>, <c>pids</c>; empty for the v2 hierarchy itself); null when it has none that bears the container's id.</summary>
    public static (string Folder, bool IsUnified)? Find(int initPid, string containerId, string controller)
    {
        using ProcEntry? init = ProcEntry.Open(initPid, out _);
        using ProcEntry? self = ProcEntry.Open(Environment.ProcessId, out _);
        if (init is null || self is null)
        {
            return null;
        }

        byte[] id = Encoding.ASCII.GetBytes(containerId);
        List<ProcMount> mounts = ProcMounts.Read(self, out _).All;
        foreach ((string hierarchy, byte[] top) in CgroupLines.Parse(init.Read("cgroup", 64 * 1024).Content).Tops(containerId, engine: null))
        {
            bool isUnified = hierarchy.Length == 0;
            if (top.AsSpan().IndexOf(id) < 0 || !(isUnified || hierarchy.Split(',').Contains(controller)))
            {
                continue;
            }

            foreach (ProcMount mount in mounts)
            {
                if (mount.FileSystem == (isUnified ? "cgroup2" : "cgroup") && (isUnified || Encoding.ASCII.GetString(mount.SuperOptions).Split(',').Contains(controller))
                    && FreezerControl.Below(mount, top) is { } folder && Directory.Exists(folder)
                    && (!isUnified || controller.Length == 0 || File.Exists(Path.Combine(folder, controller + ".max"))))
                {
                    return (folder, isUnified);
                }
            }
        }

        return null;
    }

    /// <summary>The file's text without its last newline.</summary>
    /// <exception cref="IOException">It is gone.</exception>
    public static string Read(string path) => Encoding.ASCII.GetString(HostFile.ReadSmall(path, 4096)).TrimEnd('\n');

    /// <summary>Writes a text.</summary>
    /// <exception cref="IOException">The kernel refuses, or the group is gone.</exception>
    public static void Write(string path, string text) => FreezerControl.Write(path, text);
}
