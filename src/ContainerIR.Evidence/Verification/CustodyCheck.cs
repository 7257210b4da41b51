using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Verification;

/// <summary>The collection record is of this bundle and says what the journal says.</summary>
internal static class CustodyCheck
{
    public const int MaxBytes = 64 * 1024 * 1024;

    private const string Name = "custody";

    public static string Run(VerificationRun run, JournalFindings journal)
    {
        if (run.ReadSmall(Name, BundleLayout.Custody, MaxBytes) is not byte[] text)
        {
            return "not read";
        }

        CustodyDocument? custody;
        try
        {
            custody = JsonSerializer.Deserialize(text, CustodyJson.Default.CustodyDocument);
        }
        catch (JsonException failure)
        {
            run.Fail(Name, BundleLayout.Custody, $"it cannot be read: {failure.Message}");
            return "not read";
        }

        if (custody is null || custody.Schema != CustodyDocument.SchemaName)
        {
            run.Fail(Name, BundleLayout.Custody, $"it is not of the schema {CustodyDocument.SchemaName}");
            return "not read";
        }

        if (custody.BundleId.ToString("D") != journal.BundleId || run.BagInfo.GetValueOrDefault("ContainerIR-Bundle-Id") != journal.BundleId)
        {
            run.Fail(Name, BundleLayout.Custody, "journal, bag-info.txt and collection record name different bundles");
        }

        if (custody.JournalLines != journal.Lines || custody.JournalHead != journal.Head)
        {
            run.Fail(Name, BundleLayout.Custody, "it was made for another journal");
        }

        if (custody.Gaps.Count != journal.Gaps || custody.Effects.Count != journal.Effects || custody.Items.Count != journal.Items.Count)
        {
            run.Fail(Name, BundleLayout.Custody, "it has other numbers of items, gaps or effects than the journal");
        }

        foreach (EvidenceItem? item in custody.Items)
        {
            if (item is null)
            {
                run.Fail(Name, BundleLayout.Custody, "it lists an item that is null");
            }
            else if (!journal.Items.TryGetValue(item.Path, out EvidenceItem? journaled) || journaled != item)
            {
                run.Fail(Name, item.Path, "collection record and journal disagree on it");
            }
        }

        return $"{custody.Items.Count} items, {custody.Gaps.Count} gaps";
    }
}
