using System.Text.Json.Serialization;

namespace ContainerIR.Reports;

/// <summary>All that a report says, for any form of it. Texts are in display form and bounded; lists are cut where a total stands beside them.</summary>
internal sealed record ReportContent
{
    public string Schema { get; init; } = "containerir-report/1";

    public required string Title { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    public required string Tool { get; init; }

    public string? CaseReason { get; init; }

    /// <summary>What was done against the rules: evidence given up, approvals passed over. It stands first.</summary>
    public IReadOnlyList<DecisionLine> Overrides { get; init; } = [];

    /// <summary>What was done to containers, or refused.</summary>
    public IReadOnlyList<DecisionLine> Actions { get; init; } = [];

    public required IReadOnlyList<BundleReport> Bundles { get; init; }

    /// <summary>Folders of the case that are not sealed and therefore not in the report.</summary>
    public required IReadOnlyList<string> NotSealed { get; init; }
}

/// <summary>What one bundle says.</summary>
internal sealed record BundleReport
{
    public required string Name { get; init; }

    public required string BundleId { get; init; }

    public required string RootSha256 { get; init; }

    public required string Verdict { get; init; }

    public required IReadOnlyList<CheckLine> Checks { get; init; }

    public required IReadOnlyList<SignerLine> Signers { get; init; }

    public required long PayloadFiles { get; init; }

    public required long PayloadBytes { get; init; }

    public required long JournalLines { get; init; }

    public required string Container { get; init; }

    public required string ContainerId { get; init; }

    public required string Image { get; init; }

    public required string Host { get; init; }

    /// <summary>Where the disk was whose engine did not run; null when the container was copied on the server it ran on.</summary>
    public string? Disk { get; init; }

    public required string Examiner { get; init; }

    public string? Reason { get; init; }

    public DateTimeOffset? OpenedAt { get; init; }

    public DateTimeOffset? SealedAt { get; init; }

    /// <summary>The collection record, section by section.</summary>
    public required IReadOnlyList<CustodySection> Custody { get; init; }

    public required IReadOnlyList<EffectLine> Effects { get; init; }

    public string? Certification { get; init; }

    /// <summary>0 to 100, as triage has it.</summary>
    public required int Score { get; init; }

    /// <summary>Worst first, those the allow-list expects last.</summary>
    public required IReadOnlyList<FindingLine> Findings { get; init; }

    public required IReadOnlyList<CollectorLedger> Ledger { get; init; }

    /// <summary>Whether a collector brought anything: what was not copied is not known, which is not the same as none.</summary>
    public bool HasTaken(string collector) => Ledger.Any(ledger => ledger.Name == collector && ledger.Items.Count > 0);

    public required long ProcessTotal { get; init; }

    /// <summary>In the order of a tree.</summary>
    public required IReadOnlyList<ProcessLine> Processes { get; init; }

    public required long ConnectionTotal { get; init; }

    public required IReadOnlyList<ConnectionLine> Connections { get; init; }

    public required IReadOnlyList<ListenerLine> Listeners { get; init; }

    public required TimelineChart Chart { get; init; }

    public required long EventTotal { get; init; }

    /// <summary>The last of what happened before the seal, oldest first.</summary>
    public required IReadOnlyList<MomentLine> Moments { get; init; }

    public required IReadOnlyList<VerdictGroup> Changes { get; init; }

    public required ImageReport? ImageLayers { get; init; }

    public required IReadOnlyList<AuditRecord> Audit { get; init; }

    /// <summary>What could not be read of it while this was made.</summary>
    public required IReadOnlyList<string> LeftOut { get; init; }
}

/// <summary>A row of the case's record.</summary>
internal sealed record DecisionLine(DateTimeOffset At, string Who, string Authentication, string Origin, string What, string Target, string Outcome, string Result, string Playbook);

internal sealed record CheckLine(string Name, bool Ok, string Detail);

internal sealed record SignerLine(string Subject, string CertificateSha256, DateTimeOffset SignedAt, string Trust);

internal sealed record CustodySection(string Name, IReadOnlyList<CustodyLine> Lines);

internal sealed record CustodyLine(string Label, string Value);

internal sealed record EffectLine(string Collector, string What, string At);

/// <summary>A rule of triage that fired, with its proof.</summary>
internal sealed record FindingLine(
    string Rule, string Title, string Severity, string? LoweredBy, string? SuppressedBy, IReadOnlyList<string> Techniques, IReadOnlyList<CustodyLine> Seen, string Item, long? Row, string Why, string FalsePositives,
    string NextStep, string Playbook);

/// <summary>One collector: everything it took, and everything it sought in vain.</summary>
internal sealed record CollectorLedger(string Name, string Meaning, IReadOnlyList<ItemLine> Items, IReadOnlyList<GapLine> Gaps)
{
    public long RawBytes => Items.Sum(item => item.RawBytes);

    public int Incomplete => Items.Count(item => item.Status != "complete");
}

internal sealed record ItemLine(string Path, string Source, string Status, long RawBytes, string Sha256, string? Error);

internal sealed record GapLine(string Sought, string Reason);

internal sealed record ProcessLine(int Depth, int Pid, int ParentPid, long? Uid, string Command, string? Executable, DateTimeOffset? StartedAt, IReadOnlyList<string> Signs);

internal sealed record ConnectionLine(string Protocol, string State, string Local, int LocalPort, string Remote, int RemotePort, string? Peer, string? Process, bool IsInbound);

internal sealed record ListenerLine(string Protocol, string Local, int LocalPort, string? Process);

/// <summary>How much happened when, by kind of evidence. Only instants a program in the container cannot set.</summary>
internal sealed record TimelineChart(DateTimeOffset? From, DateTimeOffset? Until, IReadOnlyList<ChartLane> Lanes);

internal sealed record ChartLane(string Name, long Total, IReadOnlyList<long> Counts);

internal sealed record MomentLine(DateTimeOffset At, string Source, string Meaning, string Message);

internal sealed record VerdictGroup(string Verdict, string Meaning, long Total, IReadOnlyList<ChangeLine> Latest);

internal sealed record ChangeLine(string Path, string Kind, long? SizeBytes, string? ChangedAt, string? Sha256, IReadOnlyList<string> Signs, IReadOnlyList<string> Rules);

internal sealed record ImageReport(
    string Name, string Id, string? Created, IReadOnlyList<string> Digests, bool? NameStillPointsHere, BaseImage Base, IReadOnlyList<LayerLine> Layers, IReadOnlyList<BuildStep> History);

/// <summary>The image this one was built on: how many of the lowest layers are its, how sure that is, and why.</summary>
internal sealed record BaseImage(int Layers, string Confidence, string Why, IReadOnlyList<string> Names);

/// <summary>A layer, 1 the lowest. Its owner is <c>base</c>, <c>application</c>, or <c>unknown</c>; whether its files are still the image's is <c>intact</c>, <c>edited</c> or null.</summary>
internal sealed record LayerLine(int Number, string Owner, string Digest, string? MadeBy, long? Files, long? SizeBytes, string? Integrity);

internal sealed record BuildStep(string? CreatedAt, string CreatedBy, long SizeBytes);

/// <summary>One record with the fields PCI DSS 4.0.1 asks for in 10.2.2.</summary>
internal sealed record AuditRecord(string User, string EventType, string At, string Outcome, string Origination, string AffectedResource);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReportContent))]
internal sealed partial class ReportJson : JsonSerializerContext;
