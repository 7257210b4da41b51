using System.Buffers;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// The rotation list: what in this container opens doors, by name and place, in its environment, its image's settings and history, its mounts, and the files of
/// every layer, those a later layer deleted too. Values are never written; they stay where they are, in sealed evidence and in the image.
/// </summary>
internal sealed class SecretsCollector(CollectionContext context) : ICollector
{
    private const int DocumentLimitBytes = 64 * 1024 * 1024;
    private const int FileLimitBytes = 256 * 1024;
    private const int MaxRows = 20_000;
    private const int MaxGaps = 50;

    /// <summary>Where people put settings; the text of files elsewhere in an image is its distribution's.</summary>
    private static readonly string[] Searched = ["etc/", "root/", "home/", "srv/", "opt/", "app/", "var/www/", "var/lib/", "usr/src/", "usr/local/", "run/", "data/", "code/", "config/", "workspace/", "tmp/", "mnt/"];

    public string Name => "secrets";

    public Volatility Volatility => Volatility.Archive;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        List<Row> rows = [];
        await AddConfigurationAsync(container, rows, sink, ct);
        using (ContainerLayers? layers = await ContainerLayers.OpenAsync(context, container, "secrets in files", sink, ct))
        {
            if (layers is not null)
            {
                AddHistory(layers.Image.Config, rows);
                GapBudget gaps = new(sink, MaxGaps);
                await Task.Factory.StartNew(() => AddFiles(layers, rows, gaps, ct), ct, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
                gaps.Complete("no list");
            }
        }

        if (rows.Count >= MaxRows)
        {
            sink.AddGap("secrets", $"more than {MaxRows}: the rest is not listed");
        }

        ArrayBufferWriter<byte> buffer = new();
        await using (Utf8JsonWriter json = new(buffer))
        {
            foreach (Row row in rows.Take(MaxRows))
            {
                Write(json, row);
                await json.FlushAsync(ct);
                json.Reset();
                buffer.Write("\n"u8);
            }
        }

        await sink.AddAsync("secrets.jsonl", buffer.WrittenMemory, new ItemOptions("derived: environment, settings, history and files; values masked"), ct);
    }

    private async Task AddConfigurationAsync(ContainerRef container, List<Row> rows, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, container.Id, ct);
            using JsonDocument inspect = ContainerInspect.Parse(content.ReadAtMost(DocumentLimitBytes));
            JsonElement config = inspect.RootElement.Object("Config");
            foreach (string variable in config.Texts("Env"))
            {
                AddVariable(variable, "environment of the container", rows);
            }

            foreach ((string name, string value) in config.TextMembers("Labels"))
            {
                Add(SecretPatterns.OfVariable(name, value), "label of the container", rows);
            }

            foreach (SecretSign sign in SecretPatterns.OfCommand(string.Join(' ', config.Texts("Entrypoint").Concat(config.Texts("Cmd")))))
            {
                Add(sign, "command of the container", rows);
            }
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            sink.AddGap("secrets in the container's configuration", failure.Message);
        }

        foreach (ContainerMount mount in container.Mounts)
        {
            string? kind = mount.Destination.EndsWith("docker.sock", StringComparison.Ordinal) ? "engine-socket"
                : mount.Destination.StartsWith("/run/secrets", StringComparison.Ordinal) || mount.Destination.Contains("/secrets/", StringComparison.Ordinal) ? "mounted-secret"
                : SecretPatterns.KindOfPlace(mount.Destination);
            if (kind is not null)
            {
                rows.Add(new(new(kind, mount.VolumeName ?? "", "", 0), $"mount {mount.Destination} from {mount.Source}", null, "run-time", true));
            }
        }
    }

    private static void AddHistory(byte[]? config, List<Row> rows)
    {
        if (config is null)
        {
            return;
        }

        try
        {
            using JsonDocument image = ContainerInspect.Parse(config);
            foreach (string variable in image.RootElement.Object("config").Texts("Env"))
            {
                AddVariable(variable, "environment of the image", rows);
            }

            int step = 0;
            foreach (JsonElement entry in image.RootElement.Items("history").Take(4096))
            {
                step++;
                foreach (SecretSign sign in SecretPatterns.OfCommand(entry.Text("created_by") ?? ""))
                {
                    Add(sign, $"step {step} of the image's history", rows);
                }
            }
        }
        catch (InvalidDataException)
        {
            // A broken configuration is the image collector's gap.
        }
    }

    private static void AddFiles(ContainerLayers layers, List<Row> rows, GapBudget gaps, CancellationToken ct)
    {
        using MergedTree whole = new(layers.Stack, 0);
        for (int index = 0; index < layers.Stack.Lowers.Count && rows.Count < MaxRows; index++)
        {
            // Each layer by itself: what a later one deleted can still be had by whoever has the image.
            using LayerStack one = LayerStack.Open(layers.Stack.Lowers[index].Path, [layers.Stack.Lowers[index].Path], userXattr: false);
            using MergedTree layer = new(one, 0);
            int at = index;
            layer.Walk(
                new WalkLimits(),
                (path, _) => IsWanted(path),
                file =>
                {
                    if (rows.Count < MaxRows)
                    {
                        Add(file, at, whole.LayerOf(file.Path, out _) == at, layers.OriginOf(at), rows, gaps);
                    }
                },
                gaps.Add,
                ct);
        }
    }

    private static bool IsWanted(ReadOnlySpan<byte> path)
    {
        string text = "/" + Encoding.Latin1.GetString(path);
        return SecretPatterns.KindOfPlace(text) is not null || (SecretPatterns.IsText(text) && Searched.Any(folder => text.AsSpan(1).StartsWith(folder)) && !text.StartsWith("/var/lib/dpkg/", StringComparison.Ordinal))
            || (!text.AsSpan(1).Contains('/') && SecretPatterns.IsText(text));
    }

    private static void Add(MergedFile file, int layer, bool isVisible, string origin, List<Row> rows, GapBudget gaps)
    {
        string path = "/" + Encoding.Latin1.GetString(file.Path);
        string? place = SecretPatterns.KindOfPlace(path);
        List<SecretSign> signs = [];
        try
        {
            if (file.SizeBytes is > 0 and <= FileLimitBytes)
            {
                byte[] content = file.ReadAll(FileLimitBytes);
                signs = content.AsSpan(0, Math.Min(content.Length, 4096)).Contains((byte)0) ? [] : SecretPatterns.Of(content);
            }
        }
        catch (HostFileException failure)
        {
            gaps.Add($"secrets in {file.DisplayPath}", failure.Message);
        }

        if (place is not null && file.SizeBytes > 0)
        {
            rows.Add(new(new(place, "", $"file of {file.SizeBytes} bytes", 0), file.DisplayPath, layer, origin, isVisible));
        }

        foreach (SecretSign sign in signs)
        {
            rows.Add(new(sign, file.DisplayPath, layer, origin, isVisible));
        }
    }

    private static void AddVariable(string variable, string where, List<Row> rows)
    {
        int equals = variable.IndexOf('=');
        if (equals > 0)
        {
            Add(SecretPatterns.OfVariable(variable[..equals], variable[(equals + 1)..]), where, rows);
        }
    }

    private static void Add(SecretSign? sign, string where, List<Row> rows)
    {
        if (sign is { } found && rows.Count < MaxRows)
        {
            rows.Add(new(found, where, null, where.Contains("image", StringComparison.Ordinal) ? "image" : "run-time", true));
        }
    }

    private static void Write(Utf8JsonWriter json, Row row)
    {
        json.WriteStartObject();
        json.WriteString("kind", row.Sign.Kind);
        json.WriteString("name", DisplayText.Shorten(row.Sign.Name, 300));
        json.WriteString("where", DisplayText.Shorten(row.Where, 4096));
        if (row.Sign.Line > 0)
        {
            json.WriteNumber("line", row.Sign.Line);
        }

        json.WriteString("masked", row.Sign.Masked);
        if (row.Layer is { } layer)
        {
            json.WriteNumber("layer", layer);
        }

        json.WriteString("origin", row.Origin);
        json.WriteBoolean("visible_in_container", row.IsVisible);
        json.WriteEndObject();
    }

    private sealed record Row(SecretSign Sign, string Where, int? Layer, string Origin, bool IsVisible);
}
