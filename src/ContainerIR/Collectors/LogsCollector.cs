using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using ContainerIR.Collectors.Logs;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// The container's output as the engine stored it, byte for byte: the current file, the rotated ones, and what the engine itself still holds open; beside it an
/// index of its lines. Only where no file can be read the engine is asked, and the item says so.
/// </summary>
/// <remarks>Source: the files behind LogPath (json-file, k8s-file), local-logs/container.log (local), container-cached.log (cache of remote drivers), the systemd journal (journald); else GET /containers/{id}/logs.</remarks>
internal sealed class LogsCollector(CollectionContext context) : ICollector
{
    private const long FileLimitBytes = 64L * 1024 * 1024 * 1024;
    private const long UncompressedLimitBytes = 16L * 1024 * 1024 * 1024;
    private const int BufferBytes = 256 * 1024;
    private const long SettledNs = 5_000_000_000;

    public string Name => "logs";

    public Volatility Volatility => Volatility.Disk;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        string driver = container.LogDriver ?? "";
        EngineProcess? engine = EngineProcess.Find(context.Runtime.Endpoint);
        string prefix = engine?.PathPrefix() ?? "";
        await LogPointers.CollectAsync(container, prefix, sink, ct);
        if (driver == "none")
        {
            sink.AddGap("output of the container", "its log driver is none: the engine kept nothing of it");
            return;
        }

        if (driver == "journald" && await JournaldLog.CollectAsync(container, prefix, sink, ct))
        {
            return;
        }

        if (await PlaceAsync(container, driver, sink, ct) is { } place)
        {
            using LogFiles files = LogFiles.Open(place.Path, prefix, place.Item, container.Id, engine);
            foreach ((string sought, string reason) in files.Gaps)
            {
                sink.AddGap(sought, reason);
            }

            if (files.OldestFirst.Count > 0)
            {
                await CopyAsync(container, place, files, sink, ct);
                return;
            }
        }

        await AskEngineAsync(container, driver, sink, ct);
    }

    /// <summary>Where a driver keeps its file, and its form; null where it keeps none that we can name.</summary>
    private async Task<Place?> PlaceAsync(ContainerRef container, string driver, IEvidenceSink sink, CancellationToken ct)
    {
        if (driver is "json-file" or "k8s-file" or "")
        {
            // Podman's compatible answer says json-file of its own form.
            string? path = container.LogPath;
            bool isPodman = driver == "k8s-file" || container.RuntimeKind == "podman";
            return path is { Length: > 0 } ? new Place(path, isPodman ? "ctr.log" : "container-json.log", isPodman ? "k8s-file" : "json-file") : null;
        }

        if (driver is not ("local" or "journald"))
        {
            sink.AddGap($"output as sent by the log driver {DisplayText.Escape(driver)}",
                "it went to another system (its options in inspect.json name it); here is the engine's own cache of it, if any");
        }

        try
        {
            string root = (await context.Runtime.ReadFactsAsync(ct)).RootDirectory;
            return root.Length == 0 || container.RuntimeKind != "docker"
                ? null
                : driver == "local"
                    ? new Place($"{root}/containers/{container.Id}/local-logs/container.log", "container.log", "local")
                    : new Place($"{root}/containers/{container.Id}/container-cached.log", "container-cached.log", "local");
        }
        catch (OperatorException failure)
        {
            sink.AddGap("place of the log files", failure.Message);
            return null;
        }
    }

    private static async Task CopyAsync(ContainerRef container, Place place, LogFiles files, IEvidenceSink sink, CancellationToken ct)
    {
        LogAssembler assembler = new(container.CreatedAt);
        List<string> notes = [.. files.Notes];
        List<Copied> copied = [];
        int indexedGeneration = int.MaxValue;
        await using (ItemWriter index = sink.Create("index.jsonl.zst", new ItemOptions("derived from the log files beside it", ItemForm.Frames)))
        {
            foreach (LogFile file in files.OldestFirst)
            {
                // A file the engine does not write to any more, and the second form of a rotated one, are copied but not indexed: their lines would stand twice.
                bool isIndexed = !(file.Role == "current" && files.IsReplaced) && !(file.Role == "rotated" && file.Generation == indexedGeneration);
                indexedGeneration = file.Generation;
                copied.Add(await CopyFileAsync(file, place, isIndexed ? assembler : null, index, notes, sink, ct));
            }

            assembler.Finish();
            await DrainAsync(assembler, index, ct);
            await index.CompleteAsync(null, ct);
        }

        NoteTimes(container, assembler, files, notes);
        await sink.AddJsonAsync("logs.json", "log files and their index", json => Write(json, container, place, copied, assembler, notes), ct);
    }

    private static async Task<Copied> CopyFileAsync(LogFile file, Place place, LogAssembler? assembler, ItemWriter index, List<string> notes, IEvidenceSink sink, CancellationToken ct)
    {
        long size = (long)file.File.Stat.stx_size;
        string name = file.IsCompressed ? file.ItemName : file.ItemName + ".zst";
        LogDecoder? decoder = assembler is null ? null : place.Decoder(assembler);
        if (assembler is not null)
        {
            assembler.File = name;
        }

        if (!file.File.KeepsAccessTime)
        {
            sink.AddEffect($"read {file.File.Path} without O_NOATIME: its access time may have changed");
        }

        // What is appended after the file was opened is left: a container that writes faster than we read must not hold us for ever.
        await using Stream content = file.File.OpenStream(Math.Min(size, FileLimitBytes));
        await using (ItemWriter item = sink.Create(name, new ItemOptions(file.File.Path, file.IsCompressed ? ItemForm.Plain : ItemForm.Frames) { ExpectedBytes = Math.Min(size, FileLimitBytes) }))
        {
            string? error = await PumpAsync(content, file.IsCompressed ? null : decoder, assembler, index, item, ct);
            error ??= size > FileLimitBytes ? $"over the limit of {FileLimitBytes} bytes" : null;
            if (error is not null)
            {
                sink.AddGap($"{file.File.Path} after byte {item.RawBytes}", error);
            }
            else if (item.RawBytes < size)
            {
                error = string.Create(CultureInfo.InvariantCulture, $"it shrank from {size} to {item.RawBytes} bytes while it was read");
                notes.Add($"{name}: {error}");
            }

            await item.CompleteAsync(error, ct);
        }

        if (file.IsCompressed && decoder is not null)
        {
            await IndexCompressedAsync(file, name, decoder, assembler!, index, notes, ct);
        }

        decoder?.Finish();
        StatX after = file.File.StatNow();
        return new Copied(name, file, after, assembler is not null);
    }

    /// <summary>Copies and indexes in one pass: no byte is read twice.</summary>
    private static async Task<string?> PumpAsync(Stream content, LogDecoder? decoder, LogAssembler? assembler, ItemWriter index, ItemWriter item, CancellationToken ct)
    {
        byte[] buffer = new byte[BufferBytes];
        while (true)
        {
            int count;
            try
            {
                count = await content.ReadAsync(buffer, ct);
            }
            catch (IOException failure)
            {
                return failure.Message;
            }

            if (count == 0)
            {
                return null;
            }

            await item.WriteAsync(buffer.AsMemory(0, count), ct);
            if (decoder is not null)
            {
                decoder.Feed(buffer.AsSpan(0, count));
                await DrainAsync(assembler!, index, ct);
            }
        }
    }

    private static async Task IndexCompressedAsync(
        LogFile file, string name, LogDecoder decoder, LogAssembler assembler, ItemWriter index, List<string> notes, CancellationToken ct)
    {
        long total = 0;
        try
        {
            await using Stream raw = file.File.OpenStream((long)file.File.Stat.stx_size);
            await using GZipStream content = new(raw, CompressionMode.Decompress);
            byte[] buffer = new byte[BufferBytes];
            int count;
            while (total < UncompressedLimitBytes && (count = await content.ReadAsync(buffer, ct)) > 0)
            {
                total += count;
                decoder.Feed(buffer.AsSpan(0, count));
                await DrainAsync(assembler, index, ct);
            }
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException)
        {
            notes.Add($"{name}: {LogFlags.BrokenArchive} after {total} uncompressed bytes: {DisplayText.Shorten(failure.Message, 200)}");
            return;
        }

        if (total >= UncompressedLimitBytes)
        {
            notes.Add($"{name}: indexed to {UncompressedLimitBytes} uncompressed bytes only");
        }
        else if (GzipContent.DeclaredSize(file.File) != (uint)total)
        {
            notes.Add($"{name}: {LogFlags.BrokenArchive}: it gives {total} bytes and ends with another count");
        }
    }

    private static async Task DrainAsync(LogAssembler assembler, ItemWriter index, CancellationToken ct)
    {
        if (!assembler.Rows.IsEmpty)
        {
            await index.WriteAsync(assembler.Rows, ct);
            assembler.ClearRows();
        }
    }

    private static void NoteTimes(ContainerRef container, LogAssembler assembler, LogFiles files, List<string> notes)
    {
        long createdNs = (container.CreatedAt - DateTimeOffset.UnixEpoch).Ticks * 100;
        if (assembler.FirstNs is { } first && first - createdNs > SettledNs)
        {
            notes.Add($"the first record is of {Rfc3339.Format(first)}, the container of {Rfc3339.Format(createdNs)}: it was silent, or what stood before was rotated away or removed");
        }

        HostFile? current = files.OldestFirst.FirstOrDefault(file => file.Role == "current")?.File;
        if (current is not null && assembler.LastNs is { } last && UnixNs(current.Stat.stx_ctime) - last > SettledNs)
        {
            notes.Add($"{current.Path} changed at {Rfc3339.Format(UnixNs(current.Stat.stx_ctime))}, after its last record of {Rfc3339.Format(last)}: something other than the engine's writing touched it, or the last record was cut off");
        }
    }

    private async Task AskEngineAsync(ContainerRef container, string driver, IEvidenceSink sink, CancellationToken ct)
    {
        string source = $"FALLBACK: GET /containers/{container.Id}/logs (no log file of driver {DisplayText.Escape(driver)} could be read; the engine's rendering, not its storage)";
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ContainerLogs, container.Id, ct);
            await sink.AddAsync("engine-output.zst", content, new ItemOptions(source, ItemForm.Frames), ct);
        }
        catch (Exception failure) when (failure is IOException or OperatorException)
        {
            sink.AddGap("output of the container", failure.Message);
        }
    }

    private static long UnixNs(StatXTime time) => (time.tv_sec * 1_000_000_000) + time.tv_nsec;

    private static void Write(Utf8JsonWriter json, ContainerRef container, Place place, List<Copied> copied, LogAssembler assembler, List<string> notes)
    {
        json.WriteString("driver", DisplayText.Escape(container.LogDriver ?? ""));
        json.WriteString("form", place.Form);
        json.WriteStartObject("options");
        foreach ((string name, string value) in container.LogOptions)
        {
            json.WriteString(DisplayText.Shorten(name, 100), DisplayText.Shorten(value, 1000));
        }

        json.WriteEndObject();
        json.WriteStartArray("files");
        foreach (Copied one in copied)
        {
            StatX stat = one.File.File.Stat;
            json.WriteStartObject();
            json.WriteString("item", one.Item);
            json.WriteString("path", one.File.File.Path);
            json.WriteString("role", one.File.Role);
            json.WriteNumber("generation", one.File.Generation);
            json.WriteBoolean("indexed", one.IsIndexed);
            json.WriteNumber("size_bytes", stat.stx_size);
            json.WriteNumber("size_after_bytes", one.After.stx_size);
            json.WriteString("device", string.Create(CultureInfo.InvariantCulture, $"{stat.stx_dev_major}:{stat.stx_dev_minor}"));
            json.WriteNumber("inode", stat.stx_ino);
            json.WriteNumber("links", stat.stx_nlink);
            json.WriteString("modified", Rfc3339.Format(UnixNs(stat.stx_mtime)));
            json.WriteString("changed", Rfc3339.Format(UnixNs(stat.stx_ctime)));
            json.WriteString("born", (stat.stx_mask & StatX.STATX_BTIME) != 0 ? Rfc3339.Format(UnixNs(stat.stx_btime)) : null);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        assembler.WriteSummary(json);
        json.WriteStartArray("notes");
        foreach (string note in notes)
        {
            json.WriteStringValue(note);
        }

        json.WriteEndArray();
    }

    /// <summary>A log: its current file, the name of its items, and its form.</summary>
    private sealed record Place(string Path, string Item, string Form)
    {
        public LogDecoder Decoder(LogAssembler assembler) => Form switch
        {
            "local" => new LocalDecoder(assembler),
            "k8s-file" => new KubernetesFileDecoder(assembler),
            _ => new JsonFileDecoder(assembler),
        };
    }

    private sealed record Copied(string Item, LogFile File, StatX After, bool IsIndexed);
}
