using System.Diagnostics;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Images;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Acquisitions;

/// <summary>
/// The main job: one container becomes one sealed bundle, and the bundle is indexed in its case. The engine's events are taken before anything else
/// is asked of it; the journal is on disk before the first evidence is read; collectors run most volatile first.
/// </summary>
public static class Acquirer
{
    /// <summary>Runs one acquisition to its seal.</summary>
    /// <param name="request">What is wanted. Its case must exist.</param>
    /// <param name="parts">Home, passphrase, time.</param>
    /// <param name="progress">Hears how far it is, from several threads; null for nobody.</param>
    /// <param name="ct">Ends the run: the journal is closed, the unsealed bundle stays and can be recovered.</param>
    /// <returns>The sealed bundle. Gaps in it are not errors.</returns>
    /// <exception cref="OperatorException">Something the operator can mend, before or after evidence was read.</exception>
    /// <exception cref="BundleWriteException">The bundle cannot be written: what is on disk can be recovered.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<AcquisitionResult> RunAsync(
        AcquisitionRequest request, AcquisitionParts parts, IProgress<AcquisitionProgress>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(parts);
        Stopwatch watch = Stopwatch.StartNew();
        ProgressRelay relay = new(progress, parts.Clock);
        relay.Enter(AcquisitionStage.Resolving);

        // Keys before evidence: a wrong passphrase must not cost a volatile second later.
        ResponderIdentity identity = Responder.Open(parts, request.Examiner);
        string? bundlesFolder = request.OutDirectory is null || CaseStore.Exists(parts.Home, request.CaseId) ? BundlesFolderOf(parts.Home, request.CaseId) : null;
        SignatureSearch signatures = new([.. request.ImageKeys.SelectMany(SignatureKey.Load)], request.ImageSignatures);
        await using IContainerRuntime runtime = request.Root is { } root
            ? RuntimeConnector.OpenDisk(root, clock: parts.Clock)
            : RuntimeConnector.Find(request.Endpoint, clock: parts.Clock);
        await using EventBacklog events = await runtime.CaptureEventsAsync(ct);
        ContainerRef container = await runtime.ResolveAsync(request.Container, ct);

        HostFacts host = HostFacts.Read();
        string outDirectory = request.OutDirectory ?? bundlesFolder!;
        BundleOptions options = new()
        {
            OutDirectory = outDirectory,
            Name = "",
            CaseId = request.CaseId,
            Agent = ToolFacts.Agent,
            MakeFrameCodec = Compressions.Codec(request.Compression),
            Clock = parts.Clock,
            Progress = relay,
        };
        SealedBundle bundle;
        await using (BundleWriter writer = await OpenAsync(options, () => BundleName.Make(request.CaseId, parts.Clock.GetUtcNow(), host.HostName, container.Id), ct))
        {
            relay.Begin(writer.Path);
            bundle = await FillAndSealAsync(writer, request, parts, identity, runtime, events, container, host, signatures, relay, ct);
        }

        relay.Enter(AcquisitionStage.Indexing);
        string? indexProblem = await IndexAsync(parts.Home, request, bundle.Path);
        relay.Enter(AcquisitionStage.Done);
        return new AcquisitionResult
        {
            BundlePath = bundle.Path,
            RootSha256 = bundle.RootSha256,
            CaseId = request.CaseId,
            Items = bundle.Items,
            Gaps = bundle.Gaps,
            Duration = watch.Elapsed,
            TimestampFault = bundle.TimestampFault,
            IndexProblem = indexProblem,
        };
    }

    /// <summary>Opens a bundle under the name of this second; another acquisition of the container may have taken it, so the next second's is tried.</summary>
    internal static async Task<BundleWriter> OpenAsync(BundleOptions options, Func<string> makeName, CancellationToken ct)
    {
        const int tries = 100;
        for (int i = 1; ; i++)
        {
            string name = makeName();
            try
            {
                return BundleWriter.Open(options with { Name = name });
            }
            catch (OperatorException) when (i < tries && Directory.Exists(Path.Combine(options.OutDirectory, name)))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
            }
        }
    }

    private static async Task<SealedBundle> FillAndSealAsync(
        BundleWriter writer,
        AcquisitionRequest request,
        AcquisitionParts parts,
        ResponderIdentity identity,
        IContainerRuntime runtime,
        EventBacklog events,
        ContainerRef container,
        HostFacts host,
        SignatureSearch signatures,
        ProgressRelay relay,
        CancellationToken ct)
    {
        CustodyRecord custody = Circumstances.Describe(request, identity, container, host, runtime.Endpoint, parts.Clock.GetUtcNow());
        writer.RecordPolicy(parts.Seal.Policy);
        Circumstances.RecordClock(writer, host.Clock, "start");
        writer.RecordCustody(custody);
        CaseWork.SealHead(writer, parts.Home, request.CaseId);
        ClockWatch clocks = new(writer, host.Clock, ClockFacts.Read);
        CollectionContext context = new(runtime, events, request.Profile, parts.Clock)
        {
            ImageLayers = request.ImageLayers,
            Signatures = signatures,
            Choices = request.Choices,
            Mounts = request.Mounts,
        };
        List<Task> beside = [];
        using CancellationTokenSource run = CancellationTokenSource.CreateLinkedTokenSource(ct);

        // Beside the collectors: what is volatile does not wait for a network.
        beside.Add(StampJournalAsync(writer, parts.Seal.Authorities, parts.Clock, run.Token));
        try
        {
            foreach (CollectorEntry entry in CollectorList.All)
            {
                ct.ThrowIfCancellationRequested();
                bool isWanted = entry.IsWanted(request.Profile, request.Choices) || (entry.Name == VolumesCollector.CollectorName && request.Mounts.Count > 0);
                if (!isWanted || request.Skip.Contains(entry.Name))
                {
                    writer.Record("collector.skip", json =>
                    {
                        json.WriteString("collector", entry.Name);
                        json.WriteString("reason", isWanted || entry.From <= request.Profile ? "left out by the operator" : $"not in profile {request.Profile.ToString().ToLowerInvariant()}");
                    });
                    continue;
                }

                if (!runtime.IsLive && entry.Volatility < Volatility.Disk)
                {
                    writer.AddGap(new Gap(entry.Name, $"everything of collector {entry.Name}", $"read from {runtime.Endpoint}: no system runs there, what was volatile is gone", parts.Clock.GetUtcNow()));
                    continue;
                }

                clocks.Look($"collector {entry.Name}");
                Task collecting = CollectAsync(writer, entry, context, container, relay, run.Token);
                if (entry.RunsBeside)
                {
                    beside.Add(collecting);
                }
                else
                {
                    await collecting;
                }
            }

            custody = await WithEngineAsync(custody, writer, runtime, ct);
            await Task.WhenAll(beside);
        }
        catch (Exception failure) when (failure is OperationCanceledException or BundleWriteException)
        {
            // Whoever still copies must let go of the bundle before it is closed.
            await run.CancelAsync();
            await Task.WhenAll(beside).ContinueWith(static _ => { }, TaskScheduler.Default);
            if (failure is OperationCanceledException)
            {
                writer.Record("run.cancelled", json => json.WriteString("reason", "interrupted by the operator"));
            }

            throw;
        }

        custody = clocks.Finish(custody);
        relay.Enter(AcquisitionStage.Sealing);
        return await writer.SealAsync(custody, identity, parts.Seal.Policy, parts.Seal.Authorities, ct);
    }

    private static async Task StampJournalAsync(BundleWriter writer, TimestampClient? authorities, TimeProvider clock, CancellationToken ct)
    {
        if (authorities is null)
        {
            return;
        }

        try
        {
            await JournalTimestamp.RecordAsync(writer, authorities, ct);
        }
        catch (OperatorException failure)
        {
            writer.AddGap(new Gap("acquirer", "a time-stamp token over the first lines of the journal", failure.Message, clock.GetUtcNow()));
        }
    }

    private static async Task CollectAsync(
        BundleWriter writer, CollectorEntry entry, CollectionContext context, ContainerRef container, ProgressRelay relay, CancellationToken ct)
    {
        relay.EnterCollector(entry.Name, entry.RunsBeside);
        RelayedSink sink = new(writer.OpenSection(entry.Name, (int)entry.Volatility), entry.Name, relay);
        writer.Record("collector.start", json =>
        {
            json.WriteString("collector", entry.Name);
            json.WriteNumber("volatility", (int)entry.Volatility);
        });
        Stopwatch watch = Stopwatch.StartNew();
        string outcome = "ended";
        try
        {
            await entry.Make(context).CollectAsync(container, sink, ct);
        }
        catch (Exception failure) when (failure is not (BundleWriteException or OperationCanceledException or OutOfMemoryException))
        {
            // One collector's fault must not cost the evidence of the others: it is a gap that names the fault, and the run ends with exit 4.
            outcome = "failed";
            sink.AddGap($"the rest of collector {entry.Name}", $"{failure.GetType().Name}: {failure.Message}");
            writer.Record("item.error", json =>
            {
                json.WriteString("collector", entry.Name);
                json.WriteString("fault", DisplayText.Shorten(failure.ToString(), 2000));
            });
        }

        relay.EndCollector(entry.Name, watch.Elapsed);
        writer.Record("collector.end", json =>
        {
            json.WriteString("collector", entry.Name);
            json.WriteString("outcome", outcome);
            json.WriteNumber("duration_ns", watch.Elapsed.Ticks * 100);
        });
    }

    // Asked last: the version is the least volatile thing there is. A missing answer is a gap, not the end.
    private static async Task<CustodyRecord> WithEngineAsync(CustodyRecord custody, BundleWriter writer, IContainerRuntime runtime, CancellationToken ct)
    {
        try
        {
            return Circumstances.WithEngine(custody, await runtime.ReadFactsAsync(ct));
        }
        catch (Exception failure) when (failure is IOException or OperatorException)
        {
            writer.AddGap(new Gap("acquirer", "version and settings of the engine", failure.Message, DateTimeOffset.UtcNow));
            return custody;
        }
    }

    private static async Task<string?> IndexAsync(CaseHome home, AcquisitionRequest request, string bundlePath)
    {
        try
        {
            using CaseStore store = CaseStore.Open(home, request.CaseId);
            // Not cancellable: the bundle is sealed, and an index that is half there would be rebuilt anyway.
            await CaseIndexer.IndexAsync(store, bundlePath, CaseFindings.Judge, CancellationToken.None);
            CaseWork.Record(store, Casebook.Acquired, request.Examiner, Path.GetFileName(bundlePath), request.Reason is { Length: > 0 } reason ? reason : "acquired");
            return null;
        }
        catch (OperatorException failure)
        {
            return $"{failure.Message} {failure.Remedy}";
        }
    }

    private static string BundlesFolderOf(CaseHome home, string caseId)
    {
        using CaseStore store = CaseStore.Open(home, caseId);
        Casebook.RefuseIfClosed(store);
        return store.BundlesFolder;
    }
}
