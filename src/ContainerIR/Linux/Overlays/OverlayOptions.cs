namespace ContainerIR.Linux.Overlays;

/// <summary>Directories of an overlay mount as its options name them, escapes undone; they may be relative (overlayfs.rst, "Multiple lower layers").</summary>
/// <param name="Upper">The writable layer; null for a read-only overlay.</param>
/// <param name="Lowers">The others, topmost first.</param>
/// <param name="UserXattr">Whether marks are <c>user.overlay.*</c> and not <c>trusted.overlay.*</c>.</param>
internal sealed record OverlayOptions(byte[]? Upper, IReadOnlyList<byte[]> Lowers, bool UserXattr)
{
    /// <summary>All of them, the writable layer first.</summary>
    public IEnumerable<byte[]> TopToBottom => Upper is null ? Lowers : [Upper, .. Lowers];

    /// <summary>Whether any directory is relative to where the mount was made from.</summary>
    public bool IsRelative => (Upper is not null && !IsAbsolute(Upper)) || Lowers.Any(lower => !IsAbsolute(lower));

    /// <summary>Reads the options of a mount as mountinfo gives them: <c>lowerdir=a:b</c>, or one <c>lowerdir+=</c> and <c>datadir+=</c> each (mounted by fsconfig).</summary>
    public static OverlayOptions Parse(ReadOnlySpan<byte> options)
    {
        byte[]? upper = null;
        List<byte[]> lowers = [];
        bool userXattr = false;
        foreach (Range range in options.Split((byte)','))
        {
            // A comma inside a name is \054: split first, then undo the kernel's escapes, then the overlay's own.
            byte[] option = ProcMounts.Unescape(options[range]);
            if (TryValue(option, "upperdir="u8, out ReadOnlySpan<byte> value))
            {
                upper = Plain(value);
            }
            else if (TryValue(option, "lowerdir+="u8, out value) || TryValue(option, "datadir+="u8, out value))
            {
                lowers.Add(value.ToArray());
            }
            else if (TryValue(option, "lowerdir="u8, out value))
            {
                lowers.AddRange(SplitLowers(value));
            }
            else if (option.AsSpan().SequenceEqual("userxattr"u8))
            {
                userXattr = true;
            }
        }

        return new(upper, lowers, userXattr);
    }

    /// <summary>Splits at colons that no backslash escapes; "::" before a data-only layer counts as one.</summary>
    public static IReadOnlyList<byte[]> SplitLowers(ReadOnlySpan<byte> value)
    {
        List<byte[]> parts = [];
        List<byte> part = [];
        for (int i = 0; i <= value.Length; i++)
        {
            if (i == value.Length || value[i] == ':')
            {
                if (part.Count > 0)
                {
                    parts.Add([.. part]);
                    part.Clear();
                }
            }
            else
            {
                i += value[i] == '\\' && i + 1 < value.Length ? 1 : 0;
                part.Add(value[i]);
            }
        }

        return parts;
    }

    /// <summary>The same with every relative directory below another.</summary>
    public OverlayOptions Below(byte[] directory) => this with
    {
        Upper = Upper is null ? null : Join(directory, Upper),
        Lowers = [.. Lowers.Select(lower => Join(directory, lower))],
    };

    private static bool IsAbsolute(byte[] path) => path.Length > 0 && path[0] == '/';

    private static byte[] Join(byte[] directory, byte[] path) => IsAbsolute(path) ? path : [.. directory, (byte)'/', .. path];

    private static bool TryValue(byte[] option, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        bool found = option.AsSpan().StartsWith(key);
        value = found ? option.AsSpan(key.Length) : default;
        return found;
    }

    private static byte[] Plain(ReadOnlySpan<byte> value)
    {
        List<byte> plain = new(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            i += value[i] == '\\' && i + 1 < value.Length ? 1 : 0;
            plain.Add(value[i]);
        }

        return [.. plain];
    }
}
