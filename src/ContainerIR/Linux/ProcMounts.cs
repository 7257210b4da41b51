using System.Buffers.Text;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>One line of mountinfo.</summary>
internal sealed record ProcMount(ulong Id, uint DeviceMajor, uint DeviceMinor, byte[] Root, byte[] MountPoint, string FileSystem, byte[] SuperOptions)
{
    /// <summary>The mount it is mounted in.</summary>
    public ulong ParentId { get; init; }

    /// <summary>Options of this mount alone.</summary>
    public byte[] Options { get; init; } = [];

    /// <summary>What was mounted, as its file system calls it: a device, a name, anything.</summary>
    public byte[] Source { get; init; } = [];

    /// <summary>Device and root: equal for mounts that show the same tree.</summary>
    public bool ShowsSameAs(ProcMount other) => DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor && Root.AsSpan().SequenceEqual(other.Root);
}

/// <summary>
/// The mounts one process sees (proc_pid_mountinfo(5)), and with them the answer to "may a read of this file wait for someone for ever?".
/// </summary>
internal sealed class ProcMounts
{
    private const int MaxBytes = 16 * 1024 * 1024;

    // File systems whose data this kernel can get without asking user space or another machine.
    private static readonly HashSet<string> Local =
    [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "f2fs", "zfs", "jfs", "nilfs2", "reiserfs", "tmpfs", "ramfs", "rootfs", "devtmpfs", "hugetlbfs",
        "squashfs", "erofs", "iso9660", "udf", "vfat", "msdos", "exfat", "ntfs3", "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts", "bpf", "nsfs",
        "tracefs", "debugfs", "securityfs", "configfs", "pstore", "efivarfs", "binfmt_misc",
    ];

    private readonly Dictionary<ulong, ProcMount> byId = [];

    /// <summary>All mounts, in the kernel's order.</summary>
    public List<ProcMount> All { get; } = [];

    /// <summary>Mount of <c>/</c>: the last one there wins, it covers the others. Null when the table could not be read.</summary>
    public ProcMount? Root { get; private set; }

    /// <summary>Whether none of the mounts may block.</summary>
    public bool IsAllLocal { get; private set; } = true;

    /// <summary>Overlays trusted to stand on local file systems: the container's own root, mounted by the engine.</summary>
    private (uint Major, uint Minor)? trustedOverlay;

    public static ProcMounts Parse(ReadOnlySpan<byte> text)
    {
        ProcMounts mounts = new();
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (ParseLine(line) is { } mount)
            {
                mounts.All.Add(mount);
                mounts.byId[mount.Id] = mount;
                if (mount.MountPoint is [(byte)'/'])
                {
                    mounts.Root = mount;
                }
            }
        }

        mounts.Judge();
        return mounts;
    }

    /// <summary>Reads the table of a process.</summary>
    public static ProcMounts Read(ProcEntry process, out Bytes raw)
    {
        raw = process.Read("mountinfo", MaxBytes);
        return Parse(raw.Content);
    }

    /// <summary>Reads a table that is open.</summary>
    public static ProcMounts Read(Descriptor mountinfo, out Bytes raw)
    {
        raw = ProcEntry.ReadToEnd(mountinfo, MaxBytes);
        return Parse(raw.Content);
    }

    /// <summary>Declares the overlay the engine mounted as the container's root safe; any other overlay may stand on anything.</summary>
    public void Trust(uint deviceMajor, uint deviceMinor)
    {
        trustedOverlay = (deviceMajor, deviceMinor);
        Judge();
    }

    /// <summary>Whether reading a file on this mount may wait for a server. A mount this table does not know may be anything: yes.</summary>
    public bool MayBlock(in StatX stat)
    {
        if ((stat.stx_mask & StatX.STATX_MNT_ID) != 0 && byId.TryGetValue(stat.stx_mnt_id, out ProcMount? mount))
        {
            return MayBlock(mount);
        }

        foreach (ProcMount candidate in All)
        {
            if (candidate.DeviceMajor == stat.stx_dev_major && candidate.DeviceMinor == stat.stx_dev_minor)
            {
                return MayBlock(candidate);
            }
        }

        return !KernelMemory.Holds(stat);
    }

    /// <summary>Whether a descriptor's mount may block; mounts the table does not know and the kernel's inner ones answer no: only text is read of them.</summary>
    public bool MayBlock(ulong mountId) => byId.TryGetValue(mountId, out ProcMount? mount) && MayBlock(mount);

    public ProcMount? Find(ulong mountId) => byId.GetValueOrDefault(mountId);

    /// <summary>Undoes the octal escapes of mountinfo (\040 and so on).</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> text)
    {
        byte[] plain = new byte[text.Length];
        int used = 0;
        for (int i = 0; i < text.Length; i++)
        {
            bool octal = text[i] == '\\' && i + 3 < text.Length && IsOctal(text[i + 1]) && IsOctal(text[i + 2]) && IsOctal(text[i + 3]);
            plain[used++] = octal ? (byte)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0')) : text[i];
            i += octal ? 3 : 0;
        }

        return plain[..used];
    }

    private static bool IsOctal(byte c) => c is >= (byte)'0' and <= (byte)'7';

    /// <summary>Whether reading what is on a mount may wait for a server.</summary>
    public bool MayBlock(ProcMount mount) => mount.FileSystem == "overlay"
        ? trustedOverlay != (mount.DeviceMajor, mount.DeviceMinor)
        : !Local.Contains(mount.FileSystem);

    private void Judge() => IsAllLocal = !All.Exists(MayBlock);

    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    private static ProcMount? ParseLine(ReadOnlySpan<byte> line)
    {
        int dash = line.IndexOf(" - "u8);
        if (dash < 0)
        {
            return null;
        }

        Span<Range> parts = stackalloc Range[6];
        if (ByteFields.Split(line[..dash], parts) < 6 || !Utf8Parser.TryParse(line[parts[0]], out ulong id, out _))
        {
            return null;
        }

        ReadOnlySpan<byte> device = line[parts[2]];
        int colon = device.IndexOf((byte)':');
        if (colon < 0 || !Utf8Parser.TryParse(device[..colon], out uint major, out _) || !Utf8Parser.TryParse(device[(colon + 1)..], out uint minor, out _))
        {
            return null;
        }

        ReadOnlySpan<byte> tail = line[(dash + 3)..];
        _ = ulong.TryParse(line[parts[1]], System.Globalization.CultureInfo.InvariantCulture, out ulong parent);
        Span<Range> tailParts = stackalloc Range[3];
        int count = ByteFields.Split(tail, tailParts);
        if (count < 1)
        {
            return null;
        }

        return new ProcMount(
            id, major, minor, Unescape(line[parts[3]]), Unescape(line[parts[4]]), Encoding.ASCII.GetString(tail[tailParts[0]]),
            count < 3 ? [] : tail[tailParts[2]].ToArray())
        {
            ParentId = parent,
            Options = line[parts[5]].ToArray(),
            Source = count < 2 ? [] : Unescape(tail[tailParts[1]]),
        };
    }
}
