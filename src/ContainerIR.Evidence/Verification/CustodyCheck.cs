using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Verification;

/// <summary>The collection record is of this bundle, says what the journal says, and is written in the one way the format knows.</summary>
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

        if (custody.Items.Any(item => item is null) || custody.Gaps.Any(gap => gap is null) || custody.Effects.Any(effect => effect is null))
        {
            run.Fail(Name, BundleLayout.Custody, "it lists an item, gap or effect that is null");
            return "not read";
        }

        // A line reader can then compare it with the journal, and no two readers can see two different records in it.
        if (!IsInOneForm(text, custody))
        {
            run.Fail(Name, BundleLayout.Custody, "it is not written in the form of the format: members in their order, two blanks a level, one a line");
        }

        CompareNames(run, custody, journal);
        if (custody.JournalLines != journal.Lines || custody.JournalHead != journal.Head)
        {
            run.Fail(Name, BundleLayout.Custody, "it was made for another journal");
        }

        CompareLists(run, custody, journal);
        return $"{custody.Items.Count} items, {custody.Gaps.Count} gaps";
    }

    private static bool IsInOneForm(byte[] text, CustodyDocument custody)
    {
        byte[] written = JsonSerializer.SerializeToUtf8Bytes(custody, CustodyJson.Default.CustodyDocument);
        return text.Length == written.Length + 1 && text[^1] == (byte)'\n' && text.AsSpan(0, written.Length).SequenceEqual(written);
    }

    private static void CompareNames(VerificationRun run, CustodyDocument custody, JournalFindings journal)
    {
        if (custody.BundleId.ToString("D") != journal.BundleId || run.BagInfo.GetValueOrDefault("ContainerIR-Bundle-Id") != journal.BundleId
            || custody.BundleName != journal.OpenText("name") || run.BagInfo.GetValueOrDefault("External-Identifier") != custody.BundleName)
        {
            run.Fail(Name, BundleLayout.Custody, "journal, bag-info.txt and collection record name different bundles");
        }

        if (custody.Record.Identity.Case != journal.OpenText("case"))
        {
            run.Fail(Name, BundleLayout.Custody, "it names another case than the journal");
        }

        if (run.Signers.FirstOrDefault(signer => signer.File == BundleLayout.ResponderSignature) is VerificationSigner responder
            && custody.Record.Who.CertificateSha256 != responder.CertificateSha256)
        {
            run.Fail(Name, BundleLayout.Custody, "it names another certificate than the responder's signature has");
        }

        string manifest = run.Tags.GetValueOrDefault(BundleLayout.ManifestSha256, "");
        if (!custody.Certification.Contains(manifest, StringComparison.Ordinal) || !custody.Certification.Contains(custody.JournalHead, StringComparison.Ordinal))
        {
            run.Fail(Name, BundleLayout.Custody, "its certification names other digests than the manifest and the journal have");
        }
    }

    private static void CompareLists(VerificationRun run, CustodyDocument custody, JournalFindings journal)
    {
        if (custody.Items.Count != journal.Items.Count)
        {
            run.Fail(Name, BundleLayout.Custody, "it has another number of items than the journal");
        }

        foreach (EvidenceItem item in custody.Items)
        {
            if (!journal.Items.TryGetValue(item.Path, out EvidenceItem? journaled) || journaled != item)
            {
                run.Fail(Name, item.Path, "collection record and journal disagree on it");
            }
        }

        // Several threads write: the order of the two need not be the same.
        if (!custody.Gaps.Select(gap => Object(json => BundleWriter.WriteGapFields(json, gap))).Order(StringComparer.Ordinal)
            .SequenceEqual(journal.Gaps.Order(StringComparer.Ordinal), StringComparer.Ordinal))
        {
            run.Fail(Name, BundleLayout.Custody, "it has other gaps than the journal");
        }

        if (!custody.Effects.Select(effect => Object(json => BundleWriter.WriteEffectFields(json, effect))).Order(StringComparer.Ordinal)
            .SequenceEqual(journal.Effects.Order(StringComparer.Ordinal), StringComparer.Ordinal))
        {
            run.Fail(Name, BundleLayout.Custody, "it has other effects than the journal");
        }
    }

    private static string Object(Action<Utf8JsonWriter> fields) => JournalCheck.Compact(json =>
    {
        json.WriteStartObject();
        fields(json);
        json.WriteEndObject();
    });
}
