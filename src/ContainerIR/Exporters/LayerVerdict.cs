using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>What the collector of layers found of one.</summary>
/// <param name="Number">1 the lowest.</param>
/// <param name="DiffId">The digest the image names.</param>
/// <param name="Verdict"><c>intact</c>, <c>edited</c> or <c>unchecked</c>.</param>
internal sealed record LayerVerdict(long Number, string DiffId, string Verdict)
{
    /// <summary>Reads a row; null when it is none of a layer.</summary>
    public static LayerVerdict? Parse(JsonElement row) =>
        row.Number("number") is { } number && row.Text("diff_id") is { } digest && row.Text("verdict") is { } verdict ? new(number, digest, verdict) : null;
}
