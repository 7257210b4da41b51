using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;

namespace ContainerIR.Evidence.Recoveries;

/// <summary>An item the journal opened.</summary>
internal sealed record OpenedItem(string Path, string Collector, string Source, int VolatilityRank, bool IsFrames, DateTimeOffset At);

/// <summary>An item the journal closed, and the digest of its chunk list where it has one.</summary>
internal sealed record ClosedItem(EvidenceItem Item, string? ChunksSha256);

/// <summary>What the proven lines of an interrupted journal tell: everything up to the first line that does not fit.</summary>
internal sealed class InterruptedJournal
{
    public List<byte[]> Lines { get; } = [];

    public long ProvenBytes { get; private set; }

    public Guid BundleId { get; private set; }

    public string Name { get; private set; } = "";

    public string CaseId { get; private set; } = "";

    public string Agent { get; private set; } = "";

    public CustodyRecord? Custody { get; private set; }

    /// <summary>What the acquisition meant to seal with; null where it did not say.</summary>
    public SealPolicy? Policy { get; private set; }

    public List<OpenedItem> Opened { get; } = [];

    public Dictionary<string, ClosedItem> Closed { get; } = new(StringComparer.Ordinal);

    public List<Gap> Gaps { get; } = [];

    public List<Effect> Effects { get; } = [];

    /// <exception cref="OperatorException">Not even the first line can be proven.</exception>
    public static InterruptedJournal Read(BundleTree tree, string path)
    {
        InterruptedJournal journal = new();
        JournalLine? waiting = null;
        using FileStream? file = tree.OpenRead(JournalWriter.FileName);
        foreach (JournalLine line in file is null ? [] : JournalReader.Read(file))
        {
            if (line.Fault is not null || line.Entry is null)
            {
                // Each line is vouched for by the next. A whole one that does not fit leaves the one before it without a witness; one cut short does not:
                // it was being written when the end came.
                if (!line.Bytes.AsSpan().EndsWith("\n"u8))
                {
                    journal.TakeLast(ref waiting);
                }

                waiting = null;
                break;
            }

            if (!journal.TakeLast(ref waiting))
            {
                break;
            }

            waiting = line;
        }

        journal.TakeLast(ref waiting);

        return journal.BundleId != Guid.Empty
            ? journal
            : throw new OperatorException(
                $"The journal in {path} does not prove even its first line, so nothing in the bundle can be proven.", "Acquire again, if the container is still there.");
    }

    /// <summary>Takes the line that waited for the next to vouch for it.</summary>
    private bool TakeLast(ref JournalLine? waiting)
    {
        JournalLine? line = waiting;
        waiting = null;
        if (line is null)
        {
            return true;
        }

        if (!Take(line.Entry!))
        {
            return false;
        }

        Lines.Add(line.Bytes);
        ProvenBytes += line.Bytes.Length;
        return true;
    }

    private bool Take(JournalEntry entry)
    {
        JsonElement fields = entry.Fields;
        try
        {
            switch (entry.Event)
            {
                case "bundle.open" when fields.GetProperty("schema").GetString() != BundleLayout.Schema:
                    return false;
                case "bundle.open":
                    BundleId = fields.GetProperty("bundle_id").GetGuid();
                    Name = fields.GetProperty("name").GetString() ?? "";
                    CaseId = fields.GetProperty("case").GetString() ?? "";
                    Agent = fields.GetProperty("agent").GetString() ?? "";
                    break;
                case "custody" when fields.TryGetProperty("record", out JsonElement record):
                    Custody = record.Deserialize(CustodyJson.Default.CustodyRecord);
                    break;
                case BundleWriter.PolicyEvent:
                    Policy = SealPolicy.Parse(fields.GetProperty("policy").GetString() ?? "");
                    break;
                case "item.open":
                    OpenedItem item = new(
                        fields.GetProperty("path").GetString() ?? "",
                        fields.GetProperty("collector").GetString() ?? "",
                        fields.GetProperty("source").GetString() ?? "",
                        fields.GetProperty("volatility_rank").GetInt32(),
                        fields.GetProperty("form").GetString() == "frames",
                        entry.At);
                    if (!ItemName.IsSafePath(item.Path) || !item.Path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal))
                    {
                        return false;
                    }

                    Opened.Add(item);
                    break;
                case "item.close" or "item.recovered":
                    EvidenceItem? closed = fields.GetProperty("item").Deserialize(CustodyJson.Default.EvidenceItem);
                    if (closed is null)
                    {
                        return false;
                    }

                    Closed[closed.Path] = new ClosedItem(closed, fields.TryGetProperty("chunks_sha256", out JsonElement chunks) ? chunks.GetString() : null);
                    break;
                case "gap":
                    Gaps.Add(new Gap(
                        fields.GetProperty("collector").GetString() ?? "", fields.GetProperty("sought").GetString() ?? "", fields.GetProperty("reason").GetString() ?? "", entry.At));
                    break;
                case "effect":
                    Effects.Add(new Effect(fields.GetProperty("collector").GetString() ?? "", fields.GetProperty("what").GetString() ?? "", entry.At));
                    break;
            }

            return BundleId != Guid.Empty;
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return false;
        }
    }
}
