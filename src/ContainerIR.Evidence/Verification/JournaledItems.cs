using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;

namespace ContainerIR.Evidence.Verification;

/// <summary>What the journal says of items: each opened, each closed once; recovery has the last word. And whether the manifests say the same.</summary>
internal sealed class JournaledItems(VerificationRun run)
{
    private const string Check = "journal";

    private readonly Dictionary<string, EvidenceItem> items = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> chunkLists = new(StringComparer.Ordinal);
    private readonly HashSet<string> open = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, EvidenceItem> Last => items;

    public void Take(JournalEntry entry)
    {
        switch (entry.Event)
        {
            case "item.open":
                open.Add(JournalCheck.Text(entry.Fields, "path") ?? "");
                break;
            case "item.close":
                Close(entry);
                break;
            case "item.recovered":
                // What recovery kept stands in place of what was open or had been closed.
                string path = RecoveredPath(entry);
                items.Remove(path);
                chunkLists.Remove(path + ItemName.ChunksSuffix);
                Close(entry);
                break;
        }
    }

    public void CompareWithManifests()
    {
        foreach (string path in open.Where(path => !items.ContainsKey(path)))
        {
            run.Fail(Check, BundleLayout.Journal, $"it opens {Text.DisplayText.Shorten(path, ItemName.MaxPathCharacters)} and never closes it");
        }

        foreach ((string path, EvidenceItem item) in items)
        {
            if (item.Status is ItemStatus.Lost or ItemStatus.Refused)
            {
                if (run.PayloadSha256.ContainsKey(path))
                {
                    run.Fail(Check, path, "the journal says it has no payload, a manifest lists it");
                }
            }
            else if (!run.PayloadSha256.TryGetValue(path, out string? sha256))
            {
                run.Fail(Check, path, "the journal closed it, no manifest lists it");
            }
            else if (sha256 != item.Sha256 || run.PayloadSha512.GetValueOrDefault(path) != item.Sha512)
            {
                run.Fail(Check, path, "the journal closed it with other digests than the manifests have");
            }
            else
            {
                CompareSizes(path, item);
            }
        }

        foreach ((string path, string sha256) in run.PayloadSha256)
        {
            if (!items.ContainsKey(path) && chunkLists.GetValueOrDefault(path) != sha256)
            {
                run.Fail(Check, path, "the journal never closed it");
            }
        }
    }

    private void CompareSizes(string path, EvidenceItem item)
    {
        if (!run.PayloadSizes.TryGetValue(path, out long size))
        {
            return; // it could not be read, which was said
        }

        bool isFramed = chunkLists.ContainsKey(path + ItemName.ChunksSuffix);
        if (size != item.StoredBytes)
        {
            run.Fail(Check, path, $"the journal says {item.StoredBytes} bytes were stored, it has {size}");
        }
        else if (!isFramed && (item.RawBytes != size || item.RawSha256 != item.Sha256))
        {
            run.Fail(Check, path, "it is stored as read, and the journal has other numbers for what was read than for what was stored");
        }
        else if (isFramed && run.FramedContentBytes.TryGetValue(path, out long content) && content != item.RawBytes)
        {
            run.Fail(Check, path, $"the journal says {item.RawBytes} bytes were read, its frames hold {content}");
        }
    }

    private void Close(JournalEntry entry)
    {
        EvidenceItem? item = null;
        try
        {
            item = entry.Fields.TryGetProperty("item", out JsonElement json) ? json.Deserialize(CustodyJson.Default.EvidenceItem) : null;
        }
        catch (JsonException failure)
        {
            run.Fail(Check, BundleLayout.Journal, $"line {entry.Seq} closes an item in a way that cannot be read: {failure.Message}");
            return;
        }

        if (item is null || !ItemName.IsSafePath(item.Path) || !item.Path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal)
            || !items.TryAdd(item.Path, item))
        {
            run.Fail(Check, BundleLayout.Journal, $"line {entry.Seq} closes no item, one with a bad name, or one closed before");
        }
        else if (entry.Fields.GetProperty("item").GetRawText() != JournalCheck.Compact(json => JsonSerializer.Serialize(json, item, CustodyJson.Default.EvidenceItem)))
        {
            run.Fail(Check, BundleLayout.Journal, $"line {entry.Seq} closes an item in another form than that of the format");
        }
        else if (JournalCheck.Text(entry.Fields, "chunks_sha256") is string chunks)
        {
            chunkLists[item.Path + ItemName.ChunksSuffix] = chunks;
        }
    }

    private static string RecoveredPath(JournalEntry entry) =>
        entry.Fields.TryGetProperty("item", out JsonElement item) && item.ValueKind == JsonValueKind.Object ? JournalCheck.Text(item, "path") ?? "" : "";
}
