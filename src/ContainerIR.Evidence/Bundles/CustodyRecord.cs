namespace ContainerIR.Evidence.Bundles;

/// <summary>
/// What the collection record (<c>custody.json</c>) says of the circumstances. The acquirer fills it; the bundle adds items, gaps, effects and
/// digests. All values are plain text as it was found; null means "not known", never "none".
/// </summary>
public sealed record CustodyRecord
{
    /// <summary>Case and authority.</summary>
    public required CustodyIdentity Identity { get; init; }

    /// <summary>Who acquired.</summary>
    public required CustodyWho Who { get; init; }

    /// <summary>For what reason.</summary>
    public CustodyWhy Why { get; init; } = new();

    /// <summary>On which host.</summary>
    public CustodyWhere Where { get; init; } = new();

    /// <summary>Which container.</summary>
    public CustodyWhat What { get; init; } = new();

    /// <summary>When, and how far the clock can be trusted.</summary>
    public CustodyWhen When { get; init; } = new();

    /// <summary>With which program.</summary>
    public required CustodyTool Tool { get; init; }
}

/// <summary>Case and authority.</summary>
public sealed record CustodyIdentity
{
    /// <summary>Case id.</summary>
    public required string Case { get; init; }

    /// <summary>Exhibit number in the case.</summary>
    public string? Exhibit { get; init; }

    /// <summary>Classification or TLP marking.</summary>
    public string? Classification { get; init; }

    /// <summary>Warrant, contract, policy or order that allows the acquisition.</summary>
    public string? LegalAuthority { get; init; }

    /// <summary>What the authority covers.</summary>
    public string? Scope { get; init; }

    /// <summary>How long it is to be kept.</summary>
    public string? Retention { get; init; }
}

/// <summary>Who acquired.</summary>
public sealed record CustodyWho
{
    /// <summary>Name of the examiner.</summary>
    public required string Name { get; init; }

    /// <summary>Organisation.</summary>
    public string? Organisation { get; init; }

    /// <summary>Role.</summary>
    public string? Role { get; init; }

    /// <summary>Address or number to reach them.</summary>
    public string? Contact { get; init; }

    /// <summary>SHA-256 of the signing certificate; filled at the seal.</summary>
    public string? CertificateSha256 { get; init; }

    /// <summary>Login name on the host.</summary>
    public string? Login { get; init; }

    /// <summary>User id on the host.</summary>
    public long? Uid { get; init; }

    /// <summary>Login behind sudo.</summary>
    public string? SudoOrigin { get; init; }

    /// <summary>Terminal.</summary>
    public string? Terminal { get; init; }

    /// <summary>Address an SSH session came from.</summary>
    public string? SshSource { get; init; }

    /// <summary>Who watched.</summary>
    public string? Witness { get; init; }
}

/// <summary>For what reason.</summary>
public sealed record CustodyWhy
{
    /// <summary>Incident or ticket.</summary>
    public string? Incident { get; init; }

    /// <summary>Reason in the examiner's words.</summary>
    public string? Reason { get; init; }

    /// <summary>SHA-256 of the request as it was received.</summary>
    public string? RequestSha256 { get; init; }

    /// <summary>What had been done to contain the container before.</summary>
    public string? Containment { get; init; }
}

/// <summary>On which host.</summary>
public sealed record CustodyWhere
{
    /// <summary>Fully qualified name.</summary>
    public string? Fqdn { get; init; }

    /// <summary>/etc/machine-id.</summary>
    public string? MachineId { get; init; }

    /// <summary>/proc/sys/kernel/random/boot_id.</summary>
    public string? BootId { get; init; }

    /// <summary>Addresses of the host.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Kernel release and version.</summary>
    public string? Kernel { get; init; }

    /// <summary>Distribution.</summary>
    public string? Distribution { get; init; }

    /// <summary>Engine and its version.</summary>
    public string? Engine { get; init; }

    /// <summary>Where the engine was reached.</summary>
    public string? EngineEndpoint { get; init; }

    /// <summary>Storage driver of the engine.</summary>
    public string? StorageDriver { get; init; }

    /// <summary>Version and driver of the control groups.</summary>
    public string? Cgroups { get; init; }
}

/// <summary>Which container.</summary>
public sealed record CustodyWhat
{
    /// <summary>Full id.</summary>
    public string? ContainerId { get; init; }

    /// <summary>Name.</summary>
    public string? Name { get; init; }

    /// <summary>Image as it was referred to.</summary>
    public string? Image { get; init; }

    /// <summary>Digest or id of the image.</summary>
    public string? ImageDigest { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>State when the acquisition began.</summary>
    public string? State { get; init; }

    /// <summary>Process id of its first process, in the host's namespace.</summary>
    public int? Pid { get; init; }

    /// <summary>Namespaces by kind, as /proc/PID/ns names them.</summary>
    public IReadOnlyDictionary<string, string> Namespaces { get; init; } = new Dictionary<string, string>();

    /// <summary>When it was started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Mounts, one line each.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];

    /// <summary>Networks, one line each.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];
}

/// <summary>When, and how far the clock can be trusted.</summary>
public sealed record CustodyWhen
{
    /// <summary>When the acquisition began (UTC).</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the bundle was sealed (UTC); filled at the seal.</summary>
    public DateTimeOffset? SealedAt { get; init; }

    /// <summary>CLOCK_MONOTONIC at the beginning, in nanoseconds.</summary>
    public long? MonotonicNs { get; init; }

    /// <summary>CLOCK_BOOTTIME at the beginning, in nanoseconds.</summary>
    public long? BoottimeNs { get; init; }

    /// <summary>Time zone the host is set to.</summary>
    public string? HostTimeZone { get; init; }

    /// <summary>Clock source of the kernel.</summary>
    public string? ClockSource { get; init; }

    /// <summary>What the kernel says of its synchronisation (adjtimex).</summary>
    public string? Synchronisation { get; init; }

    /// <summary>Estimated error of the clock in microseconds (adjtimex).</summary>
    public long? EstimatedErrorUs { get; init; }

    /// <summary>Offset still to be corrected at the beginning, in nanoseconds (adjtimex).</summary>
    public long? OffsetNs { get; init; }

    /// <summary>Largest error the kernel assumes, in microseconds (adjtimex).</summary>
    public long? MaxErrorUs { get; init; }

    /// <summary>The service that keeps the clock, where one is seen running; null where none is or it cannot be told.</summary>
    public string? TimeService { get; init; }

    /// <summary>The same reading at the end of the acquisition: offset in nanoseconds.</summary>
    public long? OffsetAtEndNs { get; init; }

    /// <summary>What the kernel said of its synchronisation at the end.</summary>
    public string? SynchronisationAtEnd { get; init; }

    /// <summary>How often the clocks were read while acquiring: steps are seen between readings.</summary>
    public int? ClockReadings { get; init; }

    /// <summary>Steps of the clock seen while acquiring.</summary>
    public IReadOnlyList<string> ClockSteps { get; init; } = [];
}

/// <summary>With which program.</summary>
public sealed record CustodyTool
{
    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Version.</summary>
    public required string Version { get; init; }

    /// <summary>Commit it was built from.</summary>
    public string? Commit { get; init; }

    /// <summary>SHA-256 of the executable file.</summary>
    public string? ExecutableSha256 { get; init; }

    /// <summary>Runtime it ran on.</summary>
    public string? Runtime { get; init; }

    /// <summary>Full command line, secrets left out.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}
