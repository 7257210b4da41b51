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

/// <summary>What the journal says, once its chain was followed.</summary>
internal sealed record JournalFindings(long Lines, string Head, string? BundleId, MerkleTree Tree, IReadOnlyDictionary<string, EvidenceItem> Items, long Gaps, long Effects, JsonElement? SealFields);

/// <summary>The chain holds from the first line to the last, and agrees with manifests and checkpoint.</summary>
internal static class JournalCheck
{
    private const string Name = "journal";

    public static JournalFindings Run(VerificationRun run)
    {
        MerkleTree tree = new();
        Dictionary<string, EvidenceItem> items = new(StringComparer.Ordinal);
        Dictionary<string, string> chunkLists = new(StringComparer.Ordinal);
        string head = JournalFormat.FirstPrev;
        string? bundleId = null;
        (long gaps, long effects) = (0, 0);
        JsonElement? seal = null;
        HashSet<UInt128> linesBefore = [];
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

            if (entry.Event == JournalTimestamp.Event)
            {
                CheckToken(run, entry, linesBefore);
            }

            head = entry.LineSha256;
            linesBefore.Add(Prefix(head));
            seal = entry.Event == "seal" ? entry.Fields : null;
            switch (entry.Event)
            {
                case "bundle.open" when tree.Size == 1:
                    bundleId = Text(entry.Fields, "bundle_id");
                    break;
                case "item.close":
                    AddItem(run, entry, items, chunkLists);
                    break;
                case "item.recovered":
                    // Recovery has the last word: what it kept stands in place of what was open or had been closed.
                    items.Remove(RecoveredPath(entry));
                    AddItem(run, entry, items, chunkLists);
                    break;
                case "gap":
                    gaps++;
                    break;
                case "effect":
                    effects++;
                    break;
            }
        }

        if (bundleId is null)
        {
            run.Fail(Name, BundleLayout.Journal, "its first line does not open a bundle");
        }

        if (run.Root is not null)
        {
            CompareWithManifests(run, items, chunkLists, seal);
        }

        return new JournalFindings(tree.Size, head, bundleId, tree, items, gaps, effects, seal);
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

    private static string RecoveredPath(JournalEntry entry) =>
        entry.Fields.TryGetProperty("item", out JsonElement item) && item.ValueKind == JsonValueKind.Object ? Text(item, "path") ?? "" : "";

    private static void AddItem(VerificationRun run, JournalEntry entry, Dictionary<string, EvidenceItem> items, Dictionary<string, string> chunkLists)
    {
        EvidenceItem? item = null;
        try
        {
            item = entry.Fields.TryGetProperty("item", out JsonElement json) ? json.Deserialize(CustodyJson.Default.EvidenceItem) : null;
        }
        catch (JsonException failure)
        {
            run.Fail(Name, BundleLayout.Journal, $"line {entry.Seq} closes an item in a way that cannot be read: {failure.Message}");
            return;
        }

        if (item is null || !ItemName.IsSafePath(item.Path) || !items.TryAdd(item.Path, item))
        {
            run.Fail(Name, BundleLayout.Journal, $"line {entry.Seq} closes no item, one with a bad name, or one closed before");
        }
        else if (Text(entry.Fields, "chunks_sha256") is string chunks)
        {
            chunkLists[item.Path + ItemName.ChunksSuffix] = chunks;
        }
    }

    private static void CompareWithManifests(
        VerificationRun run, Dictionary<string, EvidenceItem> items, Dictionary<string, string> chunkLists, JsonElement? seal)
    {
        foreach ((string path, EvidenceItem item) in items)
        {
            bool hasPayload = item.Status is not (ItemStatus.Lost or ItemStatus.Refused);
            if (hasPayload != run.PayloadSha256.ContainsKey(path))
            {
                run.Fail(Name, path, hasPayload ? "the journal closed it, no manifest lists it" : "the journal says it has no payload, a manifest lists it");
            }
            else if (hasPayload && (run.PayloadSha256[path] != item.Sha256 || run.PayloadSha512.GetValueOrDefault(path) != item.Sha512))
            {
                run.Fail(Name, path, "the journal closed it with other digests than the manifests have");
            }
        }

        foreach ((string path, string sha256) in run.PayloadSha256)
        {
            if (!items.ContainsKey(path) && chunkLists.GetValueOrDefault(path) != sha256)
            {
                run.Fail(Name, path, "the journal never closed it");
            }
        }

        string? manifest = run.Tags.GetValueOrDefault(BundleLayout.ManifestSha256);
        if (seal is not JsonElement fields)
        {
            run.Fail(Name, BundleLayout.Journal, "its last line is not the seal");
        }
        else if (Text(fields, "manifest_sha256") != manifest || Text(fields, "policy") != run.BagInfo.GetValueOrDefault("ContainerIR-Seal-Policy"))
        {
            run.Fail(Name, BundleLayout.Journal, "its seal line is for another manifest or policy");
        }
        else if (run.Signers.FirstOrDefault(signer => signer.File == BundleLayout.ResponderSignature) is VerificationSigner signer
            && Text(fields, "certificate_sha256") != signer.CertificateSha256)
        {
            run.Fail(Name, BundleLayout.Journal, "its seal line names another certificate than the responder's signature has");
        }
    }
}
