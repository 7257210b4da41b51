using System.Text;

namespace ContainerIR.Linux;

/// <summary>
/// The file that freezes one control group: <c>cgroup.freeze</c> (v2, also of the unified hierarchy beside v1; kernel doc cgroup-v2) or
/// <c>freezer.state</c> (v1; kernel doc cgroup-v1/freezer-subsystem).
/// </summary>
internal sealed class FreezerControl
{
    // A cancelled run must not wait longer than this.
    private static readonly TimeSpan WakeLimit = TimeSpan.FromMilliseconds(100);
    private readonly byte[] top;

    private FreezerControl(bool isUnified, string hierarchy, string folder, byte[] top)
    {
        (IsUnified, Hierarchy, Folder, this.top) = (isUnified, hierarchy, folder, top);
    }

    /// <summary>Whether it is v2: under it tracees still stop, and a kill still kills.</summary>
    public bool IsUnified { get; }

    /// <summary>Its hierarchy as /proc/PID/cgroup names it; empty for v2.</summary>
    public string Hierarchy { get; }

    /// <summary>Folder of the group.</summary>
    public string Folder { get; }

    /// <summary>The file written.</summary>
    public string ControlPath => Path.Combine(Folder, IsUnified ? "cgroup.freeze" : "freezer.state");

    /// <summary>What is written to freeze.</summary>
    public string FreezeWord => IsUnified ? "1" : "FROZEN";

    /// <summary>What is written to thaw.</summary>
    public string ThawWord => ThawWordOf(ControlPath)!;

    /// <summary>The word that thaws through such a file; null when it is none.</summary>
    public static string? ThawWordOf(string controlPath) => Path.GetFileName(controlPath) switch
    {
        "cgroup.freeze" => "0",
        "freezer.state" => "THAWED",
        _ => null,
    };

    /// <summary>
    /// The groups of a container, v2 first: the part of init's path up to the component that names the container. A container whose path does not
    /// name it shares its group with others and is not frozen.
    /// </summary>
    public static List<FreezerControl> FindAll(CgroupLines init, string containerId, ReadOnlySpan<byte> mountinfo, out string? reason)
    {
        List<FreezerControl> found = [];
        byte[] id = Encoding.ASCII.GetBytes(containerId);
        reason = "no cgroup freezer is mounted, or the container's control group is not in it";
        ProcMounts mounts = ProcMounts.Parse(mountinfo);
        foreach ((string hierarchy, byte[] top) in init.Tops(containerId, engine: null))
        {
            bool isUnified = hierarchy.Length == 0;
            if (!isUnified && !hierarchy.Split(',').Contains("freezer"))
            {
                continue;
            }

            if (top.AsSpan().IndexOf(id) < 0)
            {
                reason = "its control group does not bear the container's id: other processes could be in it";
                continue;
            }

            foreach (ProcMount mount in mounts.All)
            {
                if (mount.FileSystem != (isUnified ? "cgroup2" : "cgroup") || (!isUnified && !HasFreezer(mount.SuperOptions)) || Below(mount, top) is not { } folder)
                {
                    continue;
                }

                FreezerControl control = new(isUnified, hierarchy, folder, top);
                if (File.Exists(control.ControlPath))
                {
                    found.Add(control);
                    break;
                }
            }
        }

        found.Sort(static (a, b) => b.IsUnified.CompareTo(a.IsUnified));
        return found;
    }

    /// <summary>Whether a process stands in this group or below it.</summary>
    public bool Covers(CgroupLines process) => process.Inside([(Hierarchy, top)]) is not null;

    /// <summary>Whether somebody has asked to freeze it, or a group above is frozen.</summary>
    public bool IsHeld() => IsUnified ? ReadWord("cgroup.freeze") == "1" || IsFrozen() : ReadWord("freezer.state") != "THAWED";

    /// <summary>Whether every task in it stands still.</summary>
    public bool IsFrozen() => IsUnified ? ReadWord("cgroup.events").Split('\n').Contains("frozen 1") : ReadWord("freezer.state") == "FROZEN";

    /// <summary>
    /// Waits until the group may stand still; may return early. v2 wakes whoever polls cgroup.events when a value in it changes (kernel doc cgroup-v2).
    /// v1 tells nobody: reading its file is what makes it look again, so it is left alone for a millisecond.
    /// </summary>
    public void WaitForChange(TimeSpan limit)
    {
        if (!IsUnified)
        {
            Libc.Pause(TimeSpan.FromMilliseconds(1));
            return;
        }

        using Descriptor? events = Descriptor.Open(Libc.AT_FDCWD, Path.Combine(Folder, "cgroup.events"), Libc.O_RDONLY, out _);
        // The kernel counts changes from the last read: read once more, then wait, and no change is missed.
        if (events is not null && ProcEntry.ReadToEnd(events, 4096).Content.AsSpan().IndexOf("frozen 1"u8) >= 0)
        {
            return;
        }

        if (events is not null)
        {
            _ = Libc.WaitForEvent(events.Number, Libc.POLLPRI, limit < WakeLimit ? limit : WakeLimit);
        }
    }

    /// <summary>Writes a word into the control file.</summary>
    /// <exception cref="IOException">The kernel refuses, or the group is gone.</exception>
    /// <exception cref="UnauthorizedAccessException">The kernel refuses.</exception>
    public void Write(string word) => Write(ControlPath, word);

    /// <inheritdoc cref="Write(string)"/>
    public static void Write(string controlPath, string word)
    {
        using FileStream file = new(controlPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(Encoding.ASCII.GetBytes(word));
    }

    private string ReadWord(string name) => File.ReadAllText(Path.Combine(Folder, name)).TrimEnd('\n');

    private static bool HasFreezer(ReadOnlySpan<byte> options) => Encoding.ASCII.GetString(options).Split(',').Contains("freezer");

    /// <summary>Folder of a group below a mount; null when it is not below. The path in /proc/PID/cgroup counts from the root of the hierarchy; the mount may begin further down.</summary>
    internal static string? Below(ProcMount mount, byte[] path)
    {
        ReadOnlySpan<byte> root = mount.Root.AsSpan().TrimEnd((byte)'/');
        if (!path.AsSpan().StartsWith(root) || path.AsSpan(root.Length) is not [(byte)'/', ..] || path.AsSpan().IndexOf("/../"u8) >= 0)
        {
            return null;
        }

        byte[] folder = [.. mount.MountPoint, .. path.AsSpan(root.Length)];
        return Ascii.IsValid(folder) ? Encoding.ASCII.GetString(folder) : null;
    }
}
