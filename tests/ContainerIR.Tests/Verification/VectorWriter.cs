using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Verification;

/// <summary>Writes tests/vectors anew, when CIR_WRITE_VECTORS=1. See tests/vectors/README.md.</summary>
public sealed class Vector_writer
{
    private const string Item = "data/0001-host/uname.txt";

    [Fact]
    public async Task Writes_the_vectors()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CIR_WRITE_VECTORS") == "1", "writes only when told to by CIR_WRITE_VECTORS=1");
        await Write("good", "as it was sealed", "verified", _ => { });
        await Write("good-anchored", "as it was sealed; the responder's certificate is trusted", "verified", _ => { }, ca: SomeBundle.Identity);
        await Write("unsealed", "the signed root was taken away", "unsealed", bundle => File.Delete(bundle + "/tagmanifest-sha256.txt"));
        await Write("flipped-byte", "one bit of an item changed", "tampered", bundle => Flip(bundle + "/" + Item, 3), ["payload", Item]);
        await Write("flipped-byte-in-frames", "one bit of a framed item changed", "tampered", bundle => Flip(bundle + "/data/0002-rootfs-diff/upper.tar.zst", 40), ["payload", "data/0002-rootfs-diff/upper.tar.zst"]);
        await Write("unlisted-file", "a file was added to data/", "tampered", bundle => File.WriteAllText(bundle + "/data/0001-host/added.txt", "x"), ["payload", "data/0001-host/added.txt"]);
        await Write("unlisted-tag-file", "a file was added outside data/", "tampered", bundle => File.WriteAllText(bundle + "/notes.txt", "x"), ["structure", "notes.txt"]);
        await Write("missing-file", "an item was taken away", "tampered", bundle => File.Delete(bundle + "/" + Item), ["payload", Item], ["payload", "bag-info.txt"]);
        await Write(
            "symlink-in-data",
            "an item was replaced by a link",
            "tampered",
            bundle =>
            {
                File.Delete(bundle + "/" + Item);
                File.CreateSymbolicLink(bundle + "/" + Item, "../../bagit.txt");
            },
            ["structure", Item],
            ["payload", Item],
            ["payload", "bag-info.txt"]);
        await Write("partial-file", "a half-written item stands beside the others", "tampered", bundle => File.WriteAllText(bundle + "/data/0001-host/late.txt.partial", "x"), ["structure", "data/0001-host/late.txt.partial"], ["payload", "data/0001-host/late.txt.partial"]);
        await Write(
            "journal-chain-broken",
            "a word in the journal was changed, then the root signed again",
            "tampered",
            bundle =>
            {
                Replace(bundle + "/journal.jsonl", "\"source\":\"tsc\"", "\"source\":\"hpe\"");
                Reseal(bundle);
            },
            ["journal", "journal.jsonl"],
            ["checkpoint", "checkpoint.txt"]);
        await Write(
            "journal-line-missing",
            "a line of the journal was taken out, then the root signed again",
            "tampered",
            bundle =>
            {
                string[] lines = File.ReadAllLines(bundle + "/journal.jsonl");
                File.WriteAllText(bundle + "/journal.jsonl", string.Concat(lines.Where((_, i) => i != 1).Select(line => line + "\n")));
                Reseal(bundle);
            },
            ["journal", "journal.jsonl"],
            ["checkpoint", "checkpoint.txt"],
            ["custody", "custody.json"]);
        await Write(
            "checkpoint-of-another-journal",
            "the checkpoint is good, but of another bundle's journal; the root was signed again",
            "tampered",
            bundle =>
            {
                using TemporaryFolder other = new();
                SealedBundle stranger = SomeBundle.SmallAsync(other).GetAwaiter().GetResult();
                File.Copy(stranger.Path + "/checkpoint.txt", bundle + "/checkpoint.txt", overwrite: true);
                File.Copy(stranger.Path + "/checkpoint.vkey", bundle + "/checkpoint.vkey", overwrite: true);
                Reseal(bundle);
            },
            ["checkpoint", "checkpoint.txt"]);
        await Write("bad-signature", "one bit of the signature value changed", "tampered", bundle => Flip(bundle + "/seal/0001-responder.p7s", -4), ["signature", "seal/0001-responder.p7s"]);
        await Write(
            "signed-by-another-key",
            "the root was signed by another key with a certificate of the same name",
            "tampered",
            bundle =>
            {
                using TemporaryFolder keys = new();
                ResponderIdentity forger = IdentityFolder.Create(keys.Path + "/k", new("Jane Examiner", "Some CERT", "jane@cert.example"), "x", DateTimeOffset.UtcNow);
                File.WriteAllBytes(bundle + "/seal/0001-responder.p7s", CadesSignature.Create(File.ReadAllBytes(bundle + "/tagmanifest-sha256.txt"), forger.Signer, DateTimeOffset.UtcNow));
                File.WriteAllBytes(bundle + "/seal/certs.pem", CertificateFile.Write(forger.Signer.Certificates));
            },
            ["journal", "journal.jsonl"]);
        await Write("signer-not-trusted", "as it was sealed, but the authority given did not issue the certificate", "untrusted", _ => { }, ca: Stranger(), failures: [["signature", "seal/0001-responder.p7s"]]);
        await Write(
            "path-named-twice",
            "a manifest names a path twice; the root was signed again",
            "tampered",
            bundle =>
            {
                string[] lines = File.ReadAllLines(bundle + "/manifest-sha256.txt");
                File.AppendAllText(bundle + "/manifest-sha256.txt", lines[0] + "\n");
                Reseal(bundle);
            },
            ["payload", "data/0001-host/empty.txt"],
            ["journal", "journal.jsonl"]);
        await Write(
            "path-outside",
            "a manifest names a path outside the bundle; the root was signed again",
            "tampered",
            bundle =>
            {
                File.AppendAllText(bundle + "/manifest-sha256.txt", new string('0', 64) + "  data/../../../etc/passwd\n");
                Reseal(bundle);
            },
            ["payload", "manifest-sha256.txt"],
            ["journal", "journal.jsonl"]);
        await Write("tsa-required-but-missing", "the sealed policy demands a time-stamp token; there is none", "tampered", _ => { }, policy: new(TimestampPolicy.Required), failures: [["signature", "seal/0001-responder.p7s.tsr"]]);
    }

    private static ResponderIdentity Stranger()
    {
        using TemporaryFolder keys = new();
        return IdentityFolder.Create(keys.Path + "/k", new("Somebody Else"), "x", DateTimeOffset.UtcNow);
    }

    private static Task Write(string name, string about, string verdict, Action<string> damage, params string[][] failures) =>
        Write(name, about, verdict, damage, null, null, failures);

    private static async Task Write(
        string name, string about, string verdict, Action<string> damage, ResponderIdentity? ca = null, SealPolicy? policy = null, string[][]? failures = null)
    {
        string vector = Path.Combine(Repository.Root, "tests", "vectors", name);
        RealEngine.Run("rm", "-rf", vector);
        Directory.CreateDirectory(vector);
        using TemporaryFolder folder = new();
        SealedBundle bundle = await SomeBundle.SmallAsync(folder, policy);
        damage(bundle.Path);
        RealEngine.Run("cp", "-a", bundle.Path, vector + "/bundle");
        RealEngine.Run("chmod", "-R", "u=rwX,go=rX", vector);
        if (ca is not null)
        {
            await File.WriteAllBytesAsync(vector + "/ca.pem", CertificateFile.Write(ca.Signer.Certificates));
        }

        await using FileStream file = File.Create(vector + "/expected.json");
        await using Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteString("about", about);
        if (ca is not null)
        {
            json.WriteString("ca", "ca.pem");
        }

        json.WriteString("verdict", verdict);
        json.WriteStartArray("failures");
        foreach (string[] failure in failures ?? [])
        {
            json.WriteStartObject();
            json.WriteString("check", failure[0]);
            json.WriteString("file", failure[1]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Flip(string path, int offset)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[offset < 0 ? bytes.Length + offset : offset] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void Replace(string path, string from, string to)
    {
        string text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
    }

    /// <summary>Makes the root of the files as they are now and signs it: what somebody with the key could do.</summary>
    private static void Reseal(string bundle)
    {
        StringBuilder root = new();
        foreach (string name in BundleLayout.TagFiles.Order(StringComparer.Ordinal))
        {
            root.Append(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes($"{bundle}/{name}")))).Append("  ").Append(name).Append('\n');
        }

        byte[] bytes = Encoding.ASCII.GetBytes(root.ToString());
        File.WriteAllBytes(bundle + "/tagmanifest-sha256.txt", bytes);
        File.WriteAllBytes(bundle + "/seal/0001-responder.p7s", CadesSignature.Create(bytes, SomeBundle.Identity.Signer, DateTimeOffset.UtcNow));
    }
}
