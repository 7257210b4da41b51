using System.Text.Json;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Actions;

/// <summary>The container an action is about, the engine it belongs to, and the engine's whole word on it.</summary>
internal sealed class ActionScene : IAsyncDisposable
{
    private const int InspectBytes = 64 * 1024 * 1024;
    private readonly JsonDocument inspect;

    private ActionScene(IContainerRuntime runtime, ContainerRef container, JsonDocument inspect)
    {
        (Runtime, Container, this.inspect) = (runtime, container, inspect);
        Control = new EngineControl(runtime.Endpoint);
    }

    public IContainerRuntime Runtime { get; }

    public EngineControl Control { get; }

    public ContainerRef Container { get; }

    /// <summary>GET /containers/ID/json.</summary>
    public JsonElement Inspect => inspect.RootElement;

    /// <summary>Its HostConfig.</summary>
    public JsonElement HostConfig => Inspect.Object("HostConfig");

    /// <summary>Whether the engine deletes it, its volumes and its log as soon as it ends.</summary>
    public bool IsRemovedWhenItEnds => HostConfig.Flag("AutoRemove");

    /// <summary>Who else would replace it when it ends: swarm, compose, Kubernetes. Null when nobody known.</summary>
    public string? Orchestrator =>
        Container.Labels.TryGetValue("com.docker.swarm.service.name", out string? service) || Container.Labels.ContainsKey("com.docker.swarm.task.id") ? $"swarm service {Shown(service)}"
        : Container.Labels.TryGetValue("io.kubernetes.pod.name", out string? pod) ? $"Kubernetes pod {Shown(pod)}"
        : Container.Labels.TryGetValue("com.docker.compose.project", out string? project) ? $"compose project {Shown(project)}"
        : null;

    /// <summary>Resolves the container.</summary>
    /// <exception cref="ContainerIR.Evidence.OperatorException">The engine or the container cannot be found.</exception>
    public static async Task<ActionScene> OpenAsync(ActionParts parts, string container, string? endpoint, CancellationToken ct)
    {
        IContainerRuntime runtime = parts.Connect(endpoint);
        try
        {
            ContainerRef found = await runtime.ResolveAsync(container, ct);
            await using Stream document = await runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, found.Id, ct);
            using MemoryStream content = new();
            byte[] buffer = new byte[64 * 1024];
            int count;
            while ((count = document.Read(buffer)) > 0 && content.Length < InspectBytes)
            {
                content.Write(buffer, 0, count);
            }

            return new ActionScene(runtime, found, ContainerInspect.Parse(content.ToArray()));
        }
        catch
        {
            await runtime.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same for a change of the journal; null when its container is gone.</summary>
    public static async Task<ActionScene?> OfChangeAsync(ActionParts parts, Changes.Change change, CancellationToken ct)
    {
        await using (IContainerRuntime runtime = parts.Connect(change.Endpoint))
        {
            await using Stream list = await runtime.OpenDocumentAsync(EngineDocument.ContainerList, "", ct);
            using JsonDocument all = await JsonDocument.ParseAsync(list, cancellationToken: ct);
            if (!all.RootElement.EnumerateArray().Any(each => each.Text("Id") == change.ContainerId))
            {
                return null;
            }
        }

        return await OpenAsync(parts, change.ContainerId, change.Endpoint, ct);
    }

    public async ValueTask DisposeAsync()
    {
        inspect.Dispose();
        Control.Dispose();
        await Runtime.DisposeAsync();
    }

    private static string Shown(string? name) => Evidence.Text.DisplayText.Shorten(name ?? "", 100);
}
