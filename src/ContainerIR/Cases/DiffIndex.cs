using ContainerIR.Diffs;

namespace ContainerIR.Cases;

/// <summary>Changed files: a row each, and their times in the timeline. Times of one object that are equal make one row, as in mactime.</summary>
internal static class DiffIndex
{
    private const int Times = 4;

    public static void Read(Stream content, IndexWriter writer, CancellationToken ct)
    {
        long row = 0;
        foreach (DiffEntry entry in DiffEntries.Read(content, (number, problem) =>
        {
            row = number;
            writer.Note(number, problem);
        }))
        {
            ct.ThrowIfCancellationRequested();
            row++;
            Add(entry, row, writer);
        }
    }

    private static void Add(DiffEntry entry, long row, IndexWriter writer)
    {
        string display = entry.DisplayPath;
        string verdict = DiffWords.Of(entry.Verdict);

        // What was deleted is known by its original; everything else by itself.
        DiffObject? known = entry.Kind == DiffKind.Whiteout || entry.Object is null ? entry.Original ?? entry.Object : entry.Object;
        FourTimes times = TimesOf(known);
        writer.BeginDiffEntry(row, entry.Path, display).Add(verdict).Add(DiffWords.Of(entry.Kind))
            .Add(known?.Mode).Add(known?.Uid).Add(known?.Gid).Add(known?.SizeBytes)
            .Add(times.Accessed).Add(times.Modified).Add(times.Changed).Add(times.Born)
            .Add(known?.Inode).Add(known?.LinkCount).Add(known?.LinkTarget).Add(Digest.Parse(known?.Sha256));
        writer.EndDiffEntry();
        if (entry.Object is { } now)
        {
            AddTimes(now, TimelineSources.File, $"{verdict} {display}", row, writer);
        }

        if (entry.Original is { } before)
        {
            AddTimes(before, TimelineSources.FileBefore, $"before it was {verdict}: {display}", row, writer);
        }
    }

    private static void AddTimes(DiffObject at, string source, string message, long row, IndexWriter writer)
    {
        (long At, string Meaning)[] times = new (long, string)[Times];
        int count = 0;
        FourTimes four = TimesOf(at);
        Collect(four.Modified, "modified", times, ref count);
        Collect(four.Changed, "changed", times, ref count);
        Collect(four.Born, "born", times, ref count);
        Collect(four.Accessed, "accessed", times, ref count);
        foreach ((long instant, string meaning) in times.AsSpan(0, count))
        {
            writer.AddToTimeline(instant, meaning, source, message, row);
        }
    }

    private static void Collect(long? time, string meaning, (long At, string Meaning)[] times, ref int count)
    {
        if (time is not { } at)
        {
            return;
        }

        for (int i = 0; i < count; i++)
        {
            if (times[i].At == at)
            {
                times[i].Meaning += "+" + meaning;
                return;
            }
        }

        times[count++] = (at, meaning);
    }

    private static FourTimes TimesOf(DiffObject? known) => new(
        known?.AccessedAt is { } accessed ? Instant.ToNanoseconds(accessed.Seconds, accessed.Nanoseconds) : null,
        known?.ModifiedAt is { } modified ? Instant.ToNanoseconds(modified.Seconds, modified.Nanoseconds) : null,
        known?.ChangedAt is { } changed ? Instant.ToNanoseconds(changed.Seconds, changed.Nanoseconds) : null,
        known?.BornAt is { } born ? Instant.ToNanoseconds(born.Seconds, born.Nanoseconds) : null);

    private readonly record struct FourTimes(long? Accessed, long? Modified, long? Changed, long? Born);
}
