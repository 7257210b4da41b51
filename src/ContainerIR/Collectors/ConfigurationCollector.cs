using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// How the container was configured, from every place that knows: the engine's answer, the engine's files, its networks, and the runtime specification the
/// kernel was really given, all as found; and beside them the facts that decide over its freedom, in one place.
/// </summary>
internal sealed class ConfigurationCollector(CollectionContext context) : ICollector
{
    private const long FileLimitBytes = 16L * 1024 * 1024;
    private const int MaxNetworks = 64;

    /// <summary>Files the engine keeps of a container (Docker; moby container.Container). "docker pause" rewrites the first two.</summary>
    private static readonly string[] EngineFiles = ["config.v2.json", "hostconfig.json"];

    /// <summary>Files for the resolution of names, made at the first start, and where the engine's answer says their path: one that shares another's network shares them too.</summary>
    private static readonly (string File, string Said)[] NameFiles = [("hosts", "HostsPath"), ("hostname", "HostnamePath"), ("resolv.conf", "ResolvConfPath")];

    private const string NeverStarted = "the container never started";

    public string Name => "configuration";

    public Volatility Volatility => Volatility.Configuration;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        IContainerRuntime runtime = context.Runtime;
        EngineProcess? engine = EngineProcess.Find(runtime.Endpoint);
        string prefix = engine?.PathPrefix() ?? "";
        await sink.AddDocumentAsync(runtime, EngineDocument.ContainerInspect, container.Id, "inspect.json", $"GET /containers/{container.Id}/json", ct);
        IReadOnlyDictionary<string, string> said = await AddFactsAsync(container, sink, ct);
        await AddEngineFilesAsync(container, prefix, said, sink, ct);
        await AddNetworksAsync(container, sink, ct);
        await AddRuntimeSpecAsync(container, prefix, sink, ct);
        await AddResourcesAsync(container, sink, ct);
        await sink.AddDocumentAsync(runtime, EngineDocument.Version, "", "version.json", "GET /version", ct);
        await sink.AddDocumentAsync(runtime, EngineDocument.Info, "", "info.json", "GET /info", ct);
    }

    /// <returns>The paths of name files the engine's answer says.</returns>
    private async Task<IReadOnlyDictionary<string, string>> AddFactsAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, container.Id, ct);
            using JsonDocument inspect = ContainerInspect.Parse(content.ReadAtMost((int)FileLimitBytes));
            await sink.AddJsonAsync("facts.json", "derived from inspect.json and /proc of the first process", json => ConfigurationFacts.Write(json, inspect.RootElement, container.InitPid), ct);
            return NameFiles.Where(each => inspect.RootElement.Text(each.Said) is not null).ToDictionary(each => each.File, each => inspect.RootElement.Text(each.Said)!);
        }
        catch (Exception failure) when (failure is IOException and not Evidence.BundleWriteException or Evidence.OperatorException or InvalidDataException)
        {
            sink.AddGap("configuration as facts", failure.Message);
            return new Dictionary<string, string>();
        }
    }

    private async Task AddEngineFilesAsync(ContainerRef container, string prefix, IReadOnlyDictionary<string, string> said, IEvidenceSink sink, CancellationToken ct)
    {
        if (container.RuntimeKind != "docker")
        {
            return;
        }

        try
        {
            string root = (await context.Runtime.ReadFactsAsync(ct)).RootDirectory;
            foreach (string file in EngineFiles)
            {
                await sink.AddHostFileAsync("engine/" + file, $"{prefix}{root}/containers/{container.Id}/{file}", FileLimitBytes, ct);
            }

            foreach ((string file, _) in NameFiles)
            {
                string? path = said.GetValueOrDefault(file);
                if (path is { Length: 0 } && container.StartedAt is null)
                {
                    sink.AddGap($"the engine's file {file} of the container", $"{NeverStarted}: it is made then");
                    continue;
                }

                await sink.AddHostFileAsync("engine/" + file, $"{prefix}{root}/containers/{OwnerIn(path) ?? container.Id}/{file}", FileLimitBytes, ct);
            }
        }
        catch (Evidence.OperatorException failure)
        {
            sink.AddGap("the engine's files of the container", failure.Message);
        }
    }

    // The id alone is taken from the path: the directory of a disk that was moved lies elsewhere.
    private static string? OwnerIn(string? path) => path?.Split('/') is [.., "containers", { } owner, _] && ContainerInspect.IsId(owner) ? owner : null;

    private async Task AddNetworksAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        int number = 0;
        foreach (ContainerNetwork network in container.Networks)
        {
            string id = network.NetworkId.Length > 0 ? network.NetworkId : network.Name;
            if (++number > MaxNetworks)
            {
                sink.AddGap($"networks after the first {MaxNetworks}", $"the container has {container.Networks.Count}: over the limit");
                return;
            }

            string name = string.Create(CultureInfo.InvariantCulture, $"networks/{number:D4}.json");
            await sink.AddDocumentAsync(context.Runtime, EngineDocument.NetworkInspect, id, name, $"GET /networks/{DisplayText.Escape(id)} ({DisplayText.Escape(network.Name)})", ct);
        }
    }

    /// <summary>
    /// The OCI bundle is the working directory of the container's shim (containerd) or the -b argument of its monitor (conmon): its parent process tells,
    /// so no path of an engine is guessed. The shim's options.json says where the runtime keeps its state.
    /// </summary>
    private static async Task AddRuntimeSpecAsync(ContainerRef container, string prefix, IEvidenceSink sink, CancellationToken ct)
    {
        const string sought = "OCI runtime specification (config.json, state.json)";
        if (!container.HasProcesses)
        {
            sink.AddGap(sought, container.StartedAt is null ? $"{NeverStarted}: the runtime makes its bundle then" : "the container has no process: the runtime removed its bundle when it ended");
            return;
        }

        if (RuntimeBundle.Find(container) is not { } bundle)
        {
            sink.AddGap(sought, "the parent of the container's first process is no shim or monitor that names its bundle");
            return;
        }

        await sink.AddHostFileAsync("runtime/config.json", $"{prefix}{bundle.Directory}/config.json", FileLimitBytes, ct);
        if (bundle.StatePaths(prefix).FirstOrDefault(path => HostFile.TryStat(path) is not null) is { } state)
        {
            await sink.AddHostFileAsync("runtime/state.json", state, FileLimitBytes, ct);
        }
        else
        {
            sink.AddGap("OCI runtime state (state.json)", $"not where the shim's options.json of {DisplayText.Escape(bundle.Directory)} points");
        }
    }

    /// <summary>Use of resources now, from the cgroup files themselves (cgroup v1 and v2 have other names; all that are there are taken).</summary>
    private static async Task AddResourcesAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        if (!container.HasProcesses)
        {
            return;
        }

        try
        {
            IReadOnlyList<(string Path, string Text)> values = CgroupUse.Read(container.InitPid);
            await sink.AddJsonAsync("resources.json", $"cgroup files of pid {container.InitPid}", json => Write(json, values), ct);
        }
        catch (HostFileException failure)
        {
            sink.AddGap("resource use", failure.Message);
        }
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<(string Path, string Text)> values)
    {
        json.WriteString("read_at", Rfc3339.Format(ClockFacts.Read().RealtimeNs));
        json.WriteStartObject("files");
        foreach ((string path, string text) in values)
        {
            json.WriteString(path, text);
        }

        json.WriteEndObject();
    }
}
