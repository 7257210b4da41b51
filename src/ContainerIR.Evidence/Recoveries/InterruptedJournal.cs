using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;

namespace ContainerIR.Evidence.Recoveries;

/// <summary>An item the journal opened.</summary>
internal sealed record OpenedItem(string Path, string Collector, string Source, int VolatilityRank, bool IsFrames, DateTimeOffset At);

/// <summary>What the proven lines of an interrupted journal tell: everything up to the first line that does not fit.</summary>
internal sealed class InterruptedJournal
{
    public List<byte[]> Lines { get; } = [];

    public long ProvenBytes { get; private set; }

    public Guid BundleId { get; private set; }

    public string CaseId { get; private set; } = "";

    public string Agent { get; private set; } = "";

    public CustodyRecord? Custody { get; private set; }

    /// <summary>What the acquisition meant to seal with; null where it did not say.</summary>
    public SealPolicy? Policy { get; private set; }

    public List<OpenedItem> Opened { get; } = [];

    public Dictionary<string, EvidenceItem> Closed { get; } = new(StringComparer.Ordinal);

    public List<Gap> Gaps { get; } = [];

    public List<Effect> Effects { get; } = [];

    /// <exception cref="OperatorException">Not even the first line can be proven.</exception>
    public static InterruptedJournal Read(BundleTree tree, string path)
    {
        InterruptedJournal journal = new();
        using FileStream? file = tree.OpenRead(JournalWriter.FileName);
        foreach (JournalLine line in file is null ? [] : JournalReader.Read(file))
        {
            if (line.Fault is not null || line.Entry is null || !journal.Take(line.Entry))
            {
                break;
            }

            journal.Lines.Add(line.Bytes);
            journal.ProvenBytes += line.Bytes.Length;
        }

        return journal.BundleId != Guid.Empty
            ? journal
            : throw new OperatorException(
                $"The journal in {path} does not prove even its first line, so nothing in the bundle can be proven.", "Acquire again, if the container is still there.");
    }

    private bool Take(JournalEntry entry)
    {
        JsonElement fields = entry.Fields;
        try
        {
            switch (entry.Event)
            {
                case "bundle.open":
                    BundleId = fields.GetProperty("bundle_id").GetGuid();
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

                    Closed[closed.Path] = closed;
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
