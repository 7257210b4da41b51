using System.Buffers;
using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Traffic;

/// <summary>
/// A capture that runs beside the other collectors: <see cref="Start"/> returns at once, <see cref="FinishAsync"/> waits for its end. The items are open
/// all the time; packets go through a fixed number of buffers into the bundle.
/// </summary>
internal sealed class TrafficCapture : IAsyncDisposable
{
    private readonly IEvidenceSink sink;
    private readonly TrafficOptions options;
    private readonly IReadOnlyList<OpenTap> taps;
    private readonly IReadOnlyList<(string Interface, ulong Namespace, string Reason)> leftOut;
    private readonly TrafficQueue queue = new();
    private readonly TaskCompletionSource read = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TapReader? reader;
    private readonly ItemWriter? packets;
    private readonly ItemWriter? dns;
    private readonly Task written = Task.CompletedTask;

    private TrafficCapture(
        IEvidenceSink sink, TrafficOptions options, TimeProvider clock, List<OpenTap> taps, IReadOnlyList<(string Interface, ulong Namespace, string Reason)> leftOut)
    {
        (this.sink, this.options, this.taps, this.leftOut) = (sink, options, taps, leftOut);
        if (taps.Count == 0)
        {
            return;
        }

        packets = sink.Create("traffic.pcapng", new ItemOptions(Source()));
        dns = sink.Create("dns.jsonl", new ItemOptions("DNS messages in traffic.pcapng"));
        reader = new TapReader(taps, options, clock, queue.To(packets), queue.To(dns));
        written = queue.WriteAllAsync();
        new Thread(Read) { IsBackground = true, Name = "traffic" }.Start();
    }

    /// <summary>Interfaces being read. None: nothing runs, and the sink has the gaps that say why.</summary>
    public IReadOnlyList<Tap> Taps => [.. taps.Select(open => open.Tap)];

    /// <summary>Starts to record what passes the container's interfaces.</summary>
    /// <param name="container">The container.</param>
    /// <param name="doors">The network namespaces its processes use.</param>
    /// <param name="sink">Section that gets traffic.pcapng, flows.jsonl, dns.jsonl and summary.json, and the gaps.</param>
    /// <param name="options">How long, how much, from where.</param>
    /// <param name="clock">Time.</param>
    /// <exception cref="Evidence.BundleWriteException">The items cannot be opened.</exception>
    public static TrafficCapture Start(ContainerRef container, IReadOnlyList<NamespaceDoor> doors, IEvidenceSink sink, TrafficOptions options, TimeProvider clock)
    {
        using TapFinder finder = new(options, container.InitPid, sink);
        List<OpenTap> taps = finder.Open(doors);
        foreach (Tap tap in taps.Select(open => open.Tap).Where(tap => !tap.IsHostSide))
        {
            sink.AddEffect(
                $"a packet socket stands in network namespace {tap.ContainerNamespace} on {tap.ContainerName} while traffic is recorded: /proc/net/packet shows it, and the "
                + "namespace lives at least as long");
        }

        try
        {
            return new TrafficCapture(sink, options, clock, taps, finder.LeftOut);
        }
        catch
        {
            taps.ForEach(tap => tap.Dispose());
            throw;
        }
    }

    /// <summary>Ends the capture now and stores it.</summary>
    /// <inheritdoc cref="FinishAsync"/>
    public Task StopAsync(CancellationToken ct)
    {
        reader?.Stop(TrafficEnd.Stopped);
        return FinishAsync(ct);
    }

    /// <summary>Waits until the capture's time or size is reached, and stores it. Cancelled, what was captured is stored as a partial, valid item.</summary>
    /// <exception cref="Evidence.BundleWriteException">The bundle cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what was captured is stored.</exception>
    public async Task FinishAsync(CancellationToken ct)
    {
        if (reader is null)
        {
            return;
        }

        await using (packets!)
        await using (dns!)
        {
            using (ct.Register(() => reader.Stop(TrafficEnd.Cancelled)))
            {
                await EndAsync();
            }

            // A capture is small and open: it is closed properly even when the run was cancelled.
            string? error = reader.End == TrafficEnd.Cancelled ? "the run was cancelled" : null;
            _ = await packets!.CompleteAsync(error, CancellationToken.None);
            _ = await dns!.CompleteAsync(error, CancellationToken.None);
            await WriteFlowsAsync(error);
            _ = await sink.AddAsync(
                "summary.json", TrafficSummary.Write(options, reader, taps, leftOut), new ItemOptions("counters of the capture and of its packet sockets"), CancellationToken.None);
            AddGaps();
            Release();
        }

        ct.ThrowIfCancellationRequested();
    }

    /// <summary>Ends a capture nobody finished. Its items stay partial.</summary>
    public async ValueTask DisposeAsync()
    {
        if (reader is null || written.IsCompleted)
        {
            Release();
            return;
        }

        reader.Stop(TrafficEnd.Stopped);
        try
        {
            await EndAsync();
        }
        finally
        {
            Release();
            await packets!.DisposeAsync();
            await dns!.DisposeAsync();
        }
    }

    private void Read()
    {
        try
        {
            reader!.Run();
            read.SetResult();
        }
        catch (Exception failure)
        {
            read.SetException(failure);
        }
        finally
        {
            queue.Complete();
        }
    }

    private async Task EndAsync()
    {
        try
        {
            await written;
        }
        catch
        {
            reader!.Stop(TrafficEnd.Stopped);
            await read.Task.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            Release();
            throw; // of the two failures this one is the cause
        }

        await read.Task;
    }

    private async Task WriteFlowsAsync(string? error)
    {
        const int chunkBytes = 64 * 1024;
        await using ItemWriter item = sink.Create("flows.jsonl", new ItemOptions("packets of traffic.pcapng, by endpoints"));
        ArrayBufferWriter<byte> lines = new(chunkBytes + 4096);
        using Utf8JsonWriter json = new(lines);
        foreach (Flow flow in reader!.Flows.Flows)
        {
            json.Reset(lines);
            TrafficJson.WriteFlow(json, flow, taps[flow.InterfaceId].Tap);
            json.Flush();
            lines.Write("\n"u8);
            if (lines.WrittenCount >= chunkBytes)
            {
                await item.WriteAsync(lines.WrittenMemory, CancellationToken.None);
                lines.ResetWrittenCount();
            }
        }

        await item.WriteAsync(lines.WrittenMemory, CancellationToken.None);
        _ = await item.CompleteAsync(error, CancellationToken.None);
    }

    private void AddGaps()
    {
        foreach (OpenTap open in taps)
        {
            string what = $"traffic of interface {open.Tap.ContainerName} of network namespace {open.Tap.ContainerNamespace}";
            (_, long dropped) = open.Ring.ReadCounters();
            if (dropped > 0)
            {
                sink.AddGap($"{dropped} packets of the {what}", "they came faster than they could be stored");
            }

            if (open.GoneAtNs is long gone)
            {
                sink.AddGap($"{what} after {Rfc3339.Format(gone)}", "the interface ceased to exist: the container ended or was taken off the network");
            }
        }
    }

    private string Source() =>
        "AF_PACKET on " + string.Join(", ", taps.Select(open => $"{open.Tap.Name} ({open.Tap.ContainerName} of network namespace {open.Tap.ContainerNamespace})"));

    private void Release()
    {
        foreach (OpenTap tap in taps)
        {
            tap.Dispose();
        }

        queue.Dispose();
        reader?.Dispose();
    }
}
