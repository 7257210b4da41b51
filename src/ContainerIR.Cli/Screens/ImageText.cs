using System.Globalization;
using System.Text.Json;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Extractions;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Screens;

/// <summary>The image of a bundle as text: its names, its base with how sure that is, its layers with whose they are.</summary>
internal static class ImageText
{
    private const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>Reads it out of a bundle.</summary>
    /// <param name="bundlePath">The bundle.</param>
    /// <param name="item">Path of its <c>image.json</c>.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<IReadOnlyList<TextLine>> ReadAsync(string bundlePath, string item, CancellationToken ct)
    {
        using MemoryStream content = new();
        ExtractedContent read = await Extraction.RunAsync(new ExtractionRequest { BundlePath = bundlePath, Source = item, MaxBytes = MaxBytes }, content, ct);
        if (read.Problem is { } problem)
        {
            throw new OperatorException($"{item} is not what was sealed: {problem}", "Verify the bundle: v on its screen.");
        }

        using JsonDocument document = JsonDocument.Parse(content.ToArray());
        return [.. Lines(document.RootElement)];
    }

    private static IEnumerable<TextLine> Lines(JsonElement image)
    {
        yield return new TextLine($"Image     {Word(image, "id")}", Tone.Title);
        yield return new TextLine($"Named     {Word(image, "named_in_container")}{(image.Flag("name_still_points_here") ? "" : "   THE NAME POINTS ELSEWHERE NOW")}", image.Flag("name_still_points_here") ? Tone.Plain : Tone.Bad);
        yield return new TextLine($"Digests   {(image.Texts("repository_digests").ToList() is { Count: > 0 } digests ? Cells.Safe(string.Join(' ', digests)) : "none: built or loaded on this host")}");
        yield return new TextLine($"Created   {Word(image, "created")} (the builder wrote this time: it can be any)");
        int baseLayers = 0;
        if (image.TryGetProperty("base_image", out JsonElement origin))
        {
            baseLayers = origin.TryGetProperty("layers", out JsonElement count) && count.TryGetInt32(out int number) ? number : 0;
            yield return new TextLine($"Base      {(baseLayers == 0 ? "not told apart" : Quantities.Count(baseLayers, "layer"))}, confidence {Word(origin, "confidence")}: {Word(origin, "why")}");
        }

        yield return new TextLine("");
        yield return new TextLine("Layers, the lowest first", Tone.Title);
        if (!image.TryGetProperty("layers", out JsonElement layers) || layers.ValueKind != JsonValueKind.Array)
        {
            yield break;
        }

        foreach (JsonElement layer in layers.EnumerateArray())
        {
            string owner = Word(layer, "origin");
            yield return new TextLine($"{Word(layer, "number"),3}  {owner,-12} {Word(layer, "files"),7} files {Bytes(layer),9}  {Word(layer, "diff_id")}", owner == "base" ? Tone.Dim : Tone.Plain);
            if (Word(layer, "made_by") is { Length: > 0 } made)
            {
                yield return new TextLine($"       {made}", Tone.Dim);
            }
        }
    }

    private static string Bytes(JsonElement layer) => layer.TryGetProperty("bytes", out JsonElement size) && size.TryGetInt64(out long bytes) ? Quantities.Bytes(bytes) : "?";

    private static string Word(JsonElement of, string name) => !of.TryGetProperty(name, out JsonElement value) ? "" : value.ValueKind switch
    {
        JsonValueKind.String => Cells.Safe(DisplayText.Escape(value.GetString() ?? "")),
        JsonValueKind.Number => value.TryGetInt64(out long number) ? number.ToString(CultureInfo.InvariantCulture) : "?",
        _ => "",
    };
}
