using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>
/// What the index takes from <c>custody.json</c>. Read field by field and not as one type: a bundle of a later version may say more, and the index
/// takes what it knows.
/// </summary>
internal sealed record SealedRecord
{
    public required string BundleId { get; init; }

    public string? CaseId { get; init; }

    public string? Examiner { get; init; }

    public string? Reason { get; init; }

    public string? Host { get; init; }

    public string? ContainerId { get; init; }

    public string? ContainerName { get; init; }

    public string? ImageName { get; init; }

    public string? ImageId { get; init; }

    /// <summary>What was to be taken: container and profile, as custody.json words it.</summary>
    public string? Scope { get; init; }

    public string? ToolVersion { get; init; }

    public long? OpenedAtNs { get; init; }

    public long? SealedAtNs { get; init; }

    public required IReadOnlyList<SealedItem> Items { get; init; }

    public required IReadOnlyList<SealedGap> Gaps { get; init; }

    /// <exception cref="OperatorException">The document is none.</exception>
    public static SealedRecord Read(SealedBundleFiles bundle)
    {
        const string name = "custody.json";
        try
        {
            using JsonDocument document = JsonDocument.Parse(bundle.ReadSealed(name));
            JsonElement root = document.RootElement;
            JsonElement record = root.Field("record") ?? default;
            JsonElement who = record.Field("who") ?? default, why = record.Field("why") ?? default, where = record.Field("where") ?? default;
            JsonElement what = record.Field("what") ?? default, when = record.Field("when") ?? default, tool = record.Field("tool") ?? default;
            return new SealedRecord
            {
                BundleId = root.Text("bundle_id") ?? throw new JsonException("it has no bundle_id"),
                CaseId = (record.Field("identity") ?? default).Text("case"),
                Examiner = who.Text("name"),
                Reason = why.Text("reason"),
                Host = where.Text("fqdn"),
                ContainerId = what.Text("container_id"),
                ContainerName = what.Text("name"),
                ImageName = what.Text("image"),
                ImageId = what.Text("image_digest"),
                Scope = (record.Field("identity") ?? default).Text("scope"),
                ToolVersion = tool.Text("version"),
                OpenedAtNs = At(when, "started_at"),
                SealedAtNs = At(when, "sealed_at"),
                Items = [.. root.Items("items").Select(ItemOf)],
                Gaps = [.. root.Items("gaps").Select(GapOf)],
            };
        }
        catch (JsonException failure)
        {
            throw new OperatorException($"{name} in {bundle.Folder} cannot be read: {failure.Message}", $"See what is wrong with the bundle: cir verify {bundle.Folder}", failure);
        }
    }

    private static SealedItem ItemOf(JsonElement item) => new()
    {
        Path = item.Text("path") ?? throw new JsonException("an item has no path"),
        Collector = item.Text("collector") ?? "",
        Source = item.Text("source") ?? "",
        VolatilityRank = item.Number("volatility_rank") ?? 0,
        Status = item.Text("status") ?? "",
        StoredBytes = item.Number("stored_bytes") ?? 0,
        RawBytes = item.Number("raw_bytes") ?? 0,
        Sha256 = item.Text("sha256") ?? "",
        RawSha256 = item.Text("raw_sha256") ?? "",
        OpenedAtNs = At(item, "opened_at") ?? 0,
        ClosedAtNs = At(item, "closed_at") ?? 0,
        Error = item.Text("error"),
    };

    private static SealedGap GapOf(JsonElement gap) =>
        new(gap.Text("collector") ?? "", gap.Text("sought") ?? "", gap.Text("reason") ?? "", At(gap, "at") ?? 0);

    private static long? At(JsonElement parent, string name) =>
        parent.Text(name) is { } text && Rfc3339.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out long nanoseconds) ? nanoseconds : null;
}

/// <summary>An item as the sealed record gives it.</summary>
internal sealed record SealedItem
{
    public required string Path { get; init; }

    public required string Collector { get; init; }

    public required string Source { get; init; }

    public required long VolatilityRank { get; init; }

    public required string Status { get; init; }

    public required long StoredBytes { get; init; }

    public required long RawBytes { get; init; }

    public required string Sha256 { get; init; }

    public required string RawSha256 { get; init; }

    public required long OpenedAtNs { get; init; }

    public required long ClosedAtNs { get; init; }

    public string? Error { get; init; }
}

/// <summary>A gap as the sealed record gives it.</summary>
internal sealed record SealedGap(string Collector, string Sought, string Reason, long AtNs);
