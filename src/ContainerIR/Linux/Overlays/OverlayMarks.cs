using System.Text;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// The marks an overlay leaves on objects of its layers (Documentation/filesystems/overlayfs.rst; fs/overlayfs/overlayfs.h): deleted names, opaque
/// and redirected directories, files whose data stayed below, and where a copied-up object came from.
/// </summary>
internal sealed unsafe class OverlayMarks
{
    // PATH_MAX, what a redirect can hold; the others are shorter.
    private const int MaxValueBytes = 4096;

    /// <summary>Those of a tree that is no layer: nothing is one.</summary>
    public static readonly OverlayMarks None = new(prefix: null);

    private readonly byte[]? prefix;
    private readonly byte[] opaque;
    private readonly byte[] redirect;
    private readonly byte[] metacopy;
    private readonly byte[] whiteout;
    private readonly byte[] origin;
    private readonly byte[] protectedAttributes;

    /// <summary>Marks of a layer.</summary>
    /// <param name="userXattr">Whether they are <c>user.overlay.*</c> and not <c>trusted.overlay.*</c>.</param>
    public OverlayMarks(bool userXattr)
        : this(userXattr ? "user.overlay." : "trusted.overlay.")
    {
    }

    private OverlayMarks(string? prefix)
    {
        this.prefix = prefix is null ? null : Encoding.ASCII.GetBytes(prefix);
        (opaque, redirect, metacopy) = (Name(prefix, "opaque"), Name(prefix, "redirect"), Name(prefix, "metacopy"));
        (whiteout, origin) = (Name(prefix, "whiteout"), Name(prefix, "origin"));
        protectedAttributes = Name(prefix, "protattr");
    }

    /// <summary>Whether an attribute is a mark of the overlay, not the container's own.</summary>
    public bool IsMark(ReadOnlySpan<byte> attribute) => prefix is not null && attribute.StartsWith(prefix);

    /// <summary>Whether a directory with these attributes hides what lies below it. The value "x" only says that it holds xattr whiteouts.</summary>
    public bool IsOpaque(XattrList attributes) => attributes.TryGet(NoNul(opaque), out ReadOnlySpan<byte> value) && value.SequenceEqual("y"u8);

    /// <summary>Whether a file with these attributes has its data in a lower layer.</summary>
    public bool IsMetacopy(XattrList attributes) => attributes.TryGet(NoNul(metacopy), out _);

    /// <summary>The redirect of a directory, or empty.</summary>
    public ReadOnlySpan<byte> Redirect(XattrList attributes) => attributes.TryGet(NoNul(redirect), out ReadOnlySpan<byte> value) ? value : default;

    /// <summary>The origin of an object, or empty.</summary>
    public ReadOnlySpan<byte> Origin(XattrList attributes) => attributes.TryGet(NoNul(origin), out ReadOnlySpan<byte> value) ? value : default;

    /// <summary>Whether chattr(1) made an object of the overlay immutable (i) or append-only (a): the mark stands here, not at the inode (Linux 5.14).</summary>
    /// <param name="attributes">Its attributes.</param>
    /// <param name="letter">Of chattr(1).</param>
    public bool HasProtection(XattrList attributes, char letter) =>
        attributes.TryGet(NoNul(protectedAttributes), out ReadOnlySpan<byte> value) && value.Contains((byte)letter);

    /// <summary>Whether an object says that its name is deleted: a 0:0 character device, or an empty file marked so (Linux 6.7).</summary>
    public bool IsWhiteout(in StatX stat, XattrList attributes) =>
        IsDeviceWhiteout(stat) || (Nodes.IsRegular(stat) && stat.stx_size == 0 && attributes.TryGet(NoNul(whiteout), out _));

    /// <summary>The same of an object of a lower layer, given by its path descriptor.</summary>
    public bool IsWhiteout(in StatX stat, int descriptor)
    {
        Span<byte> value = stackalloc byte[16];
        return IsDeviceWhiteout(stat) || (Nodes.IsRegular(stat) && stat.stx_size == 0 && Get(descriptor, whiteout, value) >= 0);
    }

    /// <summary>Whether a directory of a lower layer hides what lies below it.</summary>
    public bool IsOpaque(int descriptor)
    {
        Span<byte> value = stackalloc byte[16];
        return Get(descriptor, opaque, value) == 1 && value[0] == 'y';
    }

    /// <summary>Whether a file of a lower layer has its data in one below.</summary>
    public bool IsMetacopy(in StatX stat, int descriptor)
    {
        Span<byte> value = stackalloc byte[256];
        return stat.stx_size > 0 && Get(descriptor, metacopy, value) >= 0;
    }

    /// <summary>The redirect of an object of a lower layer; null for none.</summary>
    public byte[]? Redirect(int descriptor)
    {
        Span<byte> value = stackalloc byte[MaxValueBytes];
        int length = Get(descriptor, redirect, value);
        return length > 0 ? value[..length].ToArray() : null;
    }

    private bool IsDeviceWhiteout(in StatX stat) =>
        prefix is not null && Nodes.Type(stat) == Libc.S_IFCHR && stat.stx_rdev_major == 0 && stat.stx_rdev_minor == 0;

    // An empty name is no attribute's: asking for it finds nothing.
    private static byte[] Name(string? prefix, string mark) => prefix is null ? [0] : Encoding.ASCII.GetBytes($"{prefix}{mark}\0");

    private static ReadOnlySpan<byte> NoNul(byte[] name) => name.AsSpan(0, name.Length - 1);

    private static int Get(int descriptor, byte[] name, Span<byte> value)
    {
        byte* path = stackalloc byte[Nodes.ProcPathBytes];
        Nodes.WriteProcPath(descriptor, path);
        fixed (byte* attribute = name)
        fixed (byte* room = value)
        {
            return (int)Libc.getxattr(path, attribute, room, (nuint)value.Length);
        }
    }
}
