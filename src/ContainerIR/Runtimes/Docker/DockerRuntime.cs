using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using Docker.DotNet;
using Docker.DotNet.Models;
using Version = System.Version;

namespace ContainerIR.Runtimes.Docker;

/// <summary>
/// Docker, and Podman through its Docker-compatible socket. Lists and settings come through the typed client (Docker.DotNet); every document that is evidence
/// comes raw. Only GET requests are made, and of those that leave an event only the export, where nothing else is left.
/// </summary>
internal sealed class DockerRuntime : IContainerRuntime
{
    /// <summary>Backlog kept at most.</summary>
    public const long EventLimitBytes = 64L * 1024 * 1024;

    private const int InspectLimitBytes = 64 * 1024 * 1024;
    private const long DocumentLimitBytes = 256L * 1024 * 1024;
    private const long LogLimitBytes = 64L * 1024 * 1024 * 1024;
    private const long ExportLimitBytes = 1024L * 1024 * 1024 * 1024;
    private const int ParallelInspects = 8;

    /// <summary>The newest API the typed client's models were made from (Docker 29.4).</summary>
    private static readonly Version NewestApi = new(1, 54);
    private static readonly TimeSpan InspectTimeout = TimeSpan.FromSeconds(10);

    private readonly EngineAddress address;
    private readonly string spoolDirectory;
    private readonly TimeProvider clock;
    private readonly EngineTransport transport;
    private readonly EngineHttp http;
    private DockerClient? typed;
    private EngineFacts? facts;

    public DockerRuntime(EngineAddress address, string spoolDirectory, TimeProvider clock)
    {
        (this.address, this.spoolDirectory, this.clock) = (address, spoolDirectory, clock);
        transport = new EngineTransport(address);
        http = new EngineHttp(transport);
    }

    public string Kind => http.Greeting?.Kind ?? "docker";

    public string Endpoint => address.ToString();

    public async Task<EventBacklog> CaptureEventsAsync(CancellationToken ct)
    {
        // Without a version in the path no other request has to come first. The end is given in nanoseconds: whole seconds would lose the newest events.
        DateTimeOffset now = clock.GetUtcNow();
        string source = string.Create(CultureInfo.InvariantCulture, $"/events?since=0&until={now.ToUnixTimeSeconds()}.{now.Ticks % TimeSpan.TicksPerSecond * 100:D9}");
        FileStream spool = EventSpool.Create(spoolDirectory);
        string? error = null;
        try
        {
            Stream first = http.Open(source, EventLimitBytes, ct);
            if (Kind == "podman")
            {
                // Podman stops reading its event file as soon as "until" has passed, so the answer is cut anywhere. It knows stream=false instead, which Docker
                // does not; and it keeps its events in a file, so that a second request loses none.
                await first.DisposeAsync();
                source = "/events?since=0&stream=false";
                first = http.Open(source, EventLimitBytes, ct);
            }

            await using Stream answer = first;
            byte[] buffer = new byte[64 * 1024];
            int count;
            while ((count = answer.Read(buffer)) > 0)
            {
                await spool.WriteAsync(buffer.AsMemory(0, count), ct);
            }
        }
        catch (EngineRefusalException refusal)
        {
            error = refusal.Message;
        }
        catch (IOException failure) when (http.Greeting?.ApiVersion is not null)
        {
            error = failure.Message;
        }
        catch (IOException failure)
        {
            await spool.DisposeAsync();
            throw Unreachable(failure);
        }
        catch
        {
            await spool.DisposeAsync();
            throw;
        }

        RequireEngine();
        await spool.FlushAsync(ct);
        return new EventBacklog(spool, clock.GetUtcNow(), source, error);
    }

    public async Task<EngineFacts> ReadFactsAsync(CancellationToken ct)
    {
        if (facts is { } known)
        {
            return known;
        }

        DockerClient client = await ClientAsync(ct);
        SystemInfoResponse info = await AskAsync("/info", () => client.System.GetSystemInfoAsync(ct), ct);
        return facts = new EngineFacts(
            Kind,
            Endpoint,
            DisplayText.Escape(info.ServerVersion ?? ""),
            SpokenApi().ToString(),
            DisplayText.Escape(info.Driver ?? ""),
            info.CgroupVersion is { Length: > 0 } version ? DisplayText.Escape(version) : "1",
            DisplayText.Escape(info.CgroupDriver ?? ""),
            info.DockerRootDir ?? "",
            DisplayText.Escape(info.LoggingDriver ?? ""));
    }

    public async Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken ct)
    {
        IList<ContainerListResponse> rows = await ListRowsAsync(ct);
        string engineRoot = (await ReadFactsAsync(ct)).RootDirectory;
        ConcurrentDictionary<string, Lazy<Task<bool?>>> digests = new();
        ContainerSummary?[] summaries = new ContainerSummary?[rows.Count];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, rows.Count),
            new ParallelOptions { MaxDegreeOfParallelism = ParallelInspects, CancellationToken = ct },
            async (index, token) => summaries[index] = await SummariseAsync(rows[index], engineRoot, digests, token));
        return [.. summaries.OfType<ContainerSummary>()];
    }

    public async Task<ContainerRef> ResolveAsync(string idOrName, CancellationToken ct)
    {
        IList<ContainerListResponse> rows = await ListRowsAsync(ct);
        ContainerCandidate chosen = ContainerMatch.Find(idOrName, [.. rows.Where(row => ContainerInspect.IsId(row.ID ?? "")).Select(CandidateOf)]);
        try
        {
            return ContainerInspect.Read(await http.ReadAsync(Path($"/containers/{chosen.Id}/json"), InspectLimitBytes, EngineConnection.ReadTimeout, ct), Kind);
        }
        catch (EngineRefusalException refusal) when (refusal.Status == System.Net.HttpStatusCode.NotFound)
        {
            throw new OperatorException($"Container {DisplayText.Shorten(chosen.Name, 64)} went away while it was looked up.", "List what is left: cir containers", refusal);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw new OperatorException(
                $"The engine lists container {chosen.Id[..12]} but does not describe it: {failure.Message}",
                "An archive or exec request that hangs can hold the container's lock in the engine. Look at the engine's log; restarting the engine would destroy evidence.",
                failure);
        }
    }

    public async Task<Stream> OpenDocumentAsync(EngineDocument document, string id, CancellationToken ct)
    {
        await GreetAsync(ct);
        string name = Uri.EscapeDataString(id);
        return document switch
        {
            EngineDocument.Version => http.Open(Path("/version"), DocumentLimitBytes, ct),
            EngineDocument.Info => http.Open(Path("/info"), DocumentLimitBytes, ct),
            EngineDocument.ContainerInspect => http.Open(Path($"/containers/{name}/json"), DocumentLimitBytes, ct),
            EngineDocument.ContainerChanges => http.Open(Path($"/containers/{name}/changes"), DocumentLimitBytes, ct),
            EngineDocument.ContainerLogs => http.Open(Path($"/containers/{name}/logs?stdout=1&stderr=1&timestamps=1"), LogLimitBytes, ct),
            EngineDocument.ContainerExport => http.Open(Path($"/containers/{name}/export"), ExportLimitBytes, ct),
            EngineDocument.ImageInspect => http.Open(Path($"/images/{name}/json"), DocumentLimitBytes, ct),
            EngineDocument.ImageHistory => http.Open(Path($"/images/{name}/history"), DocumentLimitBytes, ct),
            EngineDocument.NetworkInspect => http.Open(Path($"/networks/{name}?verbose=1"), DocumentLimitBytes, ct),
            EngineDocument.ContainerList => http.Open(Path("/containers/json?all=1"), DocumentLimitBytes, ct),
            EngineDocument.ImageList => http.Open(Path("/images/json?all=1&digests=1"), DocumentLimitBytes, ct),
            EngineDocument.NetworkList => http.Open(Path("/networks"), DocumentLimitBytes, ct),
            EngineDocument.VolumeList => http.Open(Path("/volumes"), DocumentLimitBytes, ct),
            _ => throw new ArgumentOutOfRangeException(nameof(document)),
        };
    }

    public ValueTask DisposeAsync()
    {
        typed?.Dispose();
        http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static ContainerCandidate CandidateOf(ContainerListResponse row) => new(row.ID, NameOf(row), row.Image ?? "", ContainerInspect.StateOf(row.State));

    /// <summary>A name with a second slash is a link's alias inside another container, not the container's own.</summary>
    private static string NameOf(ContainerListResponse row) =>
        (row.Names ?? []).Select(name => name.TrimStart('/')).OrderBy(name => name.Contains('/') ? 1 : 0).FirstOrDefault() ?? "";

    private async ValueTask<ContainerSummary?> SummariseAsync(
        ContainerListResponse row, string engineRoot, ConcurrentDictionary<string, Lazy<Task<bool?>>> digests, CancellationToken ct)
    {
        if (!ContainerInspect.IsId(row.ID ?? ""))
        {
            return null;
        }

        try
        {
            using JsonDocument inspect = ContainerInspect.Parse(await http.ReadAsync(Path($"/containers/{row.ID}/json"), InspectLimitBytes, InspectTimeout, ct));
            ContainerRef container = ContainerInspect.Read(inspect.RootElement, Kind);
            bool? hasDigest = container.ImageName.Contains("@sha256:", StringComparison.Ordinal)
                ? true
                : await digests.GetOrAdd(container.ImageId, id => new Lazy<Task<bool?>>(() => HasDigestAsync(id, ct))).Value;
            return new ContainerSummary(container, RiskMarks.Of(inspect.RootElement, engineRoot, hasDigest));
        }
        catch (EngineRefusalException refusal) when (refusal.Status == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            // A container whose lock is held by a hanging request must not hide the others, nor itself.
            ContainerRef known = new()
            {
                RuntimeKind = Kind,
                Id = row.ID!,
                Name = NameOf(row),
                ImageName = row.Image ?? "",
                ImageId = row.ImageID ?? "",
                State = ContainerInspect.StateOf(row.State),
                InitPid = 0,
                CreatedAt = new DateTimeOffset(DateTime.SpecifyKind(row.Created, DateTimeKind.Utc)),
                Labels = row.Labels is { } labels ? new Dictionary<string, string>(labels) : [],
            };
            return new ContainerSummary(known, [new RiskMark("not-described", failure.Message)]);
        }
    }

    /// <summary>Whether an image came from a registry; null when that cannot be said.</summary>
    private async Task<bool?> HasDigestAsync(string imageId, CancellationToken ct)
    {
        if (imageId.Length == 0)
        {
            return null;
        }

        try
        {
            ReadOnlyMemory<byte> document = await http.ReadAsync(Path($"/images/{Uri.EscapeDataString(imageId)}/json"), InspectLimitBytes, InspectTimeout, ct);
            using JsonDocument image = ContainerInspect.Parse(document);
            return image.RootElement.Texts("RepoDigests").Count > 0;
        }
        catch (EngineRefusalException refusal) when (refusal.Status == System.Net.HttpStatusCode.NotFound)
        {
            return false;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            return null;
        }
    }

    private async Task<IList<ContainerListResponse>> ListRowsAsync(CancellationToken ct)
    {
        DockerClient client = await ClientAsync(ct);
        return await AskAsync("/containers/json", () => client.Containers.ListContainersAsync(new ContainersListParameters { All = true }, ct), ct);
    }

    private async Task<DockerClient> ClientAsync(CancellationToken ct)
    {
        await GreetAsync(ct);
        return typed ??= new DockerClientBuilder().WithApiVersion(SpokenApi()).WithTransportOptions(transport, address).Build();
    }

    /// <summary>Asks for the API version unless an answer told it already.</summary>
    private async Task GreetAsync(CancellationToken ct)
    {
        if (http.Greeting is not null)
        {
            RequireEngine();
            return;
        }

        try
        {
            _ = await http.ReadAsync("/_ping", 64 * 1024, EngineConnection.ReadTimeout, ct);
        }
        catch (IOException failure) when (http.Greeting?.ApiVersion is null)
        {
            throw Unreachable(failure);
        }

        RequireEngine();
    }

    private void RequireEngine()
    {
        if (http.Greeting?.ApiVersion is null)
        {
            throw new OperatorException(
                $"What answers at {Endpoint} is no container engine: its answer has no Api-Version header.",
                "Set DOCKER_HOST to the socket of Docker, or of Podman's Docker-compatible service.");
        }
    }

    private Version SpokenApi() => http.Greeting?.ApiVersion is { } theirs && theirs < NewestApi ? theirs : NewestApi;

    private string Path(string path) => $"/v{SpokenApi()}{path}";

    private OperatorException Unreachable(IOException failure) => EngineConnection.Try(address) ?? new OperatorException(
        $"The container engine at {Endpoint} takes connections but does not answer as one: {failure.Message}",
        "Check that DOCKER_HOST names the engine's own socket and that the engine is not stuck (its log says). Restarting it would destroy evidence.",
        failure);

    private async Task<T> AskAsync<T>(string what, Func<Task<T>> ask, CancellationToken ct)
    {
        try
        {
            return await ask();
        }
        catch (Exception failure) when (
            failure is DockerApiException or HttpRequestException or IOException or JsonException or TimeoutException or FormatException
            || (failure is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw Unreachable(new IOException($"{what}: {DisplayText.Shorten(failure.Message, 300)}", failure));
        }
    }
}
