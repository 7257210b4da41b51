using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors.Journals;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// The engine's event backlog as received, the same parsed into rows, and the engine's own log where it writes one to a file. The backlog was taken before any
/// other request of this run (<see cref="IContainerRuntime.CaptureEventsAsync"/>); here it is only stored.
/// </summary>
/// <remarks>Source: Docker Engine API, GET /events. The engine keeps the last 256 events in memory (moby, daemon/events); Podman keeps them in a file or the journal.</remarks>
internal sealed class EventsCollector(CollectionContext context) : ICollector
{
    private const int RingEvents = 256;
    private const long EngineLogLimitBytes = 512L * 1024 * 1024;
    private const int FlushBytes = 64 * 1024;

    private static readonly byte[][] EngineUnits = [.. new[] { "docker.service", "containerd.service", "podman.service" }.Select(unit => Encoding.ASCII.GetBytes("_SYSTEMD_UNIT=" + unit))];

    public string Name => "events";

    public Volatility Volatility => Volatility.EngineMemory;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        EventBacklog events = context.Events;
        if (events.Error is { } error)
        {
            sink.AddGap($"engine events after byte {events.SizeBytes} ({events.Source})", error);
        }

        await using (ItemWriter raw = sink.Create("events.jsonl", new ItemOptions("GET " + events.Source)))
        {
            await events.Rewind().CopyToAsync(raw, ct);
            await raw.CompleteAsync(events.Error, ct);
        }

        Counts counts = await ParseAsync(container, sink, ct);
        if (counts.IsRingFull(context.Runtime.Kind))
        {
            sink.AddGap("engine events before " + (counts.FirstNs is { } first ? Rfc3339.Format(first) : "the first"), "the engine keeps only its last 256 events in memory: older ones are gone");
        }

        EngineLog log = await CopyEngineLogAsync(container, sink, ct);
        await sink.AddJsonAsync("events-summary.json", "derived from events.jsonl", json => Write(json, counts, log), ct);
    }

    private async Task<Counts> ParseAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        Counts counts = new();
        ArrayBufferWriter<byte> buffer = new();
        await using Utf8JsonWriter json = new(buffer);
        await using ItemWriter rows = sink.Create("events-parsed.jsonl", new ItemOptions("derived from events.jsonl"));
        foreach (EventRow row in EngineEvents.Read(context.Events.Rewind(), container.Id, container.ImageId))
        {
            ct.ThrowIfCancellationRequested();
            counts.Add(row);
            row.Write(json);
            await json.FlushAsync(ct);
            json.Reset();
            buffer.Write("\n"u8);
            if (buffer.WrittenCount > FlushBytes)
            {
                await rows.WriteAsync(buffer.WrittenMemory, ct);
                buffer.ResetWrittenCount();
            }
        }

        await rows.WriteAsync(buffer.WrittenMemory, ct);
        await rows.CompleteAsync(null, ct);
        if (counts.Broken > 0)
        {
            sink.AddGap($"{counts.Broken} of {counts.All} events as rows", "these lines are no events in a form we know; they stand in events.jsonl as received");
        }

        return counts;
    }

    /// <summary>The engine's log is what its standard error is: a file can be copied through the descriptor, also when its name is gone.</summary>
    private async Task<EngineLog> CopyEngineLogAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        const string sought = "the engine's own log";
        if (EngineProcess.Find(context.Runtime.Endpoint) is not { } engine)
        {
            sink.AddGap(sought, "the engine's process is not found on this host");
            return new EngineLog(null, "not found");
        }

        string descriptor = string.Create(CultureInfo.InvariantCulture, $"/proc/{engine.Pid}/fd/2");
        string target = HostFile.TryReadLink(descriptor) is { } link ? DisplayText.Escape(link) : "";
        try
        {
            using HostFile file = HostFile.OpenLinked(descriptor);
            long size = Math.Min((long)file.Stat.stx_size, EngineLogLimitBytes);
            await using Stream content = file.OpenStream(size);
            await sink.AddAsync("engine-log.zst", content, new ItemOptions($"{descriptor} -> {target}", ItemForm.Frames), ct);
            if ((long)file.Stat.stx_size > EngineLogLimitBytes)
            {
                sink.AddGap($"{target} after byte {EngineLogLimitBytes}", "over the limit for the engine's log");
            }

            return new EngineLog(engine.Pid, target);
        }
        catch (HostFileException failure)
        {
            if (target.StartsWith("socket:", StringComparison.Ordinal) && await ExportEngineLogAsync(container, engine, sink, ct))
            {
                return new EngineLog(engine.Pid, "systemd journal");
            }

            sink.AddGap(sought, $"its standard error is no file ({target}), and no journal of the host has entries of it: {failure.Message}");
            return new EngineLog(engine.Pid, target);
        }
    }

    /// <summary>What the engine said to the systemd journal. Entries that carry other containers' output are left there.</summary>
    private static async Task<bool> ExportEngineLogAsync(ContainerRef container, EngineProcess engine, IEvidenceSink sink, CancellationToken ct)
    {
        using HostJournal journal = HostJournal.Open(engine.PathPrefix());
        long count = await journal.ExportAsync(
            [Encoding.UTF8.GetBytes("_COMM=" + engine.Name), .. EngineUnits],
            entry => entry.Text("CONTAINER_ID_FULL") is var id && (id.Length == 0 || id == container.Id),
            "engine-log.journal-export.zst", $"entries of {DisplayText.Escape(engine.Name)} in the systemd journal, Journal Export Format", sink, null, ct);
        return count > 0;
    }

    private void Write(Utf8JsonWriter json, Counts counts, EngineLog log)
    {
        json.WriteString("request", "GET " + context.Events.Source);
        json.WriteString("taken_at", context.Events.TakenAt.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture));
        json.WriteNumber("bytes", context.Events.SizeBytes);
        json.WriteNumber("events", counts.All);
        json.WriteNumber("events_of_container", counts.OfContainer);
        json.WriteNumber("unreadable", counts.Broken);
        json.WriteString("first_at", counts.FirstNs is { } first ? Rfc3339.Format(first) : null);
        json.WriteString("last_at", counts.LastNs is { } last ? Rfc3339.Format(last) : null);
        json.WriteBoolean("older_events_lost", counts.IsRingFull(context.Runtime.Kind));
        json.WriteStartObject("of_container_by_class");
        foreach ((string name, int count) in counts.ByClass.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(name, count);
        }

        json.WriteEndObject();
        json.WriteString("own_requests", "The backlog was the first request of this run, so nothing of it is ours. The requests that follow are GET of info, version, lists, inspects, "
            + "image history, networks and, where no log file can be read, logs: none of these makes an event. Requests that would (exec, top, archive, attach, pause, commit) are not made by collectors, nor is an export but where rootfs-diff says that nothing else was left.");
        json.WriteString("engine_log", log.Target);
        if (log.Pid is { } pid)
        {
            json.WriteNumber("engine_pid", pid);
        }
    }

    private sealed record EngineLog(int? Pid, string Target);

    private sealed class Counts
    {
        public int All { get; private set; }

        public int Broken { get; private set; }

        public int OfContainer { get; private set; }

        public long? FirstNs { get; private set; }

        public long? LastNs { get; private set; }

        public Dictionary<string, int> ByClass { get; } = [];

        public bool IsRingFull(string kind) => kind == "docker" && All >= RingEvents;

        public void Add(EventRow row)
        {
            All++;
            Broken += row.Error is null ? 0 : 1;
            FirstNs ??= row.TimeNs;
            LastNs = row.TimeNs ?? LastNs;
            if (row.OfContainer)
            {
                OfContainer++;
                ByClass[row.Class] = ByClass.GetValueOrDefault(row.Class) + 1;
            }
        }
    }
}
