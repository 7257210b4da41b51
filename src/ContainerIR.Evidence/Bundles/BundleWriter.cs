using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Bundles;

/// <summary>
/// A bundle being written. The journal is on disk before anything is copied; whatever happens afterwards, what was proven stays provable.
/// Items, gaps and journal lines may come from several threads. Disposed without a seal, it leaves an unsealed bundle that can be recovered.
/// </summary>
public sealed class BundleWriter : IAsyncDisposable
{
    internal const string PolicyEvent = "seal.policy";

    private const int MaxTextCharacters = 4096;

    private readonly BundleOptions options;
    private readonly Lock gate = new();
    private readonly HashSet<string> reserved = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<BundleItemWriter> open = [];
    private readonly List<EvidenceItem> items = [];
    private readonly List<WrittenFile> payload = [];
    private readonly List<Gap> gaps = [];
    private readonly List<Effect> effects = [];
    private int sections;
    private bool ended;

    private BundleWriter(BundleOptions options, BundleFolder folder, JournalWriter journal)
    {
        (this.options, Folder, Journal) = (options, folder, journal);
        BundleId = Guid.CreateVersion7(options.Clock.GetUtcNow());
        OpenedAt = options.Clock.GetUtcNow();
        Frames = new FramePool(options.MakeFrameCodec);
    }

    /// <summary>Directory of the bundle.</summary>
    public string Path => Folder.Root;

    /// <summary>UUID (version 7) of the bundle.</summary>
    public Guid BundleId { get; }

    /// <summary>When it was opened (UTC).</summary>
    public DateTimeOffset OpenedAt { get; }

    /// <summary>SHA-256 of the journal's last line so far.</summary>
    public string JournalHead => Journal.Head;

    /// <summary>Items closed so far.</summary>
    public IReadOnlyList<EvidenceItem> Items => Copy(items);

    /// <summary>Gaps found so far.</summary>
    public IReadOnlyList<Gap> Gaps => Copy(gaps);

    /// <summary>Effects recorded so far.</summary>
    public IReadOnlyList<Effect> Effects => Copy(effects);

    internal BundleFolder Folder { get; }

    internal JournalWriter Journal { get; }

    internal FramePool Frames { get; }

    internal TimeProvider Clock => options.Clock;

    internal IProgress<ItemProgress>? Progress => options.Progress;

    /// <summary>Makes the directory and the journal with its first line, <c>bundle.open</c>, all of it on the device.</summary>
    /// <exception cref="OperatorException">The directory cannot be made, or is there already.</exception>
    /// <exception cref="BundleWriteException">The journal cannot be written.</exception>
    public static BundleWriter Open(BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Name.Length > BundleName.MaxCharacters || !ItemName.IsSafeSegment(options.Name))
        {
            throw new ArgumentException($"'{options.Name}' is no name for a bundle", nameof(options));
        }

        BundleFolder folder = BundleFolder.Create(options.OutDirectory, options.Name);
        BundleWriter bundle = new(options, folder, JournalWriter.Create(folder, options.Clock));
        bundle.Journal.Append("bundle.open", json =>
        {
            json.WriteString("schema", BundleLayout.Schema);
            json.WriteString("bundle_id", bundle.BundleId);
            json.WriteString("name", options.Name);
            json.WriteString("case", options.CaseId);
            json.WriteString("agent", options.Agent);
        });
        folder.SyncDirectoryOf("");
        return bundle;
    }

    /// <summary>Opens the next section, <c>data/NNNN-COLLECTOR/</c>. Its directory is made with its first item.</summary>
    /// <param name="collector">Name of the collector: lower case, words joined by hyphens.</param>
    /// <param name="volatilityRank">Its place in the order of volatility, 0 the most volatile.</param>
    public IEvidenceSink OpenSection(string collector, int volatilityRank)
    {
        ArgumentNullException.ThrowIfNull(collector);
        if (!ItemName.IsSafeSegment(collector))
        {
            throw new ArgumentException($"'{collector}' is no name for a section", nameof(collector));
        }

        int number = Interlocked.Increment(ref sections);
        return new SectionSink(this, string.Create(CultureInfo.InvariantCulture, $"data/{number:0000}-{collector}"), collector, volatilityRank);
    }

    /// <summary>Journals an event of the acquisition. It is on the device when this returns.</summary>
    /// <param name="event">Dotted lower-case name, for example <c>collector.start</c>.</param>
    /// <param name="fields">Writes the event's own properties into an open JSON object.</param>
    /// <exception cref="BundleWriteException">The journal cannot be written.</exception>
    public JournalEntry Record(string @event, Action<Utf8JsonWriter>? fields = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(@event);
        return Journal.Append(@event, fields);
    }

    /// <summary>Journals the circumstances as known so far (event <c>custody</c>). Recovery of an interrupted bundle takes the last one.</summary>
    /// <exception cref="BundleWriteException">The journal cannot be written.</exception>
    public void RecordCustody(CustodyRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        Journal.Append("custody", json =>
        {
            json.WritePropertyName("record");
            JsonSerializer.Serialize(json, record, CustodyJson.Default.CustodyRecord);
        });
    }

    /// <summary>Journals what the seal is to consist of (event <c>seal.policy</c>): recovery of an interrupted bundle demands the same.</summary>
    /// <exception cref="BundleWriteException">The journal cannot be written.</exception>
    public void RecordPolicy(SealPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Journal.Append(PolicyEvent, json => json.WriteString("policy", policy.ToString()));
    }

    /// <summary>Journals something sought and not obtained outside any section.</summary>
    /// <exception cref="BundleWriteException">The journal cannot be written.</exception>
    public void AddGap(Gap gap)
    {
        ArgumentNullException.ThrowIfNull(gap);
        Gap kept = gap with { Sought = Limit(gap.Sought), Reason = Limit(gap.Reason) };
        lock (gate)
        {
            gaps.Add(kept);
        }

        Journal.Append("gap", json => WriteGapFields(json, kept));
    }

    /// <summary>
    /// Closes the bundle and seals it: manifests, collection record, checkpoint, signature; the signed root comes last, so a bundle that has it is whole.
    /// </summary>
    /// <param name="record">The circumstances.</param>
    /// <param name="identity">The keys.</param>
    /// <param name="policy">What the seal must consist of.</param>
    /// <param name="ct">Cancels before the seal begins; what is begun is ended.</param>
    /// <exception cref="BundleWriteException">A file of the bundle cannot be written: the bundle stays unsealed.</exception>
    /// <exception cref="InvalidOperationException">An item is still open.</exception>
    public Task<SealedBundle> SealAsync(CustodyRecord record, ResponderIdentity identity, SealPolicy policy, CancellationToken ct) =>
        SealAsync(record, identity, policy, null, ct);

    /// <summary>The same with time-stamp authorities, asked for a token over the signature (RFC 3161).</summary>
    /// <param name="record">The circumstances.</param>
    /// <param name="identity">The keys.</param>
    /// <param name="policy">What the seal must consist of.</param>
    /// <param name="authorities">Asked in their order. With <c>tsa=optional</c> their failure is told in <see cref="SealedBundle.TimestampFault"/>.</param>
    /// <param name="ct">Cancels before the seal begins; what is begun is ended.</param>
    /// <exception cref="OperatorException">The policy demands a token or a second signature that cannot be had: the bundle stays unsealed.</exception>
    /// <exception cref="BundleWriteException">A file of the bundle cannot be written: the bundle stays unsealed.</exception>
    /// <exception cref="InvalidOperationException">An item is still open.</exception>
    public async Task<SealedBundle> SealAsync(
        CustodyRecord record, ResponderIdentity identity, SealPolicy policy, TimestampClient? authorities, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(policy);
        ct.ThrowIfCancellationRequested();
        BundleSealer.CheckMeans(identity, policy, authorities);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(ended, this);
            if (open.Count > 0)
            {
                throw new InvalidOperationException($"{open.Count} items are still open, one is {open.First().ItemPath}");
            }
        }

        BundleSealer sealer = new(Folder, Journal, Clock)
        {
            BundleId = BundleId,
            Name = options.Name,
            CaseId = options.CaseId,
            Agent = options.Agent,
            Items = Items,
            Payload = Copy(payload),
            Gaps = Gaps,
            Effects = Effects,
            Authorities = authorities,
        };
        SealedBundle sealedBundle = await sealer.SealAsync(record, identity, policy);
        await DisposeAsync();
        return sealedBundle;
    }

    /// <summary>Closes files and threads. Items still open stay <c>.partial</c>; nothing more is journaled.</summary>
    public ValueTask DisposeAsync()
    {
        BundleItemWriter[] left;
        lock (gate)
        {
            if (ended)
            {
                return ValueTask.CompletedTask;
            }

            ended = true;
            left = [.. open];
        }

        Frames.Dispose();
        foreach (BundleItemWriter item in left)
        {
            item.Abandon();
        }

        Journal.Dispose();
        return ValueTask.CompletedTask;
    }

    internal void AddEffect(string collector, string what)
    {
        Effect effect = new(collector, Limit(what), Clock.GetUtcNow());
        lock (gate)
        {
            effects.Add(effect);
        }

        Journal.Append("effect", json => WriteEffectFields(json, effect));
    }

    internal void ReservePath(string path)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(ended, this);
            if (!reserved.Add(path))
            {
                throw new ArgumentException($"the item {path} exists already", nameof(path));
            }
        }
    }

    internal void ItemOpened(BundleItemWriter item)
    {
        lock (gate)
        {
            open.Add(item);
        }
    }

    internal void ItemEnded(BundleItemWriter item)
    {
        lock (gate)
        {
            open.Remove(item);
        }
    }

    internal void AddItem(EvidenceItem item, IReadOnlyList<WrittenFile> files)
    {
        Journal.Append("item.close", json => WriteItem(json, item, files));
        lock (gate)
        {
            items.Add(item);
            payload.AddRange(files);
        }
    }

    /// <summary>The fields of <c>item.close</c>: the item, and the digest of its chunk list where it has one.</summary>
    internal static void WriteItem(Utf8JsonWriter json, EvidenceItem item, IReadOnlyList<WrittenFile> files)
    {
        json.WritePropertyName("item");
        JsonSerializer.Serialize(json, item, CustodyJson.Default.EvidenceItem);
        if (files.Count > 1)
        {
            json.WriteString("chunks_sha256", files[1].Sha256);
            json.WriteNumber("chunks_bytes", files[1].SizeBytes);
        }
    }

    /// <summary>The fields of <c>gap</c>.</summary>
    internal static void WriteGapFields(Utf8JsonWriter json, Gap gap)
    {
        json.WriteString("collector", gap.Collector);
        json.WriteString("sought", gap.Sought);
        json.WriteString("reason", gap.Reason);
    }

    /// <summary>The fields of <c>effect</c>.</summary>
    internal static void WriteEffectFields(Utf8JsonWriter json, Effect effect)
    {
        json.WriteString("collector", effect.Collector);
        json.WriteString("what", effect.What);
    }

    /// <summary>Text from outside can be of any length; the journal is to stay readable.</summary>
    private static string Limit(string text) => text.Length <= MaxTextCharacters ? text : DisplayText.Shorten(text, MaxTextCharacters);

    private List<T> Copy<T>(List<T> list)
    {
        lock (gate)
        {
            return [.. list];
        }
    }
}
