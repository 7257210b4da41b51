using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>One reviewed entry: findings of these rules, or with this hash, of containers of this image or label are expected.</summary>
/// <param name="Id">Its name in the file.</param>
/// <param name="Reason">Why it was allowed.</param>
/// <param name="Rules">Ids of rules; empty for any, which needs a hash.</param>
/// <param name="Image">Image id or repository digest (<c>sha256:…</c>); null for any.</param>
/// <param name="Label"><c>name</c> or <c>name=value</c> of a label; null for any.</param>
/// <param name="Sha256">Digest among the values seen; null for any.</param>
internal sealed record AllowEntry(string Id, string Reason, IReadOnlyList<string> Rules, string? Image, string? Label, string? Sha256);

/// <summary>
/// What the owner of the containers expects: findings that are no news, and which image each name is to be. A finding it suppresses stays in the record, marked with
/// the entry, and is not counted.
/// </summary>
public sealed class AllowList
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private const string Schema = "containerir-allow/1";
    private static readonly string[] Texts = ["image", "label", "sha256"];
    private static readonly string[] Fields = ["id", "reason", "rules", "image", "label", "sha256"];

    private readonly IReadOnlyList<AllowEntry> entries;

    private AllowList(IReadOnlyList<AllowEntry> entries, IReadOnlyDictionary<string, string> knownImages) => (this.entries, KnownImages) = (entries, knownImages);

    /// <summary>Nothing is allowed, nothing is known.</summary>
    public static AllowList None { get; } = new([], new Dictionary<string, string>());

    /// <summary>Digest (<c>sha256:…</c>) by the image's name, from the record of what was to be deployed.</summary>
    public IReadOnlyDictionary<string, string> KnownImages { get; }

    /// <summary>Reads a file of schema <c>containerir-allow/1</c>; every fault is named at once.</summary>
    /// <param name="path">The operator's own file: JSON, comments allowed.</param>
    /// <exception cref="OperatorException">It cannot be read, or an entry says too little or what is not known.</exception>
    public static AllowList Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            FileInfo file = new(path);
            if (file.Length > MaxBytes)
            {
                throw new IOException($"it is larger than {MaxBytes} bytes");
            }

            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new OperatorException($"The allow-list {DisplayText.Escape(path)} cannot be read: {failure.Message}", "docs/triage.md shows its form.");
        }
    }

    internal static AllowList Parse(ReadOnlyMemory<byte> json, string path)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        JsonElement root = document.RootElement;
        List<string> faults = [];
        if (root.Text("schema") != Schema)
        {
            faults.Add($"schema is not {Schema}");
        }

        List<AllowEntry> entries = [];
        HashSet<string> ids = [];
        foreach (JsonElement each in root.Items("allow"))
        {
            AllowEntry entry = new(each.Text("id") ?? "", each.Text("reason") ?? "", each.Texts("rules"), each.Text("image"), each.Text("label"), each.Text("sha256")?.ToLowerInvariant());
            string name = entry.Id.Length > 0 ? entry.Id : $"entry {entries.Count + 1}";
            faults.AddRange(Faults(each, entry, ids).Select(fault => $"{name}: {fault}"));
            entries.Add(entry);
        }

        Dictionary<string, string> known = root.TextMembers("known_images");
        faults.AddRange(known.Where(image => !IsDigest(image.Value)).Select(image => $"known_images: {image.Key}: no digest of the form sha256:…"));
        return faults.Count == 0
            ? new AllowList(entries, known)
            : throw new OperatorException($"The allow-list {DisplayText.Escape(path)} has faults: {DisplayText.Escape(string.Join("; ", faults))}.", "docs/triage.md shows its form.");
    }

    /// <summary>The finding, marked where an entry allows it.</summary>
    internal Finding Judge(Finding finding, Scene scene)
    {
        AllowEntry? entry = entries.FirstOrDefault(each => Allows(each, finding, scene));
        return entry is null ? finding : finding with { SuppressedBy = DisplayText.Shorten($"{entry.Id}: {entry.Reason}", 500) };
    }

    private static bool Allows(AllowEntry entry, Finding finding, Scene scene) =>
        (entry.Rules.Count == 0 || entry.Rules.Contains(finding.Rule.Id))
        && (entry.Image is null || ImagesOf(scene).Any(image => image == entry.Image || image.EndsWith("@" + entry.Image, StringComparison.Ordinal)))
        && (entry.Label is null || scene.Inspect.Object("Config").TextMembers("Labels").Any(label => entry.Label == label.Key || entry.Label == $"{label.Key}={label.Value}"))
        && (entry.Sha256 is null || finding.Seen.Any(value => value.Name.EndsWith("sha256", StringComparison.Ordinal) && value.Text == entry.Sha256));

    private static IEnumerable<string> ImagesOf(Scene scene) =>
        new[] { scene.Inspect.Text("Image") ?? "" }.Concat(scene.Has("image", "image.json") ? scene.Document("image", "image.json").Root.Texts("repository_digests") : []);

    private static IEnumerable<string> Faults(JsonElement json, AllowEntry entry, HashSet<string> ids)
    {
        if (entry.Id.Length == 0 || !ids.Add(entry.Id))
        {
            yield return "it needs an id of its own";
        }

        if (entry.Reason.Length == 0)
        {
            yield return "it needs a reason";
        }

        if (entry.Rules.Count == 0 && entry.Sha256 is null)
        {
            yield return "it would allow everything: it needs rules or a sha256";
        }

        // A misspelled key must not widen an entry.
        foreach (string unknown in json.ValueKind == JsonValueKind.Object ? json.EnumerateObject().Select(JsonFields.NameOf).Where(name => !Fields.Contains(name)) : [])
        {
            yield return $"{unknown} is no field of it";
        }

        foreach (string field in Texts.Where(field => json.Field(field) is { ValueKind: not JsonValueKind.String }))
        {
            yield return $"{field} is no text";
        }

        if (json.Field("rules") is { } rules && (rules.ValueKind != JsonValueKind.Array || rules.EnumerateArray().Any(rule => rule.ValueKind != JsonValueKind.String)))
        {
            yield return "rules is no list of ids";
        }

        if (entry.Image is not null && !IsDigest(entry.Image))
        {
            yield return "image is no digest of the form sha256:…";
        }

        if (entry.Sha256 is { } digest && !IsDigest("sha256:" + digest))
        {
            yield return "sha256 is not 64 hexadecimal digits";
        }
    }

    private static bool IsDigest(string text) => text.Length == 71 && text.StartsWith("sha256:", StringComparison.Ordinal) && text.Skip(7).All(char.IsAsciiHexDigitLower);
}
