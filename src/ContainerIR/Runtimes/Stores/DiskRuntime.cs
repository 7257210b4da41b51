using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes.Stores;

/// <summary>
/// An engine's data directory without an engine: a disk of a machine that is off, an image of one, or a host whose engine was stopped. Nothing is written
/// to it, so read-only media serve. What an engine would answer is made of its files; what no file has is not answered.
/// </summary>
internal sealed class DiskRuntime : IContainerRuntime
{
    public const string EndpointPrefix = "file://";

    private const string NoEngine = "there is no engine, only its data directory";

    private readonly string root;
    private readonly string spoolDirectory;
    private readonly TimeProvider clock;
    private readonly IDiskStore store;

    private DiskRuntime(string root, string spoolDirectory, TimeProvider clock, IDiskStore store) =>
        (this.root, this.spoolDirectory, this.clock, this.store) = (root, spoolDirectory, clock, store);

    public bool IsLive => false;

    public string Kind => store.Kind;

    public string Endpoint => EndpointPrefix + root;

    /// <summary>Opens a data directory.</summary>
    /// <exception cref="OperatorException">It is none of Docker or Podman.</exception>
    public static DiskRuntime Open(string root, string spoolDirectory, TimeProvider clock)
    {
        root = root.Length > 1 ? root.TrimEnd('/') : root;
        IDiskStore? store = DockerStore.TryOpen(root) ?? (IDiskStore?)ContainersStorage.TryOpen(root);
        return store is not null
            ? new(root, spoolDirectory, clock, store)
            : throw new OperatorException(
                $"{DisplayText.Escape(root)} is no data directory of Docker (it has no containers/ and image/) nor of Podman (no overlay-containers/).",
                "Give the directory itself: --root /mnt/disk/var/lib/docker, or --root /mnt/disk/var/lib/containers/storage. Reading it needs root.");
    }

    public Task<EventBacklog> CaptureEventsAsync(CancellationToken ct) =>
        Task.FromResult(new EventBacklog(EventSpool.Create(spoolDirectory), clock.GetUtcNow(), Endpoint, NoEngine));

    public Task<EngineFacts> ReadFactsAsync(CancellationToken ct) => Task.FromResult(new EngineFacts(Kind, Endpoint, "", "", store.Driver, "", "", root, ""));

    public Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken ct)
    {
        List<ContainerSummary> list = [];
        foreach (string id in store.ContainerIds())
        {
            ct.ThrowIfCancellationRequested();
            list.Add(Summarise(id));
        }

        return Task.FromResult<IReadOnlyList<ContainerSummary>>(list);
    }

    public async Task<ContainerRef> ResolveAsync(string idOrName, CancellationToken ct)
    {
        IReadOnlyList<ContainerSummary> all = await ListAsync(ct);
        ContainerCandidate chosen = ContainerMatch.Find(
            idOrName, [.. all.Select(one => new ContainerCandidate(one.Container.Id, one.Container.Name, one.Container.ImageName, one.Container.State))]);
        ContainerSummary found = all.First(one => one.Container.Id == chosen.Id);
        return found.Risks.FirstOrDefault(risk => risk.Id == "not-described") is { } broken
            ? throw new OperatorException($"Container {chosen.Id[..12]} is not described by its files: {broken.Text}", "Copy what is left of its directory by hand; its layers are below the storage driver's.")
            : found.Container;
    }

    public Task<Stream> OpenDocumentAsync(EngineDocument document, string id, CancellationToken ct)
    {
        try
        {
            return Task.FromResult<Stream>(new MemoryStream(document switch
            {
                EngineDocument.ContainerInspect => Compose(json => store.WriteInspect(json, id)),
                EngineDocument.ImageInspect => ComposeImage(id),
                EngineDocument.ImageHistory => ComposeHistory(id),
                _ => throw new IOException(NoEngine),
            }));
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            throw new IOException(failure.Message, failure);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static byte[] Compose(Action<Utf8JsonWriter> write)
    {
        using MemoryStream content = new();
        using (Utf8JsonWriter json = new(content, new JsonWriterOptions { Indented = true }))
        {
            write(json);
        }

        return content.ToArray();
    }

    private ContainerSummary Summarise(string id)
    {
        try
        {
            using JsonDocument inspect = ContainerInspect.Parse(Compose(json => store.WriteInspect(json, id)));
            ContainerRef container = ContainerInspect.Read(inspect.RootElement, Kind);
            container = container with
            {
                // The number is of a process of a machine that is off.
                InitPid = 0,
                Mounts = [.. container.Mounts.Select(mount => mount with { Source = mount.Source.Length == 0 ? "" : store.OnDisk(id, mount.Source) ?? "" })],
            };
            return new(container, RiskMarks.Of(inspect.RootElement, root, hasDigest: null));
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            ContainerRef known = new() { RuntimeKind = Kind, Id = id, Name = "", ImageName = "", ImageId = "", State = ContainerState.Unknown, InitPid = 0, CreatedAt = DateTimeOffset.UnixEpoch };
            return new(known, [new RiskMark("not-described", DisplayText.Escape(failure.Message))]);
        }
    }

    private byte[] ComposeImage(string imageId)
    {
        var image = StoredImage.Read(root, store.Driver, imageId);
        using JsonDocument configuration = ContainerInspect.Parse(image.Configuration);
        return Compose(json =>
        {
            json.WriteStartObject();
            json.WriteString("Id", imageId);
            Texts(json, "RepoTags", store.TagsOf(imageId).Where(tag => !tag.Contains('@')));
            Texts(json, "RepoDigests", store.TagsOf(imageId).Where(tag => tag.Contains('@')));
            foreach ((string from, string to) in new[] { ("created", "Created"), ("author", "Author"), ("comment", "Comment"), ("architecture", "Architecture"), ("os", "Os"), ("config", "Config") })
            {
                if (configuration.RootElement.Field(from) is { } value)
                {
                    json.WritePropertyName(to);
                    value.WriteTo(json);
                }
            }

            json.WriteStartObject("RootFS");
            json.WriteString("Type", "layers");
            Texts(json, "Layers", image.Layers.Select(layer => layer.DiffId));
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private byte[] ComposeHistory(string imageId)
    {
        using JsonDocument configuration = ContainerInspect.Parse(StoredImage.Read(root, store.Driver, imageId).Configuration);
        return Compose(json =>
        {
            json.WriteStartArray();
            foreach (JsonElement step in configuration.RootElement.Items("history").Reverse())
            {
                json.WriteStartObject();
                json.WriteNumber("Created", step.Instant("created")?.ToUnixTimeSeconds() ?? 0);
                json.WriteString("CreatedBy", step.Text("created_by") ?? "");
                json.WriteString("Comment", step.Text("comment") ?? "");
                json.WriteBoolean("EmptyLayer", step.Flag("empty_layer"));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
