using System.Text;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes.Stores;

/// <summary>
/// Podman's data directory, containers/storage: <c>overlay-containers/containers.json</c>, the specification and log below <c>userdata</c>, the layers below
/// <c>overlay</c>. What only its database knows (state, exit code, restart policy) is not here.
/// </summary>
internal sealed class ContainersStorage : IDiskStore
{
    private const int DocumentBytes = 64 * 1024 * 1024;

    private readonly string root;

    private ContainersStorage(string root) => this.root = root;

    public string Kind => "podman";

    public string Driver => "overlay";

    /// <summary>Opens it; null when it is none.</summary>
    public static ContainersStorage? TryOpen(string root) => HostFile.TryStat($"{root}/overlay-containers") is null ? null : new(root);

    public IEnumerable<string> ContainerIds()
    {
        using JsonDocument? list = TryParse($"{root}/overlay-containers/containers.json");
        return list is null ? [] : [.. Elements(list).Select(container => container.Text("id") ?? "").Where(ContainerInspect.IsId)];
    }

    public void WriteInspect(Utf8JsonWriter json, string id)
    {
        using JsonDocument list = Parse($"{root}/overlay-containers/containers.json");
        JsonElement container = Elements(list).FirstOrDefault(each => each.Text("id") == id);
        if (container.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException("containers.json has no such container");
        }

        using JsonDocument? metadata = TryRead(Encoding.UTF8.GetBytes(container.Text("metadata") ?? ""));
        using JsonDocument? spec = TryParse($"{root}/overlay-containers/{id}/userdata/config.json");
        JsonElement facts = metadata?.RootElement ?? default;
        JsonElement process = (spec?.RootElement ?? default).Object("process");
        json.WriteStartObject();
        json.WriteString("Id", id);
        json.WriteString("Name", facts.Text("name") ?? container.Texts("names").FirstOrDefault() ?? "");
        json.WriteString("Created", container.Text("created") ?? "");
        json.WriteString("Image", container.Text("image") ?? "");
        json.WriteStartObject("State");
        json.WriteString("Status", "exited");
        json.WriteEndObject();
        json.WriteStartObject("Config");
        json.WriteString("Image", facts.Text("image-name") ?? "");
        Copy(json, process, "args", "Cmd");
        Copy(json, process, "env", "Env");
        Copy(json, process, "cwd", "WorkingDir");
        Copy(json, spec?.RootElement ?? default, "annotations", "Labels");
        json.WriteEndObject();
        json.WriteString("LogPath", $"{root}/overlay-containers/{id}/userdata/ctr.log");
        json.WriteStartObject("HostConfig");
        json.WriteStartObject("LogConfig");
        json.WriteString("Type", "k8s-file");
        json.WriteEndObject();
        json.WriteEndObject();
        WriteMounts(json, spec?.RootElement ?? default, id);
        WriteGraphDriver(json, container.Text("layer") ?? "");
        json.WriteEndObject();
    }

    public string? OnDisk(string id, string hostPath)
    {
        using JsonDocument? spec = TryParse($"{root}/overlay-containers/{id}/userdata/config.json");
        string rootPath = (spec?.RootElement ?? default).Object("root").Text("path") ?? "";
        int at = rootPath.IndexOf("/overlay/", StringComparison.Ordinal);
        if (at <= 0)
        {
            return null;
        }

        string old = rootPath[..at];
        return hostPath.StartsWith(old + "/", StringComparison.Ordinal) ? root + hostPath[old.Length..]
            : root.EndsWith(old, StringComparison.Ordinal) ? root[..^old.Length] + hostPath
            : null;
    }

    public IReadOnlyList<string> TagsOf(string imageId)
    {
        using JsonDocument? images = TryParse($"{root}/overlay-images/images.json");
        return images is null ? [] : [.. Elements(images).Where(image => "sha256:" + image.Text("id") == imageId).SelectMany(image => image.Texts("names"))];
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

    private static JsonDocument? TryRead(byte[] document)
    {
        try
        {
            return ContainerInspect.Parse(document);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static JsonElement.ArrayEnumerator Elements(JsonDocument list) => list.RootElement.ValueKind == JsonValueKind.Array ? list.RootElement.EnumerateArray() : default;

    private static void Copy(Utf8JsonWriter json, JsonElement from, string name, string to)
    {
        if (from.Field(name) is { } value)
        {
            json.WritePropertyName(to);
            value.WriteTo(json);
        }
    }

    // The engine's own binds (resolv.conf, hosts, secrets, shm) lie in the container's run or user data.
    private static void WriteMounts(Utf8JsonWriter json, JsonElement spec, string id)
    {
        json.WriteStartArray("Mounts");
        foreach (JsonElement mount in spec.Items("mounts"))
        {
            string source = mount.Text("source") ?? "";
            if (mount.Text("type") == "bind" && !source.Contains(id, StringComparison.Ordinal))
            {
                bool isVolume = source.EndsWith("/_data", StringComparison.Ordinal) && source.Contains("/volumes/", StringComparison.Ordinal);
                json.WriteStartObject();
                json.WriteString("Type", isVolume ? "volume" : "bind");
                json.WriteString("Name", isVolume ? Path.GetFileName(Path.GetDirectoryName(source)) : "");
                json.WriteString("Source", source);
                json.WriteString("Destination", mount.Text("destination") ?? "");
                json.WriteBoolean("RW", !mount.Texts("options").Contains("ro"));
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    private void WriteGraphDriver(Utf8JsonWriter json, string layer)
    {
        json.WriteStartObject("GraphDriver");
        json.WriteString("Name", Driver);
        json.WriteStartObject("Data");
        if (ContainerInspect.IsId(layer))
        {
            json.WriteString("UpperDir", $"{root}/overlay/{layer}/diff");
            json.WriteString("LowerDir", DockerStore.LowersOf($"{root}/overlay", $"{root}/overlay/{layer}/lower"));
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
