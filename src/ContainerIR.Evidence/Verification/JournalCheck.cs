using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Verification;

/// <summary>What the journal says, once its chain was followed. Gaps and effects as the lines have them.</summary>
internal sealed record JournalFindings(
    long Lines,
    string Head,
    JsonElement? Open,
    MerkleTree Tree,
    IReadOnlyDictionary<string, EvidenceItem> Items,
    IReadOnlyList<string> Gaps,
    IReadOnlyList<string> Effects)
{
    public string? BundleId => OpenText("bundle_id");

    public string? OpenText(string name) => Open is JsonElement fields ? JournalCheck.Text(fields, name) : null;
}

/// <summary>The chain holds from the first line to the last, and agrees with manifests and checkpoint.</summary>
internal static class JournalCheck
{
    private const string Name = "journal";

    public static JournalFindings Run(VerificationRun run)
    {
        MerkleTree tree = new();
        JournaledItems items = new(run);
        HashSet<UInt128> linesBefore = [];
        (string head, JsonElement? open, JsonElement? seal) = (JournalFormat.FirstPrev, null, null);
        (List<string> gaps, List<string> effects) = ([], []);
        using FileStream? file = run.Tree.OpenRead(BundleLayout.Journal);
        if (file is null)
        {
            run.Fail(Name, BundleLayout.Journal, "it is missing, or no regular file");
        }

        foreach (JournalLine line in file is null ? [] : JournalReader.Read(file))
        {
            run.Cancelled.ThrowIfCancellationRequested();
            tree.Append(line.Bytes);
            if (line.Fault is not null)
            {
                run.Fail(Name, BundleLayout.Journal, line.Fault);
            }

            if (line.Entry is not JournalEntry entry)
            {
                continue;
            }

            head = entry.LineSha256;
            seal = entry.Event == "seal" ? entry.Fields : null;
            items.Take(entry);
            switch (entry.Event)
            {
                case "bundle.open" when tree.Size == 1:
                    open = entry.Fields;
                    break;
                case "gap":
                    gaps.Add(entry.Fields.GetRawText());
                    break;
                case "effect":
                    effects.Add(entry.Fields.GetRawText());
                    break;
                case JournalTimestamp.Event:
                    CheckToken(run, entry, linesBefore);
                    break;
            }

            linesBefore.Add(Prefix(entry.LineSha256));
        }

        JournalFindings findings = new(tree.Size, head, open, tree, items.Last, gaps, effects);
        if (findings.BundleId is null || findings.OpenText("schema") != BundleLayout.Schema)
        {
            run.Fail(Name, BundleLayout.Journal, $"its first line does not open a bundle of the format {BundleLayout.Schema}");
        }

        if (run.Root is not null)
        {
            items.CompareWithManifests();
            CheckSeal(run, findings, seal);
        }

        return findings;
    }

    /// <summary>The checkpoint is signed by its key and covers exactly these lines.</summary>
    public static string RunCheckpoint(VerificationRun run, JournalFindings journal)
    {
        const string check = "checkpoint";
        if (run.ReadSmall(check, BundleLayout.Checkpoint, Checkpoint.MaxBytes) is not byte[] note
            || run.ReadSmall(check, BundleLayout.CheckpointKey, Checkpoint.MaxBytes) is not byte[] key)
        {
            return "not read";
        }

        try
        {
            Checkpoint checkpoint = Checkpoint.Verify(Encoding.UTF8.GetString(note), Encoding.UTF8.GetString(key));
            if (!Guid.TryParseExact(journal.BundleId, "D", out Guid id) || checkpoint.Origin != Checkpoint.OriginOf(id))
            {
                run.Fail(check, BundleLayout.Checkpoint, "it is for another bundle");
            }

            if (checkpoint.Size != journal.Lines)
            {
                run.Fail(check, BundleLayout.Checkpoint, $"it covers {checkpoint.Size} lines, the journal has {journal.Lines}");
            }
            else if (!checkpoint.Root.AsSpan().SequenceEqual(journal.Tree.Root()))
            {
                run.Fail(check, BundleLayout.Checkpoint, "its root hash is not that of the journal");
            }

            return $"{checkpoint.Size} lines";
        }
        catch (FormatException failure)
        {
            run.Fail(check, BundleLayout.Checkpoint, failure.Message);
            return "not read";
        }
    }

    /// <summary>A text among the fields of an event; null where it is none.</summary>
    public static string? Text(JsonElement fields, string name)
    {
        try
        {
            return fields.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // a \u escape that is half a surrogate pair
        }
    }

    /// <summary>The JSON of a value as a journal line holds it.</summary>
    public static string Compact(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter json = new(text))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>The token is over an earlier line of this journal. (Half a SHA-256 tells lines apart: to meet a given half takes 2^128 tries.)</summary>
    private static void CheckToken(VerificationRun run, JournalEntry entry, HashSet<UInt128> linesBefore)
    {
        string place = $"{BundleLayout.Journal} line {entry.Seq}";
        try
        {
            string stamped = Text(entry.Fields, "line_sha256") is { Length: 64 } text ? text : throw new FormatException("it names no line");
            byte[] digest = Convert.FromHexString(stamped);
            if (!linesBefore.Contains(Prefix(stamped)))
            {
                throw new FormatException("what it stamps is no earlier line of this journal");
            }

            string encoded = Text(entry.Fields, "tsr_b64") is { Length: <= 2 * TimestampToken.MaxBytes } found ? found : throw new FormatException("it has no token");
            TimestampToken token = TimestampToken.Verify(Convert.FromBase64String(encoded), digest);
            if (!DateTimeOffset.TryParse(Text(entry.Fields, "generated_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at) || at != token.GeneratedAt)
            {
                throw new FormatException("the line gives another time than the token");
            }

            run.AddToken(Name, place, token);
        }
        catch (FormatException failure)
        {
            run.Fail(Name, BundleLayout.Journal, $"the time-stamp token in line {entry.Seq} is not good: {failure.Message}");
        }
    }

    private static UInt128 Prefix(string sha256) => BinaryPrimitives.ReadUInt128BigEndian(Convert.FromHexString(sha256.AsSpan(0, 32)));

    private static void CheckSeal(VerificationRun run, JournalFindings findings, JsonElement? seal)
    {
        if (seal is not JsonElement fields)
        {
            run.Fail(Name, BundleLayout.Journal, "its last line is not the seal");
            return;
        }

        if (Text(fields, "manifest_sha256") != run.Tags.GetValueOrDefault(BundleLayout.ManifestSha256)
            || Text(fields, "policy") != run.BagInfo.GetValueOrDefault("ContainerIR-Seal-Policy"))
        {
            run.Fail(Name, BundleLayout.Journal, "its seal line is for another manifest or policy");
        }
        else if (Number(fields, "items") != findings.Items.Count || Number(fields, "gaps") != findings.Gaps.Count || Number(fields, "payload_bytes") != run.PayloadSizes.Values.Sum())
        {
            // Where a file is missing or has another size, that was said of the file.
            if (!run.HasIntegrityFailure)
            {
                run.Fail(Name, BundleLayout.Journal, "its seal line has other numbers of items, gaps or bytes than there are");
            }
        }

        if (run.Signers.FirstOrDefault(signer => signer.File == BundleLayout.ResponderSignature) is VerificationSigner responder
            && Text(fields, "certificate_sha256") != responder.CertificateSha256)
        {
            run.Fail(Name, BundleLayout.Journal, "its seal line names another certificate than the responder's signature has");
        }
    }

    private static long? Number(JsonElement fields, string name) =>
        fields.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null;
}
