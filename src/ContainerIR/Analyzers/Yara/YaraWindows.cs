using System.Formats.Tar;
using System.Globalization;
using ContainerIR.Cases;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Analyzers.Yara;

/// <summary>A part of an item laid out as a file for the scanner.</summary>
/// <param name="File">Its path.</param>
/// <param name="Item">Item of the bundle.</param>
/// <param name="Member">Name of the file inside the item where that is an archive, display form; null else.</param>
/// <param name="Start">Offset of its first byte in the item, or in the member.</param>
/// <param name="Bytes">Size.</param>
internal sealed record YaraWindow(string File, SealedItem Item, string? Member, long Start, long Bytes);

/// <summary>
/// Lays out executables, changed files, deleted files and memory in windows of bounded size, so that neither memory nor disk holds more than two of them
/// whatever the bundle has. Windows of one file overlap: a string of up to 64 KiB is in one of them whole.
/// </summary>
internal sealed class YaraWindows(Scene scene, string folder)
{
    public const int WindowBytes = 64 * 1024 * 1024;
    private const int OverlapBytes = 64 * 1024;

    private readonly byte[] buffer = new byte[128 * 1024];
    private int sequence;

    /// <summary>All windows, in the order of the bundle. The file of one is the taker's to delete.</summary>
    public IEnumerable<YaraWindow> LayOut(CancellationToken ct)
    {
        foreach (SealedItem item in scene.Record.Items.Where(IsWanted))
        {
            IEnumerable<YaraWindow> windows = item.Path.EndsWith(".tar.zst", StringComparison.Ordinal) || item.Path.EndsWith(".tar", StringComparison.Ordinal)
                ? OfArchive(item, ct)
                : OfItem(item, ct);
            using IEnumerator<YaraWindow> each = windows.GetEnumerator();
            while (true)
            {
                try
                {
                    if (!each.MoveNext())
                    {
                        break;
                    }
                }
                catch (Exception failure) when (failure is IOException or InvalidDataException or FormatException or UnauthorizedAccessException)
                {
                    scene.Note($"{item.Path}: YARA: it cannot be read further: {failure.Message}");
                    break;
                }

                yield return each.Current;
            }
        }
    }

    private static bool IsWanted(SealedItem item) => item.RawBytes > 0 && item.Collector switch
    {
        "processes" => item.Path.Contains("/exe/", StringComparison.Ordinal) || item.Path.Contains("/fd/", StringComparison.Ordinal) || item.Path.Contains("/map_files/", StringComparison.Ordinal),
        "memory" => item.Path.Contains(".core", StringComparison.Ordinal) && !item.Path.Contains(".jsonl", StringComparison.Ordinal),
        "rootfs-diff" => item.Path.EndsWith("/upper.tar.zst", StringComparison.Ordinal) || item.Path.EndsWith("/export.tar.zst", StringComparison.Ordinal),
        "tmpfs" or "volumes" => item.Path.EndsWith(".tar.zst", StringComparison.Ordinal),
        _ => false,
    };

    private IEnumerable<YaraWindow> OfItem(SealedItem item, CancellationToken ct)
    {
        using SealedContent content = scene.OpenContent(item);
        foreach (YaraWindow window in Cut(content, item, null, ct))
        {
            yield return window;
        }
    }

    private IEnumerable<YaraWindow> OfArchive(SealedItem item, CancellationToken ct)
    {
        using SealedContent content = scene.OpenContent(item);
        using TarReader tar = new(content, leaveOpen: true);
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry is { DataStream: { } data, EntryType: TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile, Length: > 0 })
            {
                foreach (YaraWindow window in Cut(data, item, DisplayText.Shorten(entry.Name, 1000), ct))
                {
                    yield return window;
                }
            }
        }
    }

    private IEnumerable<YaraWindow> Cut(Stream content, SealedItem item, string? member, CancellationToken ct)
    {
        long start = 0;
        byte[] carried = [];
        while (true)
        {
            string path = Path.Combine(folder, (++sequence).ToString("d8", CultureInfo.InvariantCulture));
            byte[] tail = new byte[OverlapBytes];
            long written;
            bool isBlank = true, isEnded = false;
            using (FileStream file = new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1))
            {
                file.Write(carried);
                isBlank &= !carried.AsSpan().ContainsAnyExcept((byte)0);
                written = carried.Length;
                while (written < WindowBytes)
                {
                    ct.ThrowIfCancellationRequested();
                    int count = content.Read(buffer, 0, (int)Math.Min(buffer.Length, WindowBytes - written));
                    if (count == 0)
                    {
                        isEnded = true;
                        break;
                    }

                    isBlank &= !buffer.AsSpan(0, count).ContainsAnyExcept((byte)0);
                    file.Write(buffer, 0, count);
                    written += count;
                }

                if (!isEnded)
                {
                    file.Position = written - OverlapBytes;
                    file.ReadExactly(tail);
                }
            }

            // Holes of memory images are not worth a scan.
            if (isBlank || written == carried.Length)
            {
                File.Delete(path);
            }
            else
            {
                yield return new YaraWindow(path, item, member, start, written);
            }

            if (isEnded)
            {
                yield break;
            }

            start += written - OverlapBytes;
            carried = tail;
        }
    }
}
