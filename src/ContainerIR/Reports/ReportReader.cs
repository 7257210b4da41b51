using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Diffs;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;
using ContainerIR.Rows;

namespace ContainerIR.Reports;

/// <summary>Reads verified bundles into what a report says. Rows are read as streams; what is kept has a bound.</summary>
internal static partial class ReportReader
{
    private const int MaxProcesses = 1000;
    private const int MaxConnections = 500;
    private const int MaxMomentsOfAKind = 40;
    private const int MaxChanges = 60;
    private const int MaxSeen = 20;
    private const int MaxLayers = 200;
    private const int ChartColumns = 120;

    /// <summary>First of the ports a caller gets by default (net.ipv4.ip_local_port_range, Linux ip-sysctl).</summary>
    private const int FirstEphemeralPort = 32768;

    private static readonly string[] VerdictOrder = ["deleted", "modified", "added", "renamed", "whiteout-of-nothing", "unreadable", "metadata-only", "touched", "mount-stub", "unknown"];

    public static ReportContent Read(HandoutSource source, string tool, DateTimeOffset now, CancellationToken ct) => new()
    {
        Title = ReportWords.Cut(source.Case is { } known ? $"Case {known.Id}" : source.Bundles[0].Record.CaseId is { } id ? $"Case {id}" : "Evidence bundle", 120),
        MadeAt = now,
        Tool = tool,
        CaseReason = source.Case?.Reason,
        Overrides = [.. source.Decisions.Where(row => row.Event == "break_glass").Select(Line)],
        Actions = [.. source.Decisions.Where(row => row.Event != "break_glass").Select(Line)],
        Bundles = [.. source.Bundles.Select(bundle => Read(bundle, ct))],
        NotSealed = [.. source.Unsealed.Select(name => ReportWords.Cut(name, 200))],
    };

    private static DecisionLine Line(PlaybookEvent row) => new(
        Instant.FromNanoseconds(row.UtcNs),
        ReportWords.CutShown(DisplayText.Escape(row.Actor), 100),
        ReportWords.CutShown(DisplayText.Escape(row.ActorAuth), 120),
        ReportWords.CutShown(DisplayText.Escape(string.Join(", ", ((string?[])[row.Host, row.Terminal, row.SshClient is { } ssh ? "from " + ssh : null]).Where(each => each is not null))), 200),
        ReportWords.CutShown(DisplayText.Escape(row.Command.Count > 0 ? string.Join(' ', row.Command.Take(40)) : row.Step), 300),
        ReportWords.CutShown(DisplayText.Escape(row.Target), 100),
        row.Event,
        ReportWords.CutShown(DisplayText.Escape(row.Result), 600),
        ReportWords.CutShown(DisplayText.Escape(row.Playbook.Length > 0 ? $"{row.Playbook} {row.Step}" : ""), 120));

    private static BundleReport Read(VerifiedBundle bundle, CancellationToken ct)
    {
        SealedRecord record = bundle.Record;
        using JsonDocument custody = JsonDocument.Parse(bundle.ReadSealed("custody.json"));
        List<ProcessRow> processes = [];
        long processTotal = 0;
        foreach ((_, _, ProcessRow process) in bundle.Processes(ct))
        {
            processTotal++;
            if (processes.Count < MaxProcesses)
            {
                // The environment may hold megabytes, and secrets: a report needs neither.
                processes.Add(process with { Environment = [], CommandLine = [.. process.CommandLine.Take(64).Select(word => ReportWords.CutShown(word, 200))] });
            }
        }

        (List<ConnectionLine> connections, List<ListenerLine> listeners, long connectionTotal) = ReadSockets(bundle, ct);
        ActivityCount activity = new(EventSources.Engine, EventSources.Process, EventSources.Log, EventSources.File, EventSources.Custody);
        Dictionary<string, PriorityQueue<EvidenceEvent, long>> latest = [];
        long events = 0;
        foreach (EvidenceEvent e in EvidenceEvents.Read(bundle, ct))
        {
            events++;
            if (e.Finding is null && CannotBeSet(e))
            {
                activity.Add(e.AtNs, e.Source);
                if (e.Source is not (EventSources.Custody or EventSources.EngineOther or EventSources.Socket) && e.AtNs <= (record.SealedAtNs ?? long.MaxValue))
                {
                    // Some of each kind: a thousand files that were unpacked at once do not push the one command out.
                    PriorityQueue<EvidenceEvent, long> ofKind = latest.TryGetValue(e.Source, out PriorityQueue<EvidenceEvent, long>? known) ? known : latest[e.Source] = new();
                    ofKind.Enqueue(e with { Message = ReportWords.Command(e.Message, 300), File = null, Process = null, Log = null, Engine = null }, e.AtNs);
                    if (ofKind.Count > MaxMomentsOfAKind)
                    {
                        ofKind.Dequeue();
                    }
                }
            }
        }

        return new BundleReport
        {
            Name = bundle.Name,
            BundleId = ReportWords.Cut(record.BundleId, 100),
            RootSha256 = bundle.RootSha256,
            Verdict = bundle.Report.Verdict.ToString().ToLowerInvariant(),
            Checks = [.. bundle.Report.Checks.Select(check => new CheckLine(check.Name, check.Ok, ReportWords.Cut(check.Detail, 300)))],
            Signers = [.. bundle.Report.Signers.Select(signer => new SignerLine(ReportWords.CutShown(signer.Subject, 300), signer.CertificateSha256, signer.SignedAt, ReportWords.Cut(signer.Trust, 300)))],
            PayloadFiles = bundle.Report.PayloadFiles,
            PayloadBytes = bundle.Report.PayloadBytes,
            JournalLines = bundle.Report.JournalLines,
            Container = ReportWords.Cut(record.ContainerName ?? "without a name", 100),
            ContainerId = ReportWords.Cut(record.ContainerId ?? "unknown", 100),
            Image = ReportWords.Cut(record.ImageName ?? "unknown", 200),
            Host = ReportWords.Cut(record.Host ?? "unknown", 100),
            Disk = custody.RootElement.Object("record").Object("where").Text("engine_endpoint") is { } endpoint && endpoint.StartsWith("file://", StringComparison.Ordinal) ? ReportWords.Cut(endpoint["file://".Length..], 200) : null,
            Examiner = ReportWords.Cut(record.Examiner ?? "unknown", 100),
            Reason = record.Reason is { } reason ? ReportWords.Cut(reason) : null,
            OpenedAt = At(record.OpenedAtNs),
            SealedAt = At(record.SealedAtNs),
            Custody = ReadCustody(custody.RootElement.Object("record")),
            Effects =
            [
                .. custody.RootElement.Items("effects").Take(500)
                    .Select(effect => new EffectLine(ReportWords.Cut(effect.Text("collector"), 60), ReportWords.Cut(effect.Text("what")), ReportWords.Cut(effect.Text("at"), 40))),
            ],
            Certification = custody.RootElement.Text("certification") is { } text ? ReportWords.Cut(text, 4000) : null,
            Score = bundle.Triage(ct).Score,
            Findings = [.. bundle.Findings(ct).Select(Line)],
            Ledger = ReadLedger(record),
            ProcessTotal = processTotal,
            Processes = Tree(processes),
            ConnectionTotal = connectionTotal,
            Connections = connections,
            Listeners = listeners,
            Chart = activity.ToChart(ChartColumns),
            EventTotal = events,
            Moments = [.. latest.Values.SelectMany(each => each.UnorderedItems).OrderBy(each => each.Priority).Select(each => new MomentLine(Instant.FromNanoseconds(each.Priority), each.Element.Source, each.Element.Meaning, each.Element.Message))],
            Changes = ReadChanges(bundle, ct),
            ImageLayers = ReadImage(bundle, ct),
            Audit = AuditRecords(bundle, custody.RootElement),
            LeftOut = bundle.Notes,
        };
    }

    private static FindingLine Line(Finding finding) => new(
        finding.Rule.Id, finding.Rule.Title, FindingWords.Of(finding.Severity), finding.LoweredBy, finding.SuppressedBy, finding.Rule.Techniques,
        [.. finding.Seen.Take(MaxSeen).Select(value => new CustodyLine(ReportWords.CutShown(value.Name, 60), ReportWords.Command(Readable(value), 300)))],
        ReportWords.Cut(finding.Where.Item, 300), finding.Where.Row, finding.Rule.Why, finding.Rule.FalsePositives, finding.Rule.NextStep, finding.Playbook);

    /// <summary>Times in what a rule saw of a file, as people read them.</summary>
    private static string Readable(SeenValue value) => value.Name is not ("now" or "before")
        ? value.Text
        : SecondsSinceEpoch().Replace(value.Text, match => long.TryParse(match.Groups[2].Value, CultureInfo.InvariantCulture, out long at) && at is > -62_135_596_800 and < 253_402_300_800
            ? $"{match.Groups[1].Value} {ReportWords.Instant(DateTimeOffset.FromUnixTimeSeconds(at))}"
            : match.Value);

    [GeneratedRegex(@"\b([mc]time) (-?[0-9]{1,12})(\.[0-9]{1,9})?", RegexOptions.CultureInvariant)]
    private static partial Regex SecondsSinceEpoch();

    /// <summary>A program in the container can claim any modification or access time; the kernel alone sets the change time of an inode.</summary>
    private static bool CannotBeSet(EvidenceEvent e) => e.Source != EventSources.File || (!e.IsOriginal && (e.Meaning.Contains("changed", StringComparison.Ordinal) || e.Meaning.Contains("born", StringComparison.Ordinal)));

    private static (List<ConnectionLine> Connections, List<ListenerLine> Listeners, long Total) ReadSockets(VerifiedBundle bundle, CancellationToken ct)
    {
        List<SocketRow> peers = [];
        List<ListenerLine> listeners = [];
        HashSet<int> served = [];
        long total = 0;
        foreach ((_, _, SocketRow socket) in bundle.Sockets(ct).Where(each => !each.Entry.IsHostSide))
        {
            if (socket.RemotePort > 0)
            {
                total++;
                if (peers.Count < MaxConnections)
                {
                    peers.Add(socket);
                }
            }
            else if (socket.LocalPort > 0 && (socket.State == "LISTEN" || socket.Protocol.StartsWith("udp", StringComparison.Ordinal)))
            {
                served.Add(socket.LocalPort);
                if (listeners.Count < MaxConnections)
                {
                    listeners.Add(new ListenerLine(socket.Protocol, ReportWords.CutShown(socket.LocalAddress, 60), socket.LocalPort, OwnerOf(socket)));
                }
            }
        }

        return (
            [
                .. peers.Select(socket => new ConnectionLine(
                    ReportWords.CutShown(socket.Protocol, 20), ReportWords.CutShown(socket.State, 20), ReportWords.CutShown(socket.LocalAddress, 60), socket.LocalPort,
                    ReportWords.CutShown(socket.RemoteAddress, 60), socket.RemotePort, socket.Peer is { } peer ? ReportWords.CutShown(peer, 120) : null, OwnerOf(socket), served.Contains(socket.LocalPort) || (socket.LocalPort < FirstEphemeralPort && socket.RemotePort >= FirstEphemeralPort))),
            ],
            listeners,
            total);
    }

    private static string? OwnerOf(SocketRow socket) => socket.FirstOwner is { } owner
        ? string.Create(CultureInfo.InvariantCulture, $"{owner.Pid} {ReportWords.CutShown(owner.ExecutablePath ?? "", 200)}").TrimEnd()
        : null;

    private static List<ProcessLine> Tree(List<ProcessRow> processes)
    {
        Dictionary<int, ProcessRow> byPid = [];
        foreach (ProcessRow process in processes)
        {
            byPid.TryAdd(process.Pid, process);
        }

        ILookup<int, ProcessRow> children = byPid.Values.OrderBy(process => process.StartTicks).ThenBy(process => process.Pid).ToLookup(process => process.ParentPid);
        List<ProcessLine> lines = [];
        HashSet<int> seen = [];
        Stack<(ProcessRow Process, int Depth)> next = new(byPid.Values.Where(process => !byPid.ContainsKey(process.ParentPid)).OrderByDescending(process => process.Pid).Select(process => (process, 0)));

        // A bundle can claim that two processes are each other's parent: what no root leads to is listed at the end.
        foreach (ProcessRow process in byPid.Values.Prepend(null!))
        {
            if (process is not null && !seen.Contains(process.Pid))
            {
                next.Push((process, 0));
            }

            while (next.TryPop(out (ProcessRow Process, int Depth) each))
            {
                if (!seen.Add(each.Process.Pid))
                {
                    continue;
                }

                ProcessRow row = each.Process;
                lines.Add(new ProcessLine(
                    each.Depth, row.Pid, row.ParentPid, row.UserIds.Count > 0 ? row.UserIds[0] : null, ReportWords.Command(EvidenceEvents.CommandOf(row), 300),
                    row.ExecutablePath is { } path ? ReportWords.CutShown(path, 200) : null, row.StartedAt, [.. row.Signs.Take(12).Select(sign => ReportWords.CutShown(sign, 60))]));
                foreach (ProcessRow child in children[row.Pid].Reverse())
                {
                    next.Push((child, each.Depth + 1));
                }
            }
        }

        return lines;
    }

    private static List<CollectorLedger> ReadLedger(SealedRecord record) =>
    [
        .. record.Items.Select(item => item.Collector).Concat(record.Gaps.Select(gap => gap.Collector)).Distinct().Select(name => new CollectorLedger(
            ReportWords.Cut(name, 60),
            ReportWords.OfCollector(name),
            [.. record.Items.Where(item => item.Collector == name).Select(item => new ItemLine(
                ReportWords.Cut(item.Path, 300), ReportWords.Cut(item.Source, 300), ReportWords.Cut(item.Status, 40), item.RawBytes, item.Sha256, item.Error is { } error ? ReportWords.Cut(error, 300) : null))],
            [.. record.Gaps.Where(gap => gap.Collector == name).Select(gap => new GapLine(ReportWords.Cut(gap.Sought, 300), ReportWords.Cut(gap.Reason, 300)))])),
    ];

    private static List<VerdictGroup> ReadChanges(VerifiedBundle bundle, CancellationToken ct)
    {
        Dictionary<string, (long Total, PriorityQueue<ChangeLine, (bool IsNamed, long At)> Latest)> groups = [];
        ILookup<(string Item, long? Row), string> rules = bundle.Findings(ct).ToLookup(finding => (finding.Where.Item, finding.Where.Row), finding => finding.Rule.Id);
        foreach ((string item, long row, DiffEntry entry) in bundle.Diff(ct))
        {
            string verdict = DiffWords.Of(entry.Verdict);
            (long total, PriorityQueue<ChangeLine, (bool IsNamed, long At)> latest) = groups.GetValueOrDefault(verdict, (0, new()));
            groups[verdict] = (total + 1, latest);
            if (entry.Kind == DiffKind.Directory)
            {
                continue;
            }

            // Those a rule names and those with a sign first: the latest of ten thousand are not what matters.
            List<string> named = [.. rules[(item, row)].Distinct().Take(12)];
            DiffObject? now = entry.Object;
            long changed = now?.ChangedAt is { } at ? Instant.ToNanoseconds(at.Seconds, at.Nanoseconds) : long.MinValue;
            latest.Enqueue(
                new ChangeLine(
                    ReportWords.CutShown(entry.DisplayPath, 300), DiffWords.Of(entry.Kind == DiffKind.Whiteout ? entry.Original?.Kind ?? entry.Kind : entry.Kind),
                    (entry.Kind == DiffKind.Whiteout ? entry.Original : now)?.SizeBytes, changed == long.MinValue ? null : Rfc3339.Format(changed), now?.Sha256, entry.Signs, named),
                (named.Count + entry.Signs.Count > 0, changed));
            if (latest.Count > MaxChanges)
            {
                latest.Dequeue();
            }
        }

        return
        [
            .. groups.OrderBy(group => Array.IndexOf(VerdictOrder, group.Key)).Select(group => new VerdictGroup(
                group.Key, ReportWords.OfVerdict(group.Key), group.Value.Total, [.. group.Value.Latest.UnorderedItems.OrderByDescending(each => each.Priority).Select(each => each.Element)])),
        ];
    }

    private static ImageReport? ReadImage(VerifiedBundle bundle, CancellationToken ct)
    {
        using JsonDocument? image = bundle.Document("image", "image.json");
        using JsonDocument? history = bundle.Document("image", "image-history.json");
        if (image is null)
        {
            return null;
        }

        JsonElement root = image.RootElement;
        List<BuildStep> steps = [];
        if (history?.RootElement.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement layer in history.RootElement.EnumerateArray().Take(200))
            {
                string? created = layer.Number("Created") is { } seconds and >= 0 and < 253402300800 ? ReportWords.Instant(DateTimeOffset.FromUnixTimeSeconds(seconds)) : null;
                steps.Add(new BuildStep(created, ReportWords.Command(DisplayText.Escape(layer.Text("CreatedBy") ?? ""), 300), layer.Number("Size") ?? 0));
            }
        }

        return new ImageReport(
            ReportWords.CutShown(string.Join(", ", root.Texts("tags").Take(20)), 300),
            ReportWords.Cut(root.Text("id"), 100),
            root.Text("created") is { } made ? ReportWords.Cut(made, 40) : null,
            [.. root.Texts("repository_digests").Take(20).Select(text => ReportWords.Cut(text, 300))],
            root.Field("name_still_points_here") is { } still ? still.ValueKind == JsonValueKind.True : null,
            ReadBase(root),
            ReadLayers(bundle, root, ct),
            steps);
    }

    private static BaseImage ReadBase(JsonElement image)
    {
        JsonElement from = image.Object("base_image");
        return new BaseImage(
            from.Number("layers") is { } layers and > 0 and <= MaxLayers ? (int)layers : 0, ReportWords.Cut(from.Text("confidence") ?? "unknown", 20), ReportWords.Cut(from.Text("why") ?? "nothing is recorded of it", 300),
            [.. from.Texts("images").Where(name => !name.StartsWith("sha256:", StringComparison.Ordinal)).Take(20).Select(name => ReportWords.Cut(name, 200))]);
    }

    /// <summary>The layers the image names; what the store knows of them and whether their files are still those is added where it was found.</summary>
    private static List<LayerLine> ReadLayers(VerifiedBundle bundle, JsonElement image, CancellationToken ct)
    {
        int owned = ReadBase(image).Layers;
        Dictionary<long, JsonElement> known = [];
        foreach (JsonElement layer in image.Items("layers").Take(MaxLayers))
        {
            known.TryAdd(layer.Number("number") ?? 0, layer);
        }

        // A row without a number says that the image's configuration was edited: it is of no layer.
        Dictionary<(long Number, string Digest), string> checks = [];
        foreach ((_, _, LayerVerdict layer) in bundle.LayerChecks(ct))
        {
            checks.TryAdd((layer.Number, layer.DiffId), layer.Verdict);
        }

        List<LayerLine> lines = [];
        foreach (string digest in image.Texts("layer_diff_ids").Take(MaxLayers))
        {
            int number = lines.Count + 1;
            JsonElement layer = known.GetValueOrDefault(number);
            lines.Add(new LayerLine(
                number, owned == 0 ? "unknown" : number <= owned ? "base" : "application", ReportWords.Cut(digest, 100), layer.Text("made_by") is { Length: > 0 } made ? ReportWords.Command(DisplayText.Escape(made), 300) : null,
                layer.Number("files"), layer.Number("bytes"), checks.TryGetValue((number, digest), out string? verdict) ? ReportWords.Cut(verdict, 20) : null));
        }

        return lines;
    }

    private static List<CustodySection> ReadCustody(JsonElement record)
    {
        List<CustodySection> sections = [];
        foreach ((string name, string title) in (ReadOnlySpan<(string, string)>)
            [("identity", "Case and authority"), ("who", "Who"), ("why", "Why"), ("where", "Where"), ("what", "What"), ("when", "When"), ("tool", "With what")])
        {
            List<CustodyLine> lines = [];
            foreach (JsonProperty field in record.Members(name))
            {
                string value = field.Value.ValueKind switch
                {
                    JsonValueKind.String => field.Value.TextOrNull() ?? "",
                    JsonValueKind.Array => string.Join(", ", field.Value.EnumerateArray().Take(40).Select(each => each.TextOrNull() ?? each.GetRawText())),
                    JsonValueKind.Object => string.Join(", ", field.Value.EnumerateObject().Take(40).Select(each => $"{JsonFields.NameOf(each)}={each.Value.TextOrNull() ?? each.Value.GetRawText()}")),
                    _ => field.Value.GetRawText(),
                };
                if (value.Length > 0)
                {
                    lines.Add(new CustodyLine(ReportWords.Cut(JsonFields.NameOf(field).Replace('_', ' '), 60), ReportWords.Cut(value, 600)));
                }
            }

            if (lines.Count > 0)
            {
                sections.Add(new CustodySection(title, lines));
            }
        }

        return sections;
    }

    /// <summary>What was done, one record a collector: PCI DSS 4.0.1, 10.2.2 (user, type, date and time, success or failure, origination, resource).</summary>
    private static List<AuditRecord> AuditRecords(VerifiedBundle bundle, JsonElement custody)
    {
        JsonElement who = custody.Object("record").Object("who");
        SealedRecord record = bundle.Record;
        string user = ReportWords.Cut($"{record.Examiner} ({who.Text("login") ?? "login unknown"}, uid {who.Number("uid")?.ToString(CultureInfo.InvariantCulture) ?? "unknown"})", 200);
        string origin = ReportWords.Cut(string.Join(", ", ((string?[])[record.Host, who.Text("terminal"), who.Text("ssh_source") is { } ssh ? "from " + ssh : null]).Where(each => each is not null)), 200);
        string resource = ReportWords.Cut($"container {record.ContainerId ?? "unknown"}", 100);
        List<AuditRecord> records = [new(user, "acquisition started", Shown(record.OpenedAtNs), "success", origin, resource)];
        foreach (CollectorLedger ledger in ReadLedger(record))
        {
            long? at = record.Items.Where(item => item.Collector == ledger.Name).Select(item => (long?)item.ClosedAtNs).Max() ?? record.Gaps.FirstOrDefault(gap => gap.Collector == ledger.Name)?.AtNs;
            string outcome = ledger.Items.Count == 0 ? "failure" : ledger.Gaps.Count + ledger.Incomplete > 0 ? $"success, {ReportWords.Count(ledger.Gaps.Count + ledger.Incomplete, "part")} not obtained" : "success";
            records.Add(new(user, $"evidence read: {ledger.Name}", Shown(at), outcome, origin, resource));
        }

        records.Add(new(user, "evidence sealed", Shown(record.SealedAtNs), "success", origin, $"bundle {ReportWords.Cut(record.BundleId, 60)}"));
        return records;
    }

    private static string Shown(long? ns) => ns is { } at ? Rfc3339.Format(at) : "unknown";

    private static DateTimeOffset? At(long? ns) => ns is { } at ? Instant.FromNanoseconds(at) : null;
}
