using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;

namespace ContainerIR.Evidence.Proofs;

/// <summary>What the journal line <c>item.close</c> (or <c>item.recovered</c>) says of an item's bytes: the leaf by which one item is proven without the others.</summary>
internal sealed record ItemLine(string Path, string Status, long StoredBytes, string Sha256)
{
    /// <summary>Reads it; null if the entry is of another event or has no such fields.</summary>
    public static ItemLine? Of(JournalEntry entry)
    {
        try
        {
            return Read(entry);
        }
        catch (InvalidOperationException)
        {
            return null; // JSON text with half a surrogate pair is no string in .NET
        }
    }

    private static ItemLine? Read(JournalEntry entry) =>
        entry.Event is "item.close" or "item.recovered"
        && entry.Fields.TryGetProperty("item", out JsonElement item) && item.ValueKind == JsonValueKind.Object
        && Text(item, "path") is { } path && Text(item, "status") is { } status && Text(item, "sha256") is { } sha256
        && item.TryGetProperty("stored_bytes", out JsonElement size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out long storedBytes)
        && ItemName.IsSafePath(path)
            ? new ItemLine(path, status, storedBytes, sha256)
            : null;

    private static string? Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
