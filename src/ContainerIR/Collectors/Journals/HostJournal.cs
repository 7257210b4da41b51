using System.Buffers;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Journals;

/// <summary>The systemd journal of the host: all its files, opened together, read without journalctl and without changing one of them.</summary>
internal sealed class HostJournal : IDisposable
{
    private const int MaxFiles = 2000;
    private const int FlushBytes = 256 * 1024;

    private static readonly string[] Homes = ["/var/log/journal", "/run/log/journal"];

    private readonly List<(HostFile File, JournalFile Journal)> files = [];
    private readonly List<(string Sought, string Reason)> gaps = [];

    private HostJournal()
    {
    }

    /// <summary>Paths of the files, display form.</summary>
    public IReadOnlyList<string> Paths => [.. files.Select(file => file.File.Path)];

    /// <summary>What is there and could not be read.</summary>
    public IEnumerable<(string Sought, string Reason)> Gaps => gaps.Concat(files.SelectMany(file => file.Journal.Problems.Select(problem => (file.File.Path, problem))));

    /// <summary>Opens all files of the journal; none is no error.</summary>
    /// <param name="prefix">What makes a path of the host true for us.</param>
    public static HostJournal Open(string prefix) => Open([.. Homes.Select(home => prefix + home)]);

    /// <summary>Opens all files below some folders.</summary>
    internal static HostJournal Open(IReadOnlyList<string> homes)
    {
        HostJournal journal = new();
        foreach (string home in homes)
        {
            foreach (string machine in HostDirectory.TextNames(home))
            {
                foreach (string name in HostDirectory.TextNames($"{home}/{machine}"))
                {
                    // A file that was not closed in order is renamed to end in a tilde; its entries are evidence like others.
                    if (name.EndsWith(".journal", StringComparison.Ordinal) || name.EndsWith(".journal~", StringComparison.Ordinal))
                    {
                        journal.Add($"{home}/{machine}/{name}");
                    }
                }
            }
        }

        return journal;
    }

    /// <summary>Every entry that holds one of the fields, of all files, by time.</summary>
    public IEnumerable<JournalEntry> EntriesWith(IReadOnlyList<byte[]> wanted, CancellationToken ct)
    {
        PriorityQueue<IEnumerator<JournalEntry>, (ulong, ulong)> queue = new();
        try
        {
            foreach ((_, JournalFile file) in files)
            {
                IEnumerator<JournalEntry> entries = file.EntriesWith(wanted, ct).GetEnumerator();
                Enqueue(queue, entries);
            }

            while (queue.TryDequeue(out IEnumerator<JournalEntry>? next, out _))
            {
                JournalEntry entry = next.Current;
                Enqueue(queue, next);
                yield return entry;
            }
        }
        finally
        {
            foreach ((IEnumerator<JournalEntry> entries, _) in queue.UnorderedItems)
            {
                entries.Dispose();
            }
        }
    }

    /// <summary>Stores entries in the Journal Export Format. Each is shown to a reader with the place it stands at.</summary>
    /// <returns>How many there were.</returns>
    public async Task<long> ExportAsync(
        IReadOnlyList<byte[]> wanted, Predicate<JournalEntry> isWanted, string name, string source, IEvidenceSink sink, Func<JournalEntry, long, long, ValueTask>? onEntry, CancellationToken ct)
    {
        long count = 0, offset = 0;
        ArrayBufferWriter<byte> buffer = new();
        ItemWriter? item = null;
        try
        {
            foreach (JournalEntry entry in EntriesWith(wanted, ct))
            {
                if (!isWanted(entry))
                {
                    continue;
                }

                item ??= sink.Create(name, new ItemOptions(source, ItemForm.Frames));
                int before = buffer.WrittenCount;
                entry.WriteExport(buffer);
                int length = buffer.WrittenCount - before;
                if (onEntry is not null)
                {
                    await onEntry(entry, offset, length);
                }

                (offset, count) = (offset + length, count + 1);
                if (buffer.WrittenCount > FlushBytes)
                {
                    await item.WriteAsync(buffer.WrittenMemory, ct);
                    buffer.ResetWrittenCount();
                }
            }

            if (item is not null)
            {
                await item.WriteAsync(buffer.WrittenMemory, ct);
                await item.CompleteAsync(null, ct);
            }

            return count;
        }
        finally
        {
            if (item is not null)
            {
                await item.DisposeAsync();
            }
        }
    }

    public void Dispose()
    {
        foreach ((HostFile file, _) in files)
        {
            file.Dispose();
        }
    }

    private static void Enqueue(PriorityQueue<IEnumerator<JournalEntry>, (ulong, ulong)> queue, IEnumerator<JournalEntry> entries)
    {
        if (entries.MoveNext())
        {
            queue.Enqueue(entries, (entries.Current.RealtimeUs, entries.Current.Sequence));
        }
        else
        {
            entries.Dispose();
        }
    }

    private void Add(string path)
    {
        if (files.Count >= MaxFiles)
        {
            gaps.Add((DisplayText.Escape(path), $"the journal has more than {MaxFiles} files"));
            return;
        }

        HostFile? file = null;
        try
        {
            file = HostFile.Open(path);
            HostFile open = file;
            if (JournalFile.Open((buffer, at) => open.ReadAt(buffer, at), (long)file.Stat.stx_size, out string whyNot) is { } journal)
            {
                files.Add((file, journal));
                return;
            }

            gaps.Add((file.Path, whyNot));
        }
        catch (HostFileException failure)
        {
            gaps.Add((DisplayText.Escape(path), failure.Message));
        }

        file?.Dispose();
    }
}
