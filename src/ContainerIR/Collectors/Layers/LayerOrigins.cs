using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;
using ContainerIR.Rows;
using ContainerIR.Runtimes.Stores;

namespace ContainerIR.Collectors.Layers;

/// <summary>Which layer of which image a lower directory of a container is: so every original has the step of the image's history it came from.</summary>
internal static class LayerOrigins
{
    /// <summary>For each open lower directory the layer of the image that lies there; null where none does (Docker's own init layer).</summary>
    public static IReadOnlyList<StoredLayer?> Find(LayerStack stack, StoredImage? image)
    {
        Dictionary<ObjectKey, StoredLayer> known = [];
        foreach (StoredLayer layer in image?.Layers ?? [])
        {
            if (layer.Directory is { } directory && HostFile.TryStat(directory, followLast: true) is { } stat)
            {
                known[ObjectKey.Of(stat)] = layer;
            }
        }

        return [.. stack.Lowers.Select(lower => KeyOf(lower) is { } key ? known.GetValueOrDefault(key) : null)];
    }

    /// <summary>Writes what is known of the layer a lower directory is. Docker puts one of its own above those of the image.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<StoredLayer?> origins, int index)
    {
        if (origins[index] is { } layer)
        {
            json.WriteString("diff_id", layer.DiffId);
            json.WriteString("store_id", layer.StoreId);
            Write(json, layer.History);
        }
        else if (index == 0 && origins.Any(other => other is not null))
        {
            json.WriteString("made_by", "the engine, for this container: empty files and directories that mounts go over");
        }
    }

    /// <summary>Writes a step of an image's history.</summary>
    public static void Write(Utf8JsonWriter json, HistoryStep? step)
    {
        if (step is null)
        {
            return;
        }

        json.WriteStartObject("history");
        json.WriteString("created", step.CreatedAt is { } at ? Rfc3339.Format((at - DateTimeOffset.UnixEpoch).Ticks * 100) : null);
        json.WriteString("created_by", DisplayText.Escape(step.CreatedBy));
        json.WriteString("comment", DisplayText.Escape(step.Comment));
        json.WriteEndObject();
    }

    private static ObjectKey? KeyOf(PrivateTree tree)
    {
        StatX stat = default;
        return Nodes.Stat(tree.Descriptor, ref stat) ? ObjectKey.Of(stat) : null;
    }
}
