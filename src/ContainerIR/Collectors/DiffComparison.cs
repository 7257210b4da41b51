using ContainerIR.Diffs;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Collectors;

/// <summary>Compares an object of the writable layer with its original, fact by fact.</summary>
internal static class DiffComparison
{
    // Beyond so many attributes a different order counts as a difference: comparing all with all is what a hostile tree would want.
    private const int MaxUnorderedXattrs = 256;

    private const DiffChanges Substance = DiffChanges.Type | DiffChanges.Content | DiffChanges.Target | DiffChanges.Device;
    private const DiffChanges Metadata = DiffChanges.Mode | DiffChanges.Uid | DiffChanges.Gid | DiffChanges.Xattrs;

    /// <summary>What differs.</summary>
    /// <param name="now">The object.</param>
    /// <param name="line">Its content and link target; told when the answer rests on metadata.</param>
    /// <param name="original">The original.</param>
    /// <param name="isMetacopy">Whether the object's data is the original's by what the overlay says.</param>
    public static DiffChanges Compare(in StatX now, DiffLine line, OriginalFacts original, bool isMetacopy)
    {
        ref readonly StatX before = ref original.Stat;
        DiffChanges changes = DiffChanges.None;
        changes |= (now.stx_mode & 0xFFF) != (before.stx_mode & 0xFFF) ? DiffChanges.Mode : 0;
        changes |= now.stx_uid != before.stx_uid ? DiffChanges.Uid : 0;
        changes |= now.stx_gid != before.stx_gid ? DiffChanges.Gid : 0;
        changes |= UnixTime.From(now.stx_mtime) != UnixTime.From(before.stx_mtime) ? DiffChanges.Modified : 0;
        if (Nodes.Type(now) != Nodes.Type(before))
        {
            return changes | DiffChanges.Type;
        }

        return changes | (Nodes.Type(now) switch
        {
            Libc.S_IFREG when !isMetacopy => Content(now, before, line, original),
            Libc.S_IFLNK when !line.Link.AsSpan(0, line.LinkBytes).SequenceEqual(original.Link.AsSpan(0, original.LinkBytes)) => DiffChanges.Target,
            Libc.S_IFCHR or Libc.S_IFBLK when now.stx_rdev_major != before.stx_rdev_major || now.stx_rdev_minor != before.stx_rdev_minor => DiffChanges.Device,
            _ => DiffChanges.None,
        });
    }

    /// <summary>The verdict that goes with the differences. The time of a directory changes with what is in it and does not count.</summary>
    public static DiffVerdict VerdictOf(DiffChanges changes, bool isDirectory) =>
        (changes & Substance) != 0 ? DiffVerdict.Modified
        : (changes & Metadata) != 0 || (!isDirectory && (changes & DiffChanges.Modified) != 0) ? DiffVerdict.MetadataOnly
        : DiffVerdict.Touched;

    /// <summary>Facts about times that do not fit.</summary>
    public static DiffSigns SignsOf(in StatX now, DiffLine line, UnixTime capturedAt)
    {
        var modified = UnixTime.From(now.stx_mtime);
        var changed = UnixTime.From(now.stx_ctime);
        bool isOriginals = line.Original.IsPresent && (line.Changes & DiffChanges.Modified) == 0;
        DiffSigns signs = DiffSigns.None;
        signs |= isOriginals && Nodes.IsRegular(now) && (line.Changes & DiffChanges.Content) != 0 && !line.IsByMetadata ? DiffSigns.ContentDiffersTimeSame : 0;
        signs |= modified > changed ? DiffSigns.ModifiedAfterChange : 0;
        signs |= modified > capturedAt ? DiffSigns.ModifiedInFuture : 0;
        if (!isOriginals)
        {
            signs |= (now.stx_mask & StatX.STATX_BTIME) != 0 && modified < UnixTime.From(now.stx_btime) ? DiffSigns.ModifiedBeforeBirth : 0;
            signs |= modified.Nanoseconds == 0 && changed.Nanoseconds != 0 ? DiffSigns.ModifiedOnWholeSecond : 0;
        }

        return signs;
    }

    /// <summary>Whether two objects have the same extended attributes, the overlay's own marks left out.</summary>
    public static bool SameXattrs(XattrList one, XattrList other, OverlayMarks marks)
    {
        int own = CountOwn(one, marks);
        if (own != CountOwn(other, marks))
        {
            return false;
        }

        for (int i = 0, j = 0; i < one.Count; i++)
        {
            if (marks.IsMark(one.Name(i)))
            {
                continue;
            }

            while (marks.IsMark(other.Name(j)))
            {
                j++;
            }

            bool same = one.Name(i).SequenceEqual(other.Name(j))
                ? one.Value(i).SequenceEqual(other.Value(j))
                : own <= MaxUnorderedXattrs && other.TryGet(one.Name(i), out ReadOnlySpan<byte> value) && one.Value(i).SequenceEqual(value);
            if (!same)
            {
                return false;
            }

            j++;
        }

        return true;
    }

    private static int CountOwn(XattrList list, OverlayMarks marks)
    {
        int count = 0;
        for (int i = 0; i < list.Count; i++)
        {
            count += marks.IsMark(list.Name(i)) ? 0 : 1;
        }

        return count;
    }

    private static DiffChanges Content(in StatX now, in StatX before, DiffLine line, OriginalFacts original)
    {
        if (now.stx_size != before.stx_size)
        {
            return DiffChanges.Content;
        }

        if (now.stx_size == 0)
        {
            return DiffChanges.None;
        }

        if (line.Content.IsPresent && original.Content.IsPresent && line.Content.CanCompare(original.Content))
        {
            return line.Content.SameContent(original.Content) ? DiffChanges.None : DiffChanges.Content;
        }

        line.IsByMetadata = true;
        return UnixTime.From(now.stx_mtime) != UnixTime.From(before.stx_mtime) ? DiffChanges.Content : DiffChanges.None;
    }
}
