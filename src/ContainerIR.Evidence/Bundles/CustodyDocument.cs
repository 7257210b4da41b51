using System.Text.Json;
using System.Text.Json.Serialization;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Bundles;

/// <summary><c>custody.json</c>, the collection record: the circumstances, every item, gap and effect, and how they are fixed.</summary>
public sealed record CustodyDocument
{
    /// <summary>The format this document obeys.</summary>
    public const string SchemaName = "containerir-custody/1";

    /// <summary>Always <see cref="SchemaName"/>.</summary>
    public required string Schema { get; init; }

    /// <summary>UUID (version 7) of the bundle.</summary>
    public required Guid BundleId { get; init; }

    /// <summary>Name of the bundle's directory.</summary>
    public required string BundleName { get; init; }

    /// <summary>True where the acquisition was interrupted and the provable rest was sealed afterwards.</summary>
    public required bool Recovered { get; init; }

    /// <summary>The circumstances.</summary>
    public required CustodyRecord Record { get; init; }

    /// <summary>Every item.</summary>
    public required IReadOnlyList<EvidenceItem> Items { get; init; }

    /// <summary>Every gap.</summary>
    public required IReadOnlyList<Gap> Gaps { get; init; }

    /// <summary>Every change the acquisition made or could not avoid.</summary>
    public required IReadOnlyList<Effect> Effects { get; init; }

    /// <summary>Number of lines of the journal.</summary>
    public required long JournalLines { get; init; }

    /// <summary>SHA-256 of the journal's last line.</summary>
    public required string JournalHead { get; init; }

    /// <summary>What the examiner certifies, with the digests filled in.</summary>
    public required string Certification { get; init; }
}

/// <summary>A change the acquisition made or could not avoid.</summary>
/// <param name="Collector">Who caused it.</param>
/// <param name="What">What was changed, by what means, for how long.</param>
/// <param name="At">When it was recorded (UTC).</param>
public sealed record Effect(string Collector, string What, DateTimeOffset At);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    WriteIndented = true,
    MaxDepth = 16,
    Converters = [typeof(ItemStatusJson)])]
[JsonSerializable(typeof(CustodyDocument))]
[JsonSerializable(typeof(CustodyRecord))]
[JsonSerializable(typeof(EvidenceItem))]
internal sealed partial class CustodyJson : JsonSerializerContext;

/// <summary>complete, partial, truncated-salvaged, lost, refused.</summary>
internal sealed class ItemStatusJson() : JsonStringEnumConverter<ItemStatus>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
{
    public static string NameOf(ItemStatus status) => JsonNamingPolicy.KebabCaseLower.ConvertName(status.ToString());
}
