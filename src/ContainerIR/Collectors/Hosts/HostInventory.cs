using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Hosts;

/// <summary>All containers, images, networks and volumes of the host by name, and who can reach whom: nothing of their content, environment or commands.</summary>
internal static class HostInventory
{
    private const int DocumentLimitBytes = 256 * 1024 * 1024;
    private const int MaxNetworks = 500;

    /// <summary>Stores <c>inventory.json</c>.</summary>
    public static async Task CollectAsync(IContainerRuntime runtime, IEvidenceSink sink, CancellationToken ct)
    {
        JsonDocument? containers = await ReadAsync(runtime, EngineDocument.ContainerList, "", "inventory of containers", sink, ct);
        JsonDocument? images = await ReadAsync(runtime, EngineDocument.ImageList, "", "inventory of images", sink, ct);
        JsonDocument? volumes = await ReadAsync(runtime, EngineDocument.VolumeList, "", "inventory of volumes", sink, ct);
        List<JsonDocument> networks = [];
        using (JsonDocument? list = await ReadAsync(runtime, EngineDocument.NetworkList, "", "inventory of networks", sink, ct))
        {
            foreach (string id in Elements(list).Select(network => network.Text("Id")).OfType<string>().Take(MaxNetworks))
            {
                if (await ReadAsync(runtime, EngineDocument.NetworkInspect, id, $"network {DisplayText.Shorten(id, 64)}", sink, ct) is { } network)
                {
                    networks.Add(network);
                }
            }
        }

        await sink.AddJsonAsync(
            "inventory.json", "GET /containers/json, /images/json, /networks, /volumes: names, states and sizes, no content",
            json =>
            {
                WriteContainers(json, containers);
                WriteImages(json, images);
                WriteNetworks(json, networks);
                WriteVolumes(json, volumes);
            },
            ct);
        foreach (JsonDocument? document in networks.Append(containers!).Append(images!).Append(volumes!))
        {
            document?.Dispose();
        }
    }

    private static void WriteContainers(Utf8JsonWriter json, JsonDocument? list)
    {
        json.WriteStartArray("containers");
        foreach (JsonElement container in Elements(list))
        {
            json.WriteStartObject();
            WriteTexts(json, container, ("id", "Id"), ("image", "Image"), ("image_id", "ImageID"), ("state", "State"), ("status", "Status"));
            json.WriteTexts("names", container.Texts("Names"));
            json.WriteString("created", container.Number("Created") is { } created and > 0 and < 9_000_000_000 ? Rfc3339.Format(created * 1_000_000_000) : null);
            WriteLabels(json, container);
            json.WriteStartObject("networks");
            foreach (JsonProperty network in container.Object("NetworkSettings").Members("Networks").Take(100))
            {
                json.WriteString(DisplayText.Shorten(network.Name, 200), DisplayText.Escape(network.Value.Text("IPAddress") ?? ""));
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("container_sizes", "not asked for: the engine would read every neighbour's files to sum them up");
    }

    private static void WriteImages(Utf8JsonWriter json, JsonDocument? list)
    {
        json.WriteStartArray("images");
        foreach (JsonElement image in Elements(list))
        {
            json.WriteStartObject();
            WriteTexts(json, image, ("id", "Id"));
            json.WriteTexts("tags", image.Texts("RepoTags"));
            json.WriteTexts("digests", image.Texts("RepoDigests"));
            json.WriteString("created", image.Number("Created") is { } created and > 0 and < 9_000_000_000 ? Rfc3339.Format(created * 1_000_000_000) : null);
            json.WriteNumber("size_bytes", image.Number("Size") ?? 0);
            WriteLabels(json, image);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Containers of one network reach each other.</summary>
    private static void WriteNetworks(Utf8JsonWriter json, List<JsonDocument> networks)
    {
        json.WriteStartArray("networks");
        foreach (JsonElement network in networks.Select(document => document.RootElement))
        {
            json.WriteStartObject();
            WriteTexts(json, network, ("id", "Id"), ("name", "Name"), ("driver", "Driver"), ("scope", "Scope"));
            json.WriteBoolean("internal", network.Flag("Internal"));
            json.WriteTexts("subnets", network.Object("IPAM").Items("Config").Select(config => config.Text("Subnet")).OfType<string>());
            json.WriteString("between_containers", DisplayText.Escape(network.Object("Options").Text("com.docker.network.bridge.enable_icc") ?? ""));
            json.WriteStartArray("containers");
            foreach (JsonProperty member in network.Members("Containers").Take(10_000))
            {
                json.WriteStartObject();
                json.WriteString("id", DisplayText.Shorten(member.Name, 64));
                WriteTexts(json, member.Value, ("name", "Name"), ("ipv4", "IPv4Address"), ("ipv6", "IPv6Address"), ("mac", "MacAddress"));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteVolumes(Utf8JsonWriter json, JsonDocument? list)
    {
        json.WriteStartArray("volumes");
        foreach (JsonElement volume in list?.RootElement.Items("Volumes") ?? [])
        {
            json.WriteStartObject();
            WriteTexts(json, volume, ("name", "Name"), ("driver", "Driver"), ("created", "CreatedAt"), ("place", "Mountpoint"));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLabels(Utf8JsonWriter json, JsonElement of)
    {
        json.WriteStartObject("labels");
        foreach ((string name, string value) in of.TextMembers("Labels").Take(200))
        {
            json.WriteString(DisplayText.Shorten(name, 200), DisplayText.Shorten(value, 500));
        }

        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, JsonElement of, params (string Name, string Field)[] fields)
    {
        foreach ((string name, string field) in fields)
        {
            json.WriteString(name, DisplayText.Shorten(of.Text(field) ?? "", 500));
        }
    }

    private static JsonElement.ArrayEnumerator Elements(JsonDocument? list) => list?.RootElement.ValueKind == JsonValueKind.Array ? list.RootElement.EnumerateArray() : default;

    private static async Task<JsonDocument?> ReadAsync(IContainerRuntime runtime, EngineDocument document, string id, string sought, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            await using Stream content = await runtime.OpenDocumentAsync(document, id, ct);
            return ContainerInspect.Parse(content.ReadAtMost(DocumentLimitBytes));
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            sink.AddGap(sought, failure.Message);
            return null;
        }
    }
}
