namespace ContainerIR.Cases;

/// <summary>A case at a glance. Lists are cut where a total stands beside them. All texts are in display form.</summary>
public sealed record CaseOverview
{
    /// <summary>Case id.</summary>
    public required string Id { get; init; }

    /// <summary>The case's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>When it was opened (UTC).</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who opened it; null when not said.</summary>
    public string? Examiner { get; init; }

    /// <summary>Why; null when not said.</summary>
    public string? Reason { get; init; }

    /// <summary>What people said and decided.</summary>
    public required CasebookOverview Casebook { get; init; }

    /// <summary>Its bundles, in the order of acquisition.</summary>
    public required IReadOnlyList<BundleOverview> Bundles { get; init; }

    /// <summary>Folders in the case's bundles that the index does not know: interrupted, or added by hand.</summary>
    public required IReadOnlyList<string> NotIndexed { get; init; }
}

/// <summary>One bundle at a glance.</summary>
public sealed record BundleOverview
{
    /// <summary>Name of its folder.</summary>
    public required string Folder { get; init; }

    /// <summary>UUID.</summary>
    public required string BundleId { get; init; }

    /// <summary>The signed root.</summary>
    public required string RootSha256 { get; init; }

    /// <summary>Host it was acquired on; null when not recorded.</summary>
    public string? Host { get; init; }

    /// <summary>Full id of the container.</summary>
    public string? ContainerId { get; init; }

    /// <summary>Name of the container.</summary>
    public string? ContainerName { get; init; }

    /// <summary>Image of the container.</summary>
    public string? ImageName { get; init; }

    /// <summary>Who acquired it.</summary>
    public string? Examiner { get; init; }

    /// <summary>When the acquisition began (UTC).</summary>
    public DateTimeOffset? OpenedAt { get; init; }

    /// <summary>When it was sealed (UTC).</summary>
    public DateTimeOffset? SealedAt { get; init; }

    /// <summary>Number of items.</summary>
    public required long Items { get; init; }

    /// <summary>Bytes read from the sources.</summary>
    public required long RawBytes { get; init; }

    /// <summary>Items that are not complete.</summary>
    public required long IncompleteItems { get; init; }

    /// <summary>Everything sought and not obtained.</summary>
    public required IReadOnlyList<GapRow> Gaps { get; init; }

    /// <summary>0 to 100, see docs/triage.md; null where the bundle was indexed before findings were kept.</summary>
    public long? Score { get; init; }

    /// <summary>Number of findings by severity, the worst first; those an allow-list suppresses under <c>suppressed</c>.</summary>
    public required IReadOnlyDictionary<string, long> FindingsBySeverity { get; init; }

    /// <summary>The first findings, the worst first.</summary>
    public required IReadOnlyList<JudgedFinding> Findings { get; init; }

    /// <summary>Further findings of rules that fired very often.</summary>
    public long FindingsLeftOut { get; init; }

    /// <summary>How many things could not be judged: not collected, or not readable.</summary>
    public long NotJudged { get; init; }

    /// <summary>Number of changed entries by verdict.</summary>
    public required IReadOnlyDictionary<string, long> DiffByVerdict { get; init; }

    /// <summary>Changed files worth the first look: the most recently changed, directories left out.</summary>
    public required IReadOnlyList<DiffRow> Diff { get; init; }

    /// <summary>Number of processes.</summary>
    public required long ProcessCount { get; init; }

    /// <summary>The first of them, by pid.</summary>
    public required IReadOnlyList<ProcessOverviewRow> Processes { get; init; }

    /// <summary>Number of sockets with a peer.</summary>
    public required long PeerCount { get; init; }

    /// <summary>The first of them.</summary>
    public required IReadOnlyList<SocketOverviewRow> Peers { get; init; }

    /// <summary>Number of listening sockets.</summary>
    public required long ListenerCount { get; init; }

    /// <summary>The first of them.</summary>
    public required IReadOnlyList<SocketOverviewRow> Listeners { get; init; }

    /// <summary>Number of rows of the timeline by source.</summary>
    public required IReadOnlyDictionary<string, long> TimelineBySource { get; init; }

    /// <summary>The last rows of the timeline before the seal, oldest first; events of other containers left out.</summary>
    public required IReadOnlyList<TimelineRow> Timeline { get; init; }

    /// <summary>What the index left out, and why.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>A gap.</summary>
/// <param name="Collector">Who sought it.</param>
/// <param name="Sought">What.</param>
/// <param name="Reason">Why it was not had.</param>
public sealed record GapRow(string Collector, string Sought, string Reason);

/// <summary>A changed file.</summary>
/// <param name="Verdict">What became of it.</param>
/// <param name="Kind">Kind of file.</param>
/// <param name="Path">Where, display form.</param>
/// <param name="SizeBytes">Size; null when it has none.</param>
/// <param name="ModifiedAt">When its content was last changed, as the file says.</param>
public sealed record DiffRow(string Verdict, string Kind, string Path, long? SizeBytes, DateTimeOffset? ModifiedAt);

/// <summary>A process.</summary>
/// <param name="Pid">In the host's namespace.</param>
/// <param name="ParentPid">In the host's namespace.</param>
/// <param name="Uid">User; null when unknown.</param>
/// <param name="Command">Command line, or name, display form.</param>
/// <param name="Executable">Path of the executable, display form; null when unknown.</param>
/// <param name="ExecutableDeleted">Whether that file is deleted.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="Signs">What is unusual about it, words separated by blanks; empty when nothing.</param>
public sealed record ProcessOverviewRow(
    long Pid, long? ParentPid, long? Uid, string Command, string? Executable, bool ExecutableDeleted, DateTimeOffset? StartedAt, string Signs);

/// <summary>A socket.</summary>
/// <param name="Protocol">For example <c>tcp</c>.</param>
/// <param name="State">For example <c>ESTABLISHED</c>.</param>
/// <param name="Local">Address and port.</param>
/// <param name="Remote">Address and port; null when it has no peer.</param>
/// <param name="Pid">Process that holds it; null when none is known.</param>
/// <param name="Process">Its executable, display form.</param>
/// <param name="Peer">What the other end is, in words; null when it is not known.</param>
public sealed record SocketOverviewRow(string Protocol, string? State, string Local, string? Remote, long? Pid, string? Process, string? Peer);
