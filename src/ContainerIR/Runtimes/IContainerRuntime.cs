namespace ContainerIR.Runtimes;

/// <summary>
/// An engine that holds containers, read only. Documents come back as the bytes the engine sent: typed models drop what they do not know.
/// No call of this interface changes a container; none but an export adds to the engine's events.
/// </summary>
internal interface IContainerRuntime : IAsyncDisposable
{
    /// <summary>Kind of engine: <c>docker</c>, <c>podman</c>.</summary>
    string Kind { get; }

    /// <summary>Whether there is a live system behind it; else it reads an engine's data directory, and what is volatile is gone.</summary>
    bool IsLive => true;

    /// <summary>Where it answers, for example <c>unix:///var/run/docker.sock</c>.</summary>
    string Endpoint { get; }

    /// <summary>Takes the whole event backlog. Must be the first call of all.</summary>
    /// <exception cref="ContainerIR.Evidence.OperatorException">The engine cannot be reached: names the socket and the remedy.</exception>
    Task<EventBacklog> CaptureEventsAsync(CancellationToken ct);

    /// <summary>Version and settings of the engine.</summary>
    Task<EngineFacts> ReadFactsAsync(CancellationToken ct);

    /// <summary>Every container, running or not.</summary>
    Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken ct);

    /// <summary>Finds one container by id, unique id prefix or name.</summary>
    /// <exception cref="ContainerIR.Evidence.OperatorException">None or several match: names them.</exception>
    Task<ContainerRef> ResolveAsync(string idOrName, CancellationToken ct);

    /// <summary>Opens one document of the engine, raw.</summary>
    /// <exception cref="IOException">The engine refused or does not have it; the message holds its status and words.</exception>
    Task<Stream> OpenDocumentAsync(EngineDocument document, string id, CancellationToken ct);
}

/// <summary>Documents an engine can give of a container, an image or itself.</summary>
internal enum EngineDocument
{
    /// <summary>Version of the engine and its parts.</summary>
    Version,

    /// <summary>Settings and state of the engine.</summary>
    Info,

    /// <summary>A container's configuration and state.</summary>
    ContainerInspect,

    /// <summary>The engine's own list of changed paths (kept as its word, not as truth).</summary>
    ContainerChanges,

    /// <summary>A container's output as the engine gives it: fallback where no file can be read.</summary>
    ContainerLogs,

    /// <summary>A container's whole file system as the engine makes it (tar). Loses what it does not know, and adds an event: only where nothing else is left.</summary>
    ContainerExport,

    /// <summary>An image's configuration and digests.</summary>
    ImageInspect,

    /// <summary>An image's build steps.</summary>
    ImageHistory,

    /// <summary>A network.</summary>
    NetworkInspect,

    /// <summary>All containers with ids, names, images, states and labels: the inventory, nothing of their content.</summary>
    ContainerList,

    /// <summary>All images with tags, digests and sizes.</summary>
    ImageList,

    /// <summary>All networks.</summary>
    NetworkList,

    /// <summary>All volumes.</summary>
    VolumeList,
}
