using System.Text.Json;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Diffs;

/// <summary>Content of summary.json: which layers were read, how, and how much of what was found.</summary>
public sealed record DiffSummary
{
    /// <summary>Names the form of entries.jsonl and of this document.</summary>
    public const string Schema = "containerir-rootfs-diff/1";

    /// <summary>Who named the layers: <c>mount-table</c> or <c>engine</c>.</summary>
    public required string FoundBy { get; init; }

    /// <summary>The writable layer on the host, for people.</summary>
    public required string Upper { get; init; }

    /// <summary>The layers below on the host, for people, topmost first: the index is the <c>layer</c> of an original.</summary>
    public required IReadOnlyList<string> Lowers { get; init; }

    /// <summary>Whether all layers were read through private mounts, leaving no mark.</summary>
    public required bool IsPrivate { get; init; }

    /// <summary>Whether content was read; else verdicts rest on metadata.</summary>
    public required bool HasContent { get; init; }

    /// <summary>Lines of entries.jsonl.</summary>
    public long Entries { get; init; }

    /// <summary>Lines by the word of their verdict.</summary>
    public IReadOnlyDictionary<string, long> ByVerdict { get; init; } = new Dictionary<string, long>();

    /// <summary>Lines by the word of their kind.</summary>
    public IReadOnlyDictionary<string, long> ByKind { get; init; } = new Dictionary<string, long>();

    /// <summary>Bytes of files of the writable layer that were read; holes and further names not counted.</summary>
    public long ContentBytes { get; init; }

    /// <summary>Lines with facts about times that do not fit.</summary>
    public long WithSigns { get; init; }

    /// <summary>Lines that changed while they were read.</summary>
    public long ChangedDuringRead { get; init; }

    /// <summary>Lines with an error.</summary>
    public long WithErrors { get; init; }

    /// <summary>Originals whose bytes are in before.tar.</summary>
    public long OriginalsStored { get; init; }

    /// <summary>Originals whose bytes are not, because it was full.</summary>
    public long OriginalsNotStored { get; init; }

    /// <summary>Size before.tar may have.</summary>
    public long MaxBeforeBytes { get; init; }

    /// <summary>When the walk began (UTC).</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended (UTC).</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>Reads the document. Numbers that are missing are 0.</summary>
    /// <exception cref="FormatException">It is not such a document.</exception>
    public static DiffSummary Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            JsonElement root = document.RootElement;
            return new()
            {
                FoundBy = root.GetProperty("found_by").GetString() ?? "",
                Upper = root.GetProperty("upper").GetString() ?? "",
                Lowers = [.. root.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("directory").GetString() ?? "")],
                IsPrivate = root.GetProperty("private_mount").GetBoolean(),
                HasContent = root.GetProperty("content_read").GetBoolean(),
                Entries = Number(root, "entries"),
                ByVerdict = Counts(root, "by_verdict"),
                ByKind = Counts(root, "by_kind"),
                ContentBytes = Number(root, "content_bytes"),
                WithSigns = Number(root, "with_signs"),
                ChangedDuringRead = Number(root, "changed_during_read"),
                WithErrors = Number(root, "with_errors"),
                OriginalsStored = Number(root, "originals_stored"),
                OriginalsNotStored = Number(root, "originals_not_stored"),
                MaxBeforeBytes = Number(root, "max_before_bytes"),
                StartedAt = root.GetProperty("started_at").GetDateTimeOffset(),
                EndedAt = root.GetProperty("ended_at").GetDateTimeOffset(),
            };
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException("not a summary of a file system difference: " + failure.Message, failure);
        }
    }

    /// <summary>Writes the document.</summary>
    /// <param name="lowers">The lower directories, topmost first.</param>
    /// <param name="writeOrigin">Writes what is known of where a lower directory, given by its index, came from.</param>
    internal byte[] Write(IReadOnlyList<byte[]> lowers, Action<Utf8JsonWriter, int>? writeOrigin = null)
    {
        using MemoryStream document = new();
        using (Utf8JsonWriter json = new(document, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("schema"u8, Schema);
            json.WriteString("found_by"u8, FoundBy);
            json.WriteString("upper"u8, Upper);
            json.WriteStartArray("layers"u8);
            for (int i = 0; i < lowers.Count; i++)
            {
                byte[] lower = lowers[i];
                json.WriteStartObject();
                json.WriteString("directory"u8, DisplayText.Escape(lower));
                json.WriteBase64String("directory_b64"u8, lower);
                writeOrigin?.Invoke(json, i);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("private_mount"u8, IsPrivate);
            json.WriteBoolean("content_read"u8, HasContent);
            json.WriteNumber("entries"u8, Entries);
            WriteCounts(json, "by_verdict", ByVerdict);
            WriteCounts(json, "by_kind", ByKind);
            json.WriteNumber("content_bytes"u8, ContentBytes);
            json.WriteNumber("with_signs"u8, WithSigns);
            json.WriteNumber("changed_during_read"u8, ChangedDuringRead);
            json.WriteNumber("with_errors"u8, WithErrors);
            json.WriteNumber("originals_stored"u8, OriginalsStored);
            json.WriteNumber("originals_not_stored"u8, OriginalsNotStored);
            json.WriteNumber("max_before_bytes"u8, MaxBeforeBytes);
            json.WriteString("started_at"u8, StartedAt);
            json.WriteString("ended_at"u8, EndedAt);
            json.WriteEndObject();
        }

        document.WriteByte((byte)'\n');
        return document.ToArray();
    }

    private static void WriteCounts(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, long> counts)
    {
        json.WriteStartObject(name);
        foreach ((string word, long count) in counts)
        {
            json.WriteNumber(word, count);
        }

        json.WriteEndObject();
    }

    private static long Number(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) && value.TryGetInt64(out long number) ? number : 0;

    private static Dictionary<string, long> Counts(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement counts)
        ? counts.EnumerateObject().Take(1000).DistinctBy(count => count.Name).ToDictionary(count => count.Name, count => count.Value.TryGetInt64(out long number) ? number : 0)
        : [];
}
