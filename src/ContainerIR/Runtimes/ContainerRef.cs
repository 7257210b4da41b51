namespace ContainerIR.Runtimes;

/// <summary>What an engine says a container is doing.</summary>
public enum ContainerState
{
    /// <summary>The engine gave a state this version does not know.</summary>
    Unknown,

    /// <summary>Made, never started.</summary>
    Created,

    /// <summary>Running.</summary>
    Running,

    /// <summary>Frozen by the engine.</summary>
    Paused,

    /// <summary>Being restarted.</summary>
    Restarting,

    /// <summary>Ended.</summary>
    Exited,

    /// <summary>Being removed.</summary>
    Removing,

    /// <summary>Could not be removed.</summary>
    Dead,
}

/// <summary>One container, resolved once from what the person typed. Text in it is the engine's answer and may be the attacker's choice.</summary>
public sealed record ContainerRef
{
    /// <summary>Kind of engine: <c>docker</c>, <c>podman</c>.</summary>
    public required string RuntimeKind { get; init; }

    /// <summary>Full id, 64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Name without leading slash.</summary>
    public required string Name { get; init; }

    /// <summary>Image as the container was created from it.</summary>
    public required string ImageName { get; init; }

    /// <summary>Image id, <c>sha256:…</c>.</summary>
    public required string ImageId { get; init; }

    /// <summary>State when resolved.</summary>
    public required ContainerState State { get; init; }

    /// <summary>Process id of the container's first process in the host's pid namespace; 0 when there is none.</summary>
    public required int InitPid { get; init; }

    /// <summary>When it was created (UTC).</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last started (UTC); null when never.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it last ended (UTC); null when it runs or never ran.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Storage driver the engine names, for example <c>overlay2</c>; null when it does not.</summary>
    public string? StorageDriver { get; init; }

    /// <summary>The driver's own data as the engine gives it (UpperDir, LowerDir …); empty where the engine gives none.</summary>
    public IReadOnlyDictionary<string, string> StorageData { get; init; } = new Dictionary<string, string>();

    /// <summary>Log driver, for example <c>json-file</c>.</summary>
    public string? LogDriver { get; init; }

    /// <summary>Path of the log file on the host where the driver has one; null or empty else.</summary>
    public string? LogPath { get; init; }

    /// <summary>Options of the log driver (max-size, max-file, compress …).</summary>
    public IReadOnlyDictionary<string, string> LogOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Volumes, bind mounts and tmpfs as configured.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>Networks it is attached to.</summary>
    public IReadOnlyList<ContainerNetwork> Networks { get; init; } = [];

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>First 12 digits of the id.</summary>
    public string ShortId => Id.Length > 12 ? Id[..12] : Id;

    /// <summary>Whether it has processes.</summary>
    public bool HasProcesses => InitPid > 0;
}

/// <summary>A mount as configured.</summary>
/// <param name="Type"><c>bind</c>, <c>volume</c>, <c>tmpfs</c>.</param>
/// <param name="Source">Path on the host; empty for tmpfs.</param>
/// <param name="Destination">Path in the container.</param>
/// <param name="Writable">Whether the container may write.</param>
/// <param name="VolumeName">Name of the volume; null else.</param>
public sealed record ContainerMount(string Type, string Source, string Destination, bool Writable, string? VolumeName);

/// <summary>An attachment to a network.</summary>
/// <param name="Name">Network name.</param>
/// <param name="NetworkId">Network id.</param>
/// <param name="IPv4">Address; empty when none.</param>
/// <param name="IPv6">Address; empty when none.</param>
/// <param name="MacAddress">Address; empty when none.</param>
/// <param name="Gateway">IPv4 gateway; empty when none.</param>
public sealed record ContainerNetwork(string Name, string NetworkId, string IPv4, string IPv6, string MacAddress, string Gateway);
