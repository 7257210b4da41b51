using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Verification;

/// <summary>
/// A bundle in the hands of somebody who has the key: after a change, everything above it is made anew, so that nothing but the change can give it away.
/// </summary>
internal sealed partial class ForgedBundle(string path)
{
    public const string Plain = "data/0001-host/uname.txt";
    public const string Framed = "data/0002-rootfs-diff/upper.tar.zst";
    public const string Chunks = Framed + ".chunks.jsonl";

    public string Path => path;

    public ISealSigner Signer { get; set; } = SomeBundle.Identity.Signer;

    public DateTimeOffset SignedAt { get; set; } = DateTimeOffset.UtcNow;

    public string this[string name] => System.IO.Path.Combine(path, name);

    /// <summary>Replaces one text by another, which must be there.</summary>
    public ForgedBundle Replace(string name, string from, string to)
    {
        string text = Encoding.Latin1.GetString(File.ReadAllBytes(this[name]));
        Xunit.Assert.Contains(from, text, StringComparison.Ordinal);
        int at = text.IndexOf(from, StringComparison.Ordinal);
        File.WriteAllBytes(this[name], Encoding.Latin1.GetBytes(text[..at] + to + text[(at + from.Length)..]));
        return this;
    }

    public ForgedBundle Append(string name, string text)
    {
        File.AppendAllText(this[name], text);
        return this;
    }

    /// <summary>Flips one bit; counted from the end where negative.</summary>
    public ForgedBundle Flip(string name, int offset)
    {
        byte[] bytes = File.ReadAllBytes(this[name]);
        bytes[offset < 0 ? bytes.Length + offset : offset] ^= 1;
        File.WriteAllBytes(this[name], bytes);
        return this;
    }

    public ForgedBundle Shell(string script)
    {
        RealEngine.Run("sh", "-c", $"cd '{path}' && {script}");
        return this;
    }

    /// <summary>The root of the tag files as they are, and the signature over it.</summary>
    public ForgedBundle SignRoot()
    {
        StringBuilder root = new();
        foreach (string name in BundleLayout.TagFiles.Order(StringComparer.Ordinal))
        {
            root.Append(Sha256(name)).Append("  ").Append(name).Append('\n');
        }

        File.WriteAllText(this[BundleLayout.TagManifest], root.ToString());
        return Sign();
    }

    public ForgedBundle Sign()
    {
        File.WriteAllBytes(this[BundleLayout.ResponderSignature], CadesSignature.Create(File.ReadAllBytes(this[BundleLayout.TagManifest]), Signer, SignedAt));
        File.WriteAllBytes(this[BundleLayout.Certificates], CertificateFile.Write(Signer.Certificates));
        return this;
    }

    /// <summary>Lines of the journal changed; then chain, checkpoint, collection record, root and signature.</summary>
    /// <param name="journal">Changes the lines.</param>
    /// <param name="custody">Changes the collection record.</param>
    /// <param name="raw">Changes the finished text of the journal, the chain left as it becomes.</param>
    public ForgedBundle Rewrite(Action<List<JsonObject>>? journal = null, Func<CustodyDocument, CustodyDocument>? custody = null, Func<int, string, string>? raw = null)
    {
        List<JsonObject> lines = [.. File.ReadAllLines(this[BundleLayout.Journal]).Select(line => JsonNode.Parse(line)!.AsObject())];
        JsonObject? seal = lines.Find(line => (string?)line["event"] == "seal");
        if (seal is not null)
        {
            seal["fields"]!["certificate_sha256"] = Convert.ToHexStringLower(SHA256.HashData(Signer.Certificates[0]));
            seal["fields"]!["manifest_sha256"] = Sha256(BundleLayout.ManifestSha256);
        }

        journal?.Invoke(lines);
        string prev = JournalFormat.FirstPrev;
        MerkleTree tree = new();
        using (FileStream file = File.Create(this[BundleLayout.Journal]))
        {
            for (int i = 0; i < lines.Count; i++)
            {
                lines[i]["seq"] = i;
                lines[i]["prev"] = prev;
                string text = lines[i].ToJsonString().Replace("\\u002B00:00", "+00:00", StringComparison.Ordinal);
                byte[] bytes = Encoding.Latin1.GetBytes((raw is null ? text : raw(i, text)) + "\n");
                file.Write(bytes);
                tree.Append(bytes);
                prev = Convert.ToHexStringLower(SHA256.HashData(bytes));
            }
        }

        CustodyDocument record = Custody();
        string origin = Checkpoint.OriginOf(record.BundleId);
        File.WriteAllText(this[BundleLayout.Checkpoint], new Checkpoint(origin, tree.Size, tree.Root()).Sign(SomeBundle.Identity.Checkpoints));
        record = record with
        {
            JournalLines = tree.Size,
            JournalHead = prev,
            Record = record.Record with { Who = record.Record.Who with { CertificateSha256 = Convert.ToHexStringLower(SHA256.HashData(Signer.Certificates[0])) } },
            Certification = CertifiedDigests().Replace(record.Certification, $"manifest-sha256.txt has SHA-256 {Sha256(BundleLayout.ManifestSha256)}; the last line of the journal has SHA-256 {prev}"),
        };
        WriteCustody(custody is null ? record : custody(record));
        return SignRoot();
    }

    /// <summary>The payload as it is now: manifests, Payload-Oxum, what the journal and the collection record say of it.</summary>
    public ForgedBundle Remanifest(Action<List<JsonObject>>? journal = null)
    {
        string[] files = [.. Directory.EnumerateFiles(this["data"], "*", SearchOption.AllDirectories).Select(file => System.IO.Path.GetRelativePath(path, file)).Order(StringComparer.Ordinal)];
        File.WriteAllText(this[BundleLayout.ManifestSha256], string.Concat(files.Select(file => $"{Sha256(file)}  {file}\n")));
        File.WriteAllText(this[BundleLayout.ManifestSha512], string.Concat(files.Select(file => $"{Sha512(file)}  {file}\n")));
        long bytes = files.Sum(file => new FileInfo(this[file]).Length);
        string info = File.ReadAllText(this[BundleLayout.BagInfo]);
        File.WriteAllText(this[BundleLayout.BagInfo], Oxum().Replace(info, string.Create(CultureInfo.InvariantCulture, $"Payload-Oxum: {bytes}.{files.Length}\n")));
        Dictionary<string, JsonObject> items = [];
        return Rewrite(
            lines =>
            {
                foreach (JsonObject line in lines)
                {
                    JsonObject fields = line["fields"]!.AsObject();
                    if ((string?)line["event"] == "seal")
                    {
                        fields["payload_bytes"] = bytes;
                    }
                    else if ((string?)line["event"] == "item.close" && fields["item"] is JsonObject item && (string)item["path"]! is var name && files.Contains(name))
                    {
                        bool isPlain = (string)item["sha256"]! == (string)item["raw_sha256"]!;
                        item["stored_bytes"] = new FileInfo(this[name]).Length;
                        (item["sha256"], item["sha512"]) = (Sha256(name), Sha512(name));
                        if (isPlain)
                        {
                            (item["raw_bytes"], item["raw_sha256"]) = (new FileInfo(this[name]).Length, Sha256(name));
                        }

                        if (files.Contains(name + ".chunks.jsonl"))
                        {
                            (fields["chunks_sha256"], fields["chunks_bytes"]) = (Sha256(name + ".chunks.jsonl"), new FileInfo(this[name + ".chunks.jsonl"]).Length);
                        }

                        items[name] = item;
                    }
                }

                journal?.Invoke(lines);
            },
            custody => custody with
            {
                Items = [.. custody.Items.Select(item => items.TryGetValue(item.Path, out JsonObject? json) ? json.Deserialize(CustodyJson.Default.EvidenceItem)! : item)],
            });
    }

    public CustodyDocument Custody() => JsonSerializer.Deserialize(File.ReadAllBytes(this[BundleLayout.Custody]), CustodyJson.Default.CustodyDocument)!;

    public void WriteCustody(CustodyDocument custody) =>
        File.WriteAllBytes(this[BundleLayout.Custody], [.. JsonSerializer.SerializeToUtf8Bytes(custody, CustodyJson.Default.CustodyDocument), (byte)'\n']);

    public string Sha256(string name) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(this[name])));

    private string Sha512(string name) => Convert.ToHexStringLower(SHA512.HashData(File.ReadAllBytes(this[name])));

    [GeneratedRegex("manifest-sha256.txt has SHA-256 [0-9a-f]{64}; the last line of the journal has SHA-256 [0-9a-f]{64}")]
    private static partial Regex CertifiedDigests();

    [GeneratedRegex("Payload-Oxum: .*\n")]
    private static partial Regex Oxum();
}
