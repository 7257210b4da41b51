using System.Globalization;
using System.Text;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Exporters;

/// <summary>Bodyfile of The Sleuth Kit 3, for <c>mactime</c>: a line for each changed file, and one for what it was before.</summary>
/// <remarks>
/// <code>MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime</code>
/// mactime takes <c>%HH</c> for a byte and drops a line with a raw <c>|</c> in the name without a word. Times carry their fraction; mactime cuts it off,
/// others read it. A time before 1970 cannot be said: it is written as 0 ("unknown"), and the derivation record says how many.
/// </remarks>
internal sealed class MactimeExporter : IExporter
{
    public string Name => "mactime";

    public string Description => "bodyfile of The Sleuth Kit (mactime, plaso): changed files and what they were before";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using DerivedFile body = folder.Create("mactime.body");
        Write(bundle, body, ct);
    }

    /// <summary>Writes the lines of a bundle.</summary>
    public static void Write(VerifiedBundle bundle, DerivedFile body, CancellationToken ct)
    {
        long before1970 = 0, timeless = 0;
        StringBuilder line = new();
        foreach ((_, _, DiffEntry entry) in bundle.Diff(ct))
        {
            string verdict = DiffWords.Of(entry.Verdict);
            if (entry.Object is { } now)
            {
                Add(entry, now, verdict);
            }

            if (entry.Original is { } before)
            {
                Add(entry, before, "before: " + verdict);
            }
        }

        if (before1970 > 0)
        {
            bundle.Note($"{before1970} times before 1970 are written as unknown: a bodyfile cannot say them");
        }

        if (timeless > 0)
        {
            bundle.Note($"{timeless} entries have no time at all: mactime passes over them");
        }

        void Add(DiffEntry entry, DiffObject at, string remark)
        {
            line.Clear().Append("0|");
            AppendName(line, entry.DisplayPath);
            if (at.LinkTarget is { } target)
            {
                line.Append(" -> ");
                AppendName(line, DisplayText.Escape(target));
            }

            line.Append(" (").Append(remark).Append(")|").Append(CultureInfo.InvariantCulture, $"{at.Inode}|");
            AppendMode(line, at);
            line.Append(CultureInfo.InvariantCulture, $"|{at.Uid}|{at.Gid}|{at.SizeBytes}");
            bool any = AppendTime(at.AccessedAt) | AppendTime(at.ModifiedAt) | AppendTime(at.ChangedAt) | AppendTime(at.BornAt);
            timeless += any ? 0 : 1;
            body.Write(line.Append('\n').ToString());
        }

        bool AppendTime(UnixTime? time)
        {
            before1970 += time is { Seconds: < 0 } ? 1 : 0;
            bool isKnown = time is { Seconds: >= 0 };
            line.Append('|').Append(isKnown ? time!.Value.ToString() : "0");
            return isKnown;
        }
    }

    private static void AppendName(StringBuilder line, string display)
    {
        // The display form has no line end and no control character; these two are the bodyfile's own.
        foreach (char c in display)
        {
            _ = c switch
            {
                '|' => line.Append("%7C"),
                '%' => line.Append("%25"),
                _ => line.Append(c),
            };
        }
    }

    /// <summary>As fls writes it: kind by name and by inode, then nine letters.</summary>
    private static void AppendMode(StringBuilder line, DiffObject at)
    {
        char kind = at.Kind switch
        {
            DiffKind.Directory or DiffKind.OpaqueDirectory => 'd',
            DiffKind.SymbolicLink => 'l',
            DiffKind.Fifo => 'p',
            DiffKind.Socket => 'h',
            DiffKind.CharacterDevice or DiffKind.Whiteout => 'c',
            DiffKind.BlockDevice => 'b',
            DiffKind.File => 'r',
            _ => '-',
        };
        line.Append(kind).Append('/').Append(kind);
        for (int shift = 6; shift >= 0; shift -= 3)
        {
            int bits = at.Mode >> shift;
            bool special = (at.Mode & (shift == 6 ? 0x800 : shift == 3 ? 0x400 : 0x200)) != 0;
            char letter = shift == 0 ? 't' : 's';
            line.Append((bits & 4) != 0 ? 'r' : '-').Append((bits & 2) != 0 ? 'w' : '-')
                .Append((bits & 1) != 0 ? special ? letter : 'x' : special ? char.ToUpperInvariant(letter) : '-');
        }
    }
}
