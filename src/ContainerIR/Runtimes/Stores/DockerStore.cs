using System.Text;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes.Stores;

/// <summary>
/// Docker's data directory: <c>containers/ID/config.v2.json</c> and <c>hostconfig.json</c>, <c>image/DRIVER/layerdb/mounts/ID</c>, and the storage driver's
/// directories (moby: container/container.go, layer/filestore.go).
/// </summary>
internal sealed class DockerStore : IDiskStore
{
    /// <summary>Among the storage data: why the layers are not there.</summary>
    public const string LayerError = "Error";

    private const int DocumentBytes = 16 * 1024 * 1024;
    private const int MaxContainers = 100_000;

    private static readonly string[] Drivers = ["overlay2", "fuse-overlayfs", "vfs", "btrfs", "zfs", "overlay", "aufs", "devicemapper"];

    private readonly string root;

    private DockerStore(string root, string driver) => (this.root, Driver) = (root, driver);

    public string Kind => "docker";

    public string Driver { get; }

    /// <summary>Opens it; null when it is none.</summary>
    public static DockerStore? TryOpen(string root) => HostFile.TryStat($"{root}/containers") is null
        || (HostFile.TryStat($"{root}/image") is null && !ContainerdSnapshots.HomesOf(root).Any(home => HostFile.TryStat(home) is not null))
        ? null
        : new(root, Array.Find(Drivers, driver => HostFile.TryStat($"{root}/image/{driver}/layerdb") is not null)
            ?? (HostFile.TryStat($"{root}/image") is null ? ContainerdSnapshots.Overlays[0] : Drivers[0]));

    /// <summary>What the storage driver's files say of a container's layers, where the engine does not: the same names as GraphDriver.Data. Empty when nothing.</summary>
    public IReadOnlyDictionary<string, string> StorageDataOf(string driver, string id)
    {
        using MemoryStream content = new();
        using (Utf8JsonWriter json = new(content))
        {
            json.WriteStartObject();
            WriteGraphDriver(json, driver, id);
            json.WriteEndObject();
        }

        using JsonDocument document = JsonDocument.Parse(content.ToArray());
        return document.RootElement.Object("GraphDriver").TextMembers("Data");
    }

    public IEnumerable<string> ContainerIds() => [.. Directory.EnumerateDirectories($"{root}/containers").Select(path => Path.GetFileName(path)).Where(ContainerInspect.IsId)
        .Take(MaxContainers).Order(StringComparer.Ordinal)];

    public void WriteInspect(Utf8JsonWriter json, string id)
    {
        using JsonDocument file = Parse($"{root}/containers/{id}/config.v2.json");
        JsonElement config = file.RootElement;
        json.WriteStartObject();
        json.WriteString("Id", id);
        foreach (string name in (string[])["Created", "Path", "Args", "Image", "Name", "RestartCount", "Driver", "MountLabel", "ProcessLabel", "AppArmorProfile", "Config", "NetworkSettings"])
        {
            Copy(json, config, name, name);
        }

        WriteState(json, config.Object("State"));
        json.WriteString("LogPath", LogPathOf(config, id));
        if (TryParse($"{root}/containers/{id}/hostconfig.json") is { } host)
        {
            using (host)
            {
                json.WritePropertyName("HostConfig");
                host.RootElement.WriteTo(json);
            }
        }

        json.WriteStartArray("Mounts");
        foreach (JsonProperty mount in config.Members("MountPoints"))
        {
            WriteMount(json, mount.Value);
        }

        json.WriteEndArray();
        WriteGraphDriver(json, config.Text("Driver") is { Length: > 0 } driver ? driver : Driver, id);
        json.WriteEndObject();
    }

    public string? OnDisk(string id, string hostPath)
    {
        if (hostPath.StartsWith(root + "/", StringComparison.Ordinal))
        {
            return hostPath;
        }

        if (OldRoot(id) is not { } old)
        {
            return null;
        }

        if (hostPath.StartsWith(old + "/", StringComparison.Ordinal))
        {
            return root + hostPath[old.Length..];
        }

        // The whole disk is there when the data directory lies on it where it always did.
        return root.EndsWith(old, StringComparison.Ordinal) ? root[..^old.Length] + hostPath : null;
    }

    public IReadOnlyList<string> TagsOf(string imageId)
    {
        if (TryParse($"{root}/image/{Driver}/repositories.json") is not { } file)
        {
            return [];
        }

        using (file)
        {
            return [.. file.RootElement.Members("Repositories").SelectMany(repository => repository.Value.ValueKind == JsonValueKind.Object ? repository.Value.EnumerateObject() : [])
                .Where(tag => tag.Value.TextOrNull() == imageId).Select(JsonFields.NameOf)];
        }
    }

    private static JsonDocument Parse(string path) => ContainerInspect.Parse(HostFile.ReadSmall(path, DocumentBytes));

    private static JsonDocument? TryParse(string path)
    {
        try
        {
            return Parse(path);
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            return null;
        }
    }

    private static void Copy(Utf8JsonWriter json, JsonElement from, string name, string to)
    {
        if (from.Field(name) is { } value)
        {
            json.WritePropertyName(to);
            value.WriteTo(json);
        }
    }

    // The word the engine gives for a state is made when it is asked (moby: container/state.go, StateString).
    private static void WriteState(Utf8JsonWriter json, JsonElement state)
    {
        string word = state.Flag("Running") ? state.Flag("Paused") ? "paused" : state.Flag("Restarting") ? "restarting" : "running"
            : state.Flag("RemovalInProgress") ? "removing"
            : state.Flag("Dead") ? "dead"
            : state.Instant("StartedAt") is { Year: >= 1970 } ? "exited" : "created";
        json.WriteStartObject("State");
        json.WriteString("Status", word);
        foreach (JsonProperty field in state.ValueKind == JsonValueKind.Object ? state.EnumerateObject() : [])
        {
            field.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private void WriteMount(Utf8JsonWriter json, JsonElement mount)
    {
        string name = mount.Text("Name") ?? "";
        string source = mount.Text("Source") is { Length: > 0 } text ? text : mount.Object("Spec").Text("Source") ?? "";
        bool isVolume = mount.Text("Type") == "volume" || (name.Length > 0 && mount.Text("Driver") is { Length: > 0 });
        json.WriteStartObject();
        json.WriteString("Type", mount.Text("Type") is { Length: > 0 } type ? type : isVolume ? "volume" : "bind");
        json.WriteString("Name", name);

        // The engine notes no source for a volume of its own driver: it lies in this directory, wherever that is now.
        json.WriteString("Source", isVolume && source.Length == 0 && mount.Text("Driver") == "local" ? $"{root}/volumes/{name}/_data" : source);
        json.WriteString("Destination", mount.Text("Destination") ?? "");
        Copy(json, mount, "Driver", "Driver");
        json.WriteBoolean("RW", mount.Flag("RW"));
        json.WriteEndObject();
    }

    private string LogPathOf(JsonElement config, string id)
    {
        string old = config.Text("LogPath") ?? "";
        int at = old.IndexOf("/containers/" + id, StringComparison.Ordinal);
        return at >= 0 ? root + old[at..] : old.Length == 0 ? "" : $"{root}/containers/{id}/{id}-json.log";
    }

    private void WriteGraphDriver(Utf8JsonWriter json, string driver, string id)
    {
        json.WriteStartObject("GraphDriver");
        json.WriteString("Name", driver);
        json.WriteStartObject("Data");
        string? mount = Word($"{root}/image/{driver}/layerdb/mounts/{id}/mount-id");
        if (mount is null)
        {
            WriteSnapshots(json, driver, id);
        }

        if (mount is not null && driver is "overlay2" or "fuse-overlayfs" or "overlay")
        {
            json.WriteString("UpperDir", $"{root}/{driver}/{mount}/diff");
            json.WriteString("LowerDir", LowersOf($"{root}/{driver}", $"{root}/{driver}/{mount}/lower"));
        }
        else if (mount is not null && driver is "vfs" or "btrfs")
        {
            json.WriteString("Dir", driver == "vfs" ? $"{root}/vfs/dir/{mount}" : $"{root}/btrfs/subvolumes/{mount}");
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteSnapshots(Utf8JsonWriter json, string driver, string id)
    {
        try
        {
            if (ContainerdSnapshots.Find(root, driver, id) is { } chain)
            {
                json.WriteString("UpperDir", chain.Upper);
                json.WriteString("LowerDir", string.Join(':', chain.Lowers.Select(lower => lower.Replace(@"\", @"\\", StringComparison.Ordinal).Replace(":", @"\:", StringComparison.Ordinal))));
            }
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            json.WriteString(LayerError, $"containerd's database of snapshots: {failure.Message}");
        }
    }

    /// <summary>The list of lower directories of a driver's "lower" file: links relative to the driver's directory.</summary>
    internal static string LowersOf(string home, string lowerFile)
    {
        try
        {
            string lowers = Encoding.UTF8.GetString(HostFile.ReadSmall(lowerFile)).Trim();
            return string.Join(':', lowers.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(lower => lower.StartsWith('/') ? lower : $"{home}/{lower}"));
        }
        catch (HostFileException)
        {
            return "";
        }
    }

    private static string? Word(string path)
    {
        try
        {
            string word = Encoding.ASCII.GetString(HostFile.ReadSmall(path, 4096)).Trim();
            return word.Length is > 0 and < 256 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? word : null;
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    /// <summary>Where the directory lay on its host: before <c>/containers/ID</c> in the paths the engine noted.</summary>
    private string? OldRoot(string id)
    {
        if (TryParse($"{root}/containers/{id}/config.v2.json") is not { } file)
        {
            return null;
        }

        using (file)
        {
            return ((string[])["HostsPath", "ResolvConfPath", "HostnamePath", "LogPath"]).Select(name => file.RootElement.Text(name) ?? "")
                .Select(path => (Path: path, At: path.IndexOf("/containers/" + id, StringComparison.Ordinal))).Where(each => each.At > 0).Select(each => each.Path[..each.At]).FirstOrDefault();
        }
    }
}
