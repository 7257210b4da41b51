using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>struct statx, statx(2), include/uapi/linux/stat.h: 256 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StatX
{
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const uint STATX_BTIME = 0x800;
    public const uint STATX_MNT_ID = 0x1000;
    public const ulong STATX_ATTR_IMMUTABLE = 0x10;
    public const ulong STATX_ATTR_APPEND = 0x20;

    public uint stx_mask;
    public uint stx_blksize;
    public ulong stx_attributes;
    public uint stx_nlink;
    public uint stx_uid;
    public uint stx_gid;
    public ushort stx_mode;
    private readonly ushort spare0;
    public ulong stx_ino;
    public ulong stx_size;
    public ulong stx_blocks;
    public ulong stx_attributes_mask;
    public StatXTime stx_atime;
    public StatXTime stx_btime;
    public StatXTime stx_ctime;
    public StatXTime stx_mtime;
    public uint stx_rdev_major;
    public uint stx_rdev_minor;
    public uint stx_dev_major;
    public uint stx_dev_minor;
    public ulong stx_mnt_id;
    public uint stx_dio_mem_align;
    public uint stx_dio_offset_align;
    private fixed ulong spare3[12];
}

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatXTime
{
    public long tv_sec;
    public uint tv_nsec;
    private readonly int pad;
}
