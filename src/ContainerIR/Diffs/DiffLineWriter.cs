using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Diffs;

/// <summary>
/// Writes entries.jsonl: UTF-8, ASCII only, one object a line. Every name stands twice: for people (escaped) and exact (<c>_b64</c>). Paths are the
/// container's, with leading slash. Times are exact decimal seconds as text. Properties without meaning for an entry are left out.
/// </summary>
internal sealed class DiffLineWriter(Stream output) : IDisposable
{
    private const int FlushBytes = 256 * 1024;
    private const int MaxListedExtents = 128;

    private static readonly (DiffChanges Flag, string Word)[] ChangeWords =
    [
        (DiffChanges.Type, "type"), (DiffChanges.Content, "content"), (DiffChanges.Target, "target"), (DiffChanges.Device, "rdev"), (DiffChanges.Mode, "mode"),
        (DiffChanges.Uid, "uid"), (DiffChanges.Gid, "gid"), (DiffChanges.Modified, "mtime"), (DiffChanges.Xattrs, "xattrs"),
    ];

    private static readonly (DiffSigns Flag, string Word)[] SignWords =
    [
        (DiffSigns.ContentDiffersTimeSame, "content-differs-mtime-same"), (DiffSigns.ModifiedBeforeBirth, "mtime-before-birth"),
        (DiffSigns.ModifiedAfterChange, "mtime-after-ctime"), (DiffSigns.ModifiedInFuture, "mtime-in-future"), (DiffSigns.ModifiedOnWholeSecond, "mtime-whole-second"),
    ];

    private static readonly SearchValues<byte> Plain = SearchValues.Create(
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private readonly ArrayBufferWriter<byte> buffer = new(2 * FlushBytes);
    private readonly Utf8JsonWriter json = new(Stream.Null, new JsonWriterOptions { SkipValidation = true });
    private byte[] slashed = new byte[8192];

    /// <summary>Writes the walk's current entry.</summary>
    public void Write(OverlayWalk walk, DiffLine line)
    {
        json.Reset(buffer);
        json.WriteStartObject();
        Path("path"u8, "path_b64"u8, walk.Path);
        json.WriteString("kind"u8, DiffWords.Of(line.Kind));
        json.WriteString("verdict"u8, DiffWords.Of(line.Verdict));
        if (line.IsByMetadata)
        {
            json.WriteString("verdict_by"u8, "metadata"u8);
        }

        Words("changed"u8, line.Changes, ChangeWords);
        Words("signs"u8, line.Signs, SignWords);
        if (line.HasObject)
        {
            Inode(walk.Stat, full: true);
            Protection(walk);
            Target(walk.Stat, line.Link.AsSpan(0, line.LinkBytes));
            Xattrs(walk.Xattrs);
            Content(line.Content);
        }

        if (line.HardLinkTo is not null)
        {
            Path("hardlink_to"u8, "hardlink_to_b64"u8, line.HardLinkTo);
        }

        if (line.TarOffset >= 0)
        {
            json.WriteNumber("tar_offset"u8, line.TarOffset);
        }

        if (walk.IsUnderMount)
        {
            json.WriteBoolean("under_mount"u8, true);
        }

        if (!walk.IsInUpper)
        {
            Path("hidden_by"u8, "hidden_by_b64"u8, walk.HiddenBy);
        }

        if (line.ChangedDuringRead)
        {
            json.WriteBoolean("changed_during_read"u8, true);
        }

        if (line.Error is not null)
        {
            json.WriteString("error"u8, DisplayText.Escape(line.Error));
        }

        Original("original"u8, walk, line.Original);
        Original("replaced"u8, walk, line.Replaced);
        json.WriteEndObject();
        json.Flush();
        buffer.Write("\n"u8);
        if (buffer.WrittenCount >= FlushBytes)
        {
            Flush();
        }
    }

    /// <summary>Hands what is buffered to the output.</summary>
    public void Flush()
    {
        output.Write(buffer.WrittenSpan);
        buffer.ResetWrittenCount();
    }

    public void Dispose() => json.Dispose();

    private void Original(ReadOnlySpan<byte> name, OverlayWalk walk, OriginalFacts facts)
    {
        if (!facts.IsPresent)
        {
            return;
        }

        json.WriteStartObject(name);
        Path("path"u8, "path_b64"u8, facts.Path ?? walk.Path);
        json.WriteNumber("layer"u8, facts.Layer);
        json.WriteString("kind"u8, DiffWords.Of(KindOf(facts.Stat)));
        Inode(facts.Stat, full: false);
        Target(facts.Stat, facts.Link.AsSpan(0, facts.LinkBytes));
        Content(facts.Content);
        if (facts.BeforeOffset >= 0)
        {
            json.WriteNumber("before_offset"u8, facts.BeforeOffset);
        }

        if (facts.Error is not null)
        {
            json.WriteString("error"u8, DisplayText.Escape(facts.Error));
        }

        json.WriteEndObject();
    }

    /// <summary>Kind by type alone, without the meaning an overlay may give it.</summary>
    public static DiffKind KindOf(in StatX stat) => Nodes.Type(stat) switch
    {
        Libc.S_IFREG => DiffKind.File,
        Libc.S_IFDIR => DiffKind.Directory,
        Libc.S_IFLNK => DiffKind.SymbolicLink,
        Libc.S_IFIFO => DiffKind.Fifo,
        Libc.S_IFSOCK => DiffKind.Socket,
        Libc.S_IFCHR => DiffKind.CharacterDevice,
        Libc.S_IFBLK => DiffKind.BlockDevice,
        _ => DiffKind.Unknown,
    };

    private static ReadOnlySpan<byte> TypeOf(in StatX stat) => Nodes.Type(stat) switch
    {
        Libc.S_IFREG => "file"u8,
        Libc.S_IFDIR => "dir"u8,
        Libc.S_IFLNK => "symlink"u8,
        Libc.S_IFIFO => "fifo"u8,
        Libc.S_IFSOCK => "socket"u8,
        Libc.S_IFCHR => "char"u8,
        Libc.S_IFBLK => "block"u8,
        _ => "unknown"u8,
    };

    private void Inode(in StatX stat, bool full)
    {
        json.WriteString("type"u8, TypeOf(stat));
        Span<byte> mode = stackalloc byte[4];
        for (int i = 3, rest = stat.stx_mode; i >= 0; i--, rest >>= 3)
        {
            mode[i] = (byte)('0' + (rest & 7));
        }

        json.WriteString("mode"u8, mode);
        json.WriteNumber("uid"u8, stat.stx_uid);
        json.WriteNumber("gid"u8, stat.stx_gid);
        json.WriteNumber("size"u8, stat.stx_size);
        Time("mtime"u8, stat.stx_mtime);
        Time("ctime"u8, stat.stx_ctime);
        if ((stat.stx_mask & StatX.STATX_BTIME) != 0)
        {
            Time("btime"u8, stat.stx_btime);
        }

        if (full)
        {
            Time("atime"u8, stat.stx_atime);
            json.WriteNumber("blocks"u8, stat.stx_blocks);
        }

        json.WriteNumber("ino"u8, stat.stx_ino);
        json.WriteNumber("nlink"u8, stat.stx_nlink);
        Device("dev"u8, stat.stx_dev_major, stat.stx_dev_minor);
        if (Nodes.Type(stat) is Libc.S_IFCHR or Libc.S_IFBLK)
        {
            Device("rdev"u8, stat.stx_rdev_major, stat.stx_rdev_minor);
        }
    }

    // The inode's own mark, or the one the overlay keeps for it.
    private void Protection(OverlayWalk walk)
    {
        ulong set = walk.Stat.stx_attributes;
        bool isImmutable = (set & StatX.STATX_ATTR_IMMUTABLE) != 0 || walk.HasProtection('i');
        bool isAppendOnly = (set & StatX.STATX_ATTR_APPEND) != 0 || walk.HasProtection('a');
        if (!isImmutable && !isAppendOnly)
        {
            return;
        }

        json.WriteStartArray("attributes"u8);
        if (isImmutable)
        {
            json.WriteStringValue("immutable"u8);
        }

        if (isAppendOnly)
        {
            json.WriteStringValue("append-only"u8);
        }

        json.WriteEndArray();
    }

    private void Target(in StatX stat, ReadOnlySpan<byte> target)
    {
        if (Nodes.Type(stat) == Libc.S_IFLNK && !target.IsEmpty)
        {
            Name("target"u8, "target_b64"u8, target);
        }
    }

    private void Xattrs(XattrList xattrs)
    {
        if (xattrs.Count == 0)
        {
            return;
        }

        json.WriteStartArray("xattrs_b64"u8);
        for (int i = 0; i < xattrs.Count; i++)
        {
            json.WriteStartObject();
            Name("name"u8, "name_b64"u8, xattrs.Name(i));
            json.WriteBase64String("value_b64"u8, xattrs.Value(i));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Content(ContentDigest content)
    {
        if (!content.IsPresent)
        {
            return;
        }

        if (content.HasFlat)
        {
            Hex("sha256"u8, content.Flat);
        }

        if (content.IsSparse)
        {
            json.WriteStartObject("sparse"u8);
            json.WriteNumber("data_bytes"u8, content.Map.DataBytes);
            json.WriteNumber("extent_count"u8, content.Map.Count);
            if (content.Map.Count <= MaxListedExtents)
            {
                json.WriteStartArray("extents"u8);
                foreach ((long start, long length) in content.Map.Extents)
                {
                    json.WriteStartArray();
                    json.WriteNumberValue(start);
                    json.WriteNumberValue(length);
                    json.WriteEndArray();
                }

                json.WriteEndArray();
            }

            Hex("sha256"u8, content.OfExtents);
            json.WriteEndObject();
        }
    }

    private void Hex(ReadOnlySpan<byte> name, ReadOnlySpan<byte> hash)
    {
        Span<byte> text = stackalloc byte[64];
        Convert.TryToHexStringLower(hash, text, out _);
        json.WriteString(name, text);
    }

    private void Time(ReadOnlySpan<byte> name, StatXTime time)
    {
        Span<byte> text = stackalloc byte[UnixTime.MaxTextBytes];
        json.WriteString(name, text[..UnixTime.From(time).Format(text)]);
    }

    private void Device(ReadOnlySpan<byte> name, uint major, uint minor)
    {
        Span<byte> text = stackalloc byte[24];
        major.TryFormat(text, out int length, provider: CultureInfo.InvariantCulture);
        text[length++] = (byte)':';
        minor.TryFormat(text[length..], out int more, provider: CultureInfo.InvariantCulture);
        json.WriteString(name, text[..(length + more)]);
    }

    private void Words<T>(ReadOnlySpan<byte> name, T flags, (T Flag, string Word)[] words)
        where T : struct, Enum
    {
        if (EqualityComparer<T>.Default.Equals(flags, default))
        {
            return;
        }

        json.WriteStartArray(name);
        foreach ((T flag, string word) in words)
        {
            if (flags.HasFlag(flag))
            {
                json.WriteStringValue(word);
            }
        }

        json.WriteEndArray();
    }

    private void Path(ReadOnlySpan<byte> name, ReadOnlySpan<byte> exactName, ReadOnlySpan<byte> path)
    {
        if (slashed.Length <= path.Length)
        {
            slashed = new byte[path.Length * 2];
        }

        slashed[0] = (byte)'/';
        path.CopyTo(slashed.AsSpan(1));
        Name(name, exactName, slashed.AsSpan(0, path.Length + 1));
    }

    private void Name(ReadOnlySpan<byte> name, ReadOnlySpan<byte> exactName, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOfAnyExcept(Plain) < 0)
        {
            json.WriteString(name, bytes);
        }
        else
        {
            json.WriteString(name, DisplayText.Escape(bytes));
        }

        json.WriteBase64String(exactName, bytes);
    }
}
