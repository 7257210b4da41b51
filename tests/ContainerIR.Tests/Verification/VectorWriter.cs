using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Recoveries;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using ContainerIR.Tests.Time;
using Xunit;
using static ContainerIR.Tests.Verification.ForgedBundle;

namespace ContainerIR.Tests.Verification;

/// <summary>Writes tests/vectors anew, when CIR_WRITE_VECTORS=1. See tests/vectors/README.md.</summary>
public sealed class Vector_writer
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    [Fact]
    public async Task Writes_the_vectors()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CIR_WRITE_VECTORS") == "1", "writes only when told to by CIR_WRITE_VECTORS=1");
        foreach (string old in Directory.EnumerateDirectories(System.IO.Path.Combine(Repository.Root, "tests", "vectors")))
        {
            RealEngine.Run("rm", "-rf", old);
        }

        await GoodAsync();
        await UnsealedAsync();
        await UntrustedAsync();
        await FilesAsync();
        await SealAsync();
        await TagsAsync();
        await ItemsAsync();
        await JournalAsync();
        await RecordAsync();
    }

    private static async Task GoodAsync()
    {
        await Write("good", "as it was sealed", "verified", _ => { }, full: true);
        await Write("good-anchored", "as it was sealed; the responder's certificate is trusted", "verified", _ => { }, ca: SomeBundle.Identity.Signer.Certificates);
        ISealSigner issued = SomeSigner.Issued(Now.AddDays(-1), Now.AddYears(5));
        await Write("good-issued-by-an-authority", "the responder's certificate is by an authority, and that is trusted", "verified", bundle => Sign(bundle, issued), ca: [issued.Certificates[1]]);
        ISealSigner old = SomeSigner.SelfSigned(Now.AddYears(-9), Now.AddYears(-7));
        await Write(
            "good-expired-since", "the certificate has expired, but was valid at the time the signer claims: it is judged then", "verified", bundle => Sign(bundle, old, Now.AddYears(-8)), ca: old.Certificates);
        await Write("good-stamped", "a time-stamp token, which the sealed policy demands", "verified", bundle => Stamp(bundle), policy: new(TimestampPolicy.Required));
        await Write("good-witness", "a second signature, by a witness", "verified", bundle => Witness(bundle));
        await Write("good-pq", "a second signature with ML-DSA-65, which the sealed policy demands", "verified", _ => { }, policy: new(PostQuantum: true));
        await Write("good-without-items", "nothing could be copied, and that is on record", "verified", MakeEmptyAsync);
        await Write("good-recovered", "an interrupted acquisition, recovered: one item cut to its provable frames, one lost", "verified", folder => MakeInterruptedAsync(folder, recover: true));
        await Write("good-stamped-journal", "the journal holds a time-stamp token over its head", "verified", MakeStampedJournalAsync);
    }

    private static async Task UnsealedAsync()
    {
        await Write("unsealed", "the signed root was taken away", "unsealed", bundle => File.Delete(bundle[BundleLayout.TagManifest]), ["root", BundleLayout.TagManifest]);
        await Write(
            "unsealed-interrupted", "an acquisition that did not end", "unsealed", folder => MakeInterruptedAsync(folder, recover: false),
            ["root", BundleLayout.TagManifest], ["structure", Framed.Replace("0002", "0001", StringComparison.Ordinal) + ".partial"], ["structure", "data/0002-logs/half.txt.partial"]);
    }

    private static async Task UntrustedAsync()
    {
        const string responder = BundleLayout.ResponderSignature;
        ISealSigner stranger = SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5));
        await Write("signer-not-trusted", "as it was sealed, but the authority given did not issue the certificate", "untrusted", _ => { }, ca: stranger.Certificates, failures: [["signature", responder]]);
        ISealSigner expired = SomeSigner.SelfSigned(Now.AddYears(-9), Now.AddYears(-7));
        await Write("certificate-expired", "the certificate had expired when the root was signed", "untrusted", bundle => Sign(bundle, expired), ["signature", responder]);
        ISealSigner early = SomeSigner.SelfSigned(Now.AddDays(10), Now.AddYears(5));
        await Write("certificate-not-yet-valid", "the certificate was not yet valid when the root was signed", "untrusted", bundle => Sign(bundle, early), ["signature", responder]);
        ISealSigner server = SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5), SomeSigner.ServerAuthentication);
        await Write("certificate-of-a-server", "the certificate is for TLS servers (extendedKeyUsage)", "untrusted", bundle => Sign(bundle, server), ["signature", responder]);
        ISealSigner cipher = SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5), flags: X509KeyUsageFlags.KeyEncipherment);
        await Write("certificate-not-for-signatures", "the certificate is for encryption (keyUsage)", "untrusted", bundle => Sign(bundle, cipher), ["signature", responder]);
        await Write(
            "certificate-expired-at-the-token",
            "the signer claims a time at which the certificate was valid, the token proves a later one at which it was not",
            "untrusted",
            bundle =>
            {
                Sign(bundle, expired, Now.AddYears(-8));
                Stamp(bundle);
            },
            ["signature", responder]);
    }

    private static async Task FilesAsync()
    {
        await Write("flipped-byte", "one bit of an item changed", "tampered", bundle => bundle.Flip(Plain, 3), ["payload", Plain]);
        await Write("flipped-byte-in-frames", "one bit of a framed item changed", "tampered", bundle => bundle.Flip(Framed, 40), ["payload", Framed], ["frames", Framed]);
        await Write("unlisted-file", "a file was added to data/", "tampered", bundle => bundle.Append("data/0001-host/added.txt", "x"), ["payload", "data/0001-host/added.txt"]);
        await Write("unlisted-tag-file", "a file was added outside data/", "tampered", bundle => bundle.Append("notes.txt", "x"), ["structure", "notes.txt"]);
        await Write("unknown-seal-file", "a file no seal has was added to seal/", "tampered", bundle => bundle.Append("seal/notes.txt", "x"), ["structure", "seal/notes.txt"]);
        await Write("missing-file", "an item was taken away", "tampered", bundle => File.Delete(bundle[Plain]), ["payload", Plain], ["payload", "bag-info.txt"]);
        await Write("symlink-in-data", "an item was replaced by a link", "tampered", bundle => bundle.Shell($"ln -sf ../../bagit.txt {Plain}"), ["structure", Plain], ["payload", Plain], ["payload", "bag-info.txt"]);
        await Write("symlink-for-the-root", "the signed root is a link", "tampered", bundle => bundle.Shell("ln -sf README.txt tagmanifest-sha256.txt"), SymlinkRoot);
        await Write("symlink-for-a-directory", "a directory of data/ is a link", "tampered", bundle => bundle.Shell("mv data/0001-host seal/x && ln -s ../seal/x data/0001-host"), SymlinkDirectory);
        await Write("partial-file", "a half-written item stands beside the others", "tampered", bundle => bundle.Append("data/0001-host/late.txt.partial", "x"), ["structure", "data/0001-host/late.txt.partial"], ["payload", "data/0001-host/late.txt.partial"]);
        await Write("name-with-a-blank", "a name no bundle has", "tampered", bundle => bundle.Append("data/0001-host/a b", "x"), ["structure", @"data/0001-host/a b"]);
        await Write("name-with-a-backslash", "a name that sha256sum would unescape", "tampered", bundle => bundle.Append("data/0001-host/a\\nb", "x"), ["structure", @"data/0001-host/a\\nb"]);
        await Write("name-like-an-option", "a name that a tool would take for an option", "tampered", bundle => bundle.Append("--files0-from=x", "x"), ["structure", "--files0-from=x"]);
        await Write("hidden-file", "a name that begins with a dot", "tampered", bundle => bundle.Append("data/0001-host/.x", "x"), ["structure", "data/0001-host/.x"]);
        await Write("file-outside-a-section", "an item stands directly in data/; everything above was made again", "tampered", bundle => { bundle.Append("data/loose.txt", "x").Remanifest(); }, ["structure", "data/loose.txt"], ["journal", "data/loose.txt"]);
    }

    private static string[][] SymlinkRoot => [["structure", "tagmanifest-sha256.txt"], ["root", "tagmanifest-sha256.txt"], .. BundleLayout.TagFiles.Select(name => (string[])["root", name]), ["signature", BundleLayout.ResponderSignature]];

    private static string[][] SymlinkDirectory =>
    [
        ["structure", "data/0001-host"], ["structure", "seal/x"], ["structure", "seal/x/empty.txt"], ["structure", "seal/x/uname.txt"],
        ["payload", "data/0001-host/empty.txt"], ["payload", Plain], ["payload", "bag-info.txt"],
    ];

    private static async Task SealAsync()
    {
        const string responder = BundleLayout.ResponderSignature;
        await Write("bad-signature", "one bit of the signature value changed", "tampered", bundle => bundle.Flip(responder, -4), ["signature", responder]);
        await Write("signature-missing", "the signature was taken away", "tampered", bundle => File.Delete(bundle[responder]), ["signature", responder]);
        await Write("signature-of-another-root", "the signature is good, but over another root", "tampered", bundle => File.WriteAllBytes(bundle[responder], CadesSignature.Create("x"u8, bundle.Signer, Now)), ["signature", responder]);
        await Write("signature-not-asn1", "the signature is no ASN.1", "tampered", bundle => File.WriteAllText(bundle[responder], "signed, honestly\n"), ["signature", responder]);
        await Write("signature-with-more-behind", "a byte follows the signature", "tampered", bundle => bundle.Append(responder, "x"), ["signature", responder]);
        await Write("signature-with-unsigned-attribute", "something was put into what CMS leaves unsigned", "tampered", AddUnsignedAttribute, ["signature", responder]);
        await Write("signature-on-another-curve", "signed with a key on P-384", "tampered", bundle => Sign(bundle, SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5), curve: ECCurve.NamedCurves.nistP384)), ["signature", responder]);
        await Write(
            "signed-by-another-key",
            "the root was signed by another key with a certificate of the same name",
            "tampered",
            bundle =>
            {
                bundle.Signer = SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5));
                bundle.Sign();
            },
            ["journal", "journal.jsonl"],
            ["custody", "custody.json"]);
        await Write("certificates-missing", "the certificates were taken away", "tampered", bundle => File.Delete(bundle[BundleLayout.Certificates]), ["signature", BundleLayout.Certificates]);
        await Write("certificates-too-many", "a certificate no signature has was put beside the others", "tampered", bundle => bundle.Append(BundleLayout.Certificates, Pem(SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5)))), ["signature", BundleLayout.Certificates]);
        await Write("tsa-required-but-missing", "the sealed policy demands a time-stamp token; there is none", "tampered", _ => { }, policy: new(TimestampPolicy.Required), failures: [["signature", BundleLayout.ResponderToken]]);
        await Write("token-of-another-signature", "the token is good, but over something else", "tampered", bundle => Stamp(bundle, bundle.Sha256("bagit.txt")), ["signature", BundleLayout.ResponderToken], ["signature", BundleLayout.TokenCertificates]);
        await Write("token-broken", "one bit of the token changed", "tampered", bundle => Stamp(bundle).Flip(BundleLayout.ResponderToken, -6), ["signature", BundleLayout.ResponderToken], ["signature", BundleLayout.TokenCertificates]);
        await Write("token-by-no-authority", "the certificate in the token is not for time stamps", "tampered", bundle => Stamp(bundle, usage: "extendedKeyUsage = critical, emailProtection"), ["signature", BundleLayout.ResponderToken], ["signature", BundleLayout.TokenCertificates]);
        await Write("token-certificates-other", "the certificates beside the token are not those in it", "tampered", bundle => File.WriteAllText(Stamp(bundle)[BundleLayout.TokenCertificates], Pem(bundle.Signer)), ["signature", BundleLayout.TokenCertificates]);
        await Write("pq-required-but-missing", "the sealed policy demands a second signature with ML-DSA-65; it was taken away", "tampered", bundle => File.Delete(bundle[MlDsaSignature.BundlePath]), policy: new(PostQuantum: true), failures: [["signature", MlDsaSignature.BundlePath]]);
        await Write("pq-bad", "one bit of the ML-DSA-65 signature changed", "tampered", bundle => bundle.Flip(MlDsaSignature.BundlePath, -100), policy: new(PostQuantum: true), needs: "openssl 3.5", failures: [["signature", MlDsaSignature.BundlePath]]);
    }

    private static async Task TagsAsync()
    {
        string[] journal = ["journal", "journal.jsonl"];
        await Write("policy-weakened", "the policy was changed in bag-info.txt, then the root signed again", "tampered", bundle => bundle.Replace("bag-info.txt", "tsa=optional", "tsa=none").SignRoot(), journal);
        await Write("policy-unknown", "a policy the format does not know", "tampered", bundle => SetPolicy(bundle, "sig=rsa;tsa=none;pq=none"), ["root", "bag-info.txt"]);
        await Write("bag-info-label-twice", "a label stands twice", "tampered", bundle => bundle.Append("bag-info.txt", "Payload-Oxum: 1.1\n").SignRoot(), ["root", "bag-info.txt"], journal, ["custody", "custody.json"]);
        await Write("bag-info-label-missing", "a label is missing", "tampered", bundle => bundle.Replace("bag-info.txt", "Bagging-Date: ", "Bag-Count: ").SignRoot(), ["root", "bag-info.txt"]);
        await Write("payload-oxum-lies", "Payload-Oxum is not what the payload has", "tampered", bundle => bundle.Replace("bag-info.txt", "Payload-Oxum: 5", "Payload-Oxum: 6").SignRoot(), ["payload", "bag-info.txt"]);
        await Write("bagit-version-other", "bagit.txt declares another version", "tampered", bundle => bundle.Replace("bagit.txt", "1.0", "0.9").SignRoot(), ["root", "bagit.txt"]);
        await Write("root-lists-less", "a line was taken out of the root, then it was signed again", "tampered", bundle => bundle.Shell("sed -i /README/d tagmanifest-sha256.txt").Sign(), ["root", "README.txt"]);
        await Write("tag-file-changed", "README.txt was changed", "tampered", bundle => bundle.Append("README.txt", "x"), ["root", "README.txt"]);
        await Write("path-named-twice", "a manifest names a path twice", "tampered", bundle => bundle.Shell("sed -i 1p manifest-sha256.txt").Rewrite(), ["payload", "data/0001-host/empty.txt"]);
        await Write("path-outside", "a manifest names a path outside the bundle", "tampered", bundle => bundle.Append("manifest-sha256.txt", new string('0', 64) + "  data/../../../etc/passwd\n").Rewrite(), ["payload", "manifest-sha256.txt"]);
        await Write("path-absolute", "a manifest names an absolute path", "tampered", bundle => bundle.Append("manifest-sha256.txt", new string('0', 64) + "  /dev/zero\n").Rewrite(), ["payload", "manifest-sha256.txt"]);
        await Write("manifest-unordered", "the lines of a manifest are not in byte order of path", "tampered", bundle => bundle.Shell("tac manifest-sha512.txt > x && mv x manifest-sha512.txt").Rewrite(), ["payload", "manifest-sha512.txt"]);
        await Write("manifest-upper-case", "a digest is in upper case", "tampered", bundle => bundle.Shell("sed -i '1s/^[^ ]*/\\U&/' manifest-sha512.txt").Rewrite(), ["payload", "manifest-sha512.txt"], ["payload", "data/0001-host/empty.txt"], ["journal", "data/0001-host/empty.txt"]);
        await Write("manifests-disagree", "one manifest lacks a file the other lists", "tampered", bundle => bundle.Shell("sed -i 2d manifest-sha512.txt").Rewrite(), ["payload", Plain], ["journal", Plain]);
        await Write("sha512-other", "a file has the SHA-256 of the manifests, but not the SHA-512", "tampered", bundle => bundle.Shell("sed -i '2s/^...../00000/' manifest-sha512.txt").Rewrite(), ["payload", Plain], ["journal", Plain]);
        await Write("manifest-not-utf8", "a manifest has bytes that are not UTF-8", "tampered", bundle => bundle.Shell("printf '%064d  data/0001-host/\\377\\n' 0 >> manifest-sha256.txt").Rewrite(), ["payload", "manifest-sha256.txt"]);
    }

    private static async Task ItemsAsync()
    {
        await Write("stored-size-lies", "journal and record say another size than the file has", "tampered", bundle => SetItem(bundle, Plain, "stored_bytes", 99), ["journal", Plain]);
        await Write("raw-size-lies", "journal and record say another size of content than the frames hold", "tampered", bundle => SetItem(bundle, Framed, "raw_bytes", 99), ["journal", Framed]);
        await Write("raw-digest-lies", "an item stored as read has another digest for what was read", "tampered", bundle => SetItem(bundle, Plain, "raw_sha256", new string('a', 64)), ["journal", Plain]);
        await Write("chunk-offset-lies", "the chunk list says another place of a frame", "tampered", bundle => bundle.Replace(Chunks, "\"off\":0", "\"off\":1").Remanifest(), ["frames", Framed]);
        await Write("chunk-digest-lies", "the chunk list says another digest of a frame", "tampered", bundle => bundle.Shell($"sed -i 's/\"sha256\":\"..../\"sha256\":\"0000/' {Chunks}").Remanifest(), ["frames", Framed]);
        await Write("chunk-list-short", "the chunk list lacks the last frame", "tampered", bundle => bundle.Shell($"truncate -s 0 {Chunks}").Remanifest(), ["frames", Framed]);
        await Write("frame-bomb", "a frame states more content than its chunk list says", "tampered", MakeBomb, ["frames", Framed]);
        await Write("seek-table-lies", "the seek table says another size than the frame has", "tampered", bundle => bundle.Flip(Framed, -12).Remanifest(), ["frames", Framed]);
    }

    private static async Task JournalAsync()
    {
        string[] journal = ["journal", "journal.jsonl"];
        string[] checkpoint = ["checkpoint", "checkpoint.txt"];
        string[] custody = ["custody", "custody.json"];
        await Write("journal-chain-broken", "a word in the journal was changed, then the root signed again", "tampered", bundle => bundle.Replace("journal.jsonl", "\"tsc\"", "\"hpe\"").SignRoot(), journal, checkpoint);
        await Write("journal-line-missing", "a line of the journal was taken out, then the root signed again", "tampered", bundle => bundle.Shell("sed -i 2d journal.jsonl").SignRoot(), journal, checkpoint, custody);
        await Write("journal-cut-short", "the last line feed of the journal is missing", "tampered", bundle => bundle.Shell("truncate -s -1 journal.jsonl").SignRoot(), journal, checkpoint, custody);
        await Write("journal-not-json", "a line is not JSON", "tampered", bundle => bundle.Rewrite(raw: (i, line) => i == 1 ? line.Replace("\"tsc\"", "tsc", StringComparison.Ordinal) : line), journal);
        await Write("journal-not-utf8", "a line has bytes that are not UTF-8", "tampered", bundle => bundle.Rewrite(raw: (i, line) => i == 1 ? line.Replace("tsc", "t\u00ffc", StringComparison.Ordinal) : line), journal);
        await Write("journal-too-deep", "a line is nested 100 levels deep", "tampered", bundle => bundle.Rewrite(raw: (i, line) => i == 1 ? line.Replace("\"tsc\"", new string('[', 100) + new string(']', 100), StringComparison.Ordinal) : line), journal);
        await Write("journal-key-twice", "an item is closed with a key that stands twice", "tampered", bundle => bundle.Rewrite(raw: (i, line) => i == 3 ? line.Replace("\"raw_bytes\"", "\"stored_bytes\":15,\"raw_bytes\"", StringComparison.Ordinal) : line), journal, ["journal", Plain], ["custody", Plain], custody);
        await Write("journal-of-another-format", "the first line opens a bundle of another format", "tampered", bundle => bundle.Rewrite(lines => lines[0]["fields"]!["schema"] = "containerir-bundle/9"), journal);
        await Write("journal-does-not-open", "the journal does not begin with bundle.open", "tampered", bundle => bundle.Rewrite(lines => lines[0]["event"] = "clock.sample"), journal, checkpoint, custody);
        await Write("journal-item-never-closed", "an item was opened and never closed", "tampered", bundle => bundle.Rewrite(lines => lines.Insert(2, Line(lines[2], "uname.txt", "never.txt"))), journal);
        await Write("journal-item-closed-twice", "an item was closed twice", "tampered", bundle => bundle.Rewrite(lines => lines.Insert(4, Line(lines[3], "", ""))), journal);
        await Write("journal-item-closed-otherwise", "the journal closed an item with another digest", "tampered", bundle => bundle.Rewrite(lines => lines[3]["fields"]!["item"]!["sha256"] = new string('b', 64)), ["journal", Plain], ["custody", Plain]);
        await Write("journal-without-an-item", "the journal does not know an item", "tampered", bundle => bundle.Rewrite(lines => lines.RemoveRange(2, 2)), ["journal", Plain], custody, ["custody", Plain]);
        await Write("seal-not-last", "a line follows the seal", "tampered", bundle => bundle.Rewrite(lines => lines.Add(Line(lines[1], "", ""))), journal);
        await Write("seal-of-another-manifest", "the seal line is for another manifest", "tampered", bundle => bundle.Rewrite(lines => lines[^1]["fields"]!["manifest_sha256"] = new string('c', 64)), journal);
        await Write("seal-counts-lie", "the seal line has another number of gaps", "tampered", bundle => bundle.Rewrite(lines => lines[^1]["fields"]!["gaps"] = 7), journal);
        await Write("journal-token-of-another-line", "the token in the journal is over no line before it", "tampered", MakeForeignJournalTokenAsync, journal);
        await Write(
            "checkpoint-of-another-journal",
            "the checkpoint is good, but of another bundle's journal; the root was signed again",
            "tampered",
            bundle =>
            {
                using TemporaryFolder other = new();
                SealedBundle stranger = SomeBundle.SmallAsync(other).GetAwaiter().GetResult();
                File.Copy(stranger.Path + "/checkpoint.txt", bundle["checkpoint.txt"], overwrite: true);
                File.Copy(stranger.Path + "/checkpoint.vkey", bundle["checkpoint.vkey"], overwrite: true);
                bundle.SignRoot();
            },
            checkpoint);
        await Write("checkpoint-bad-signature", "the signature of the checkpoint is not good", "tampered", bundle => bundle.Shell("sed -i '5s/.....$/AAAA=/' checkpoint.txt").SignRoot(), checkpoint);
        await Write("checkpoint-with-more-behind", "something follows the signature of the checkpoint", "tampered", bundle => bundle.Append("checkpoint.txt", "x\n").SignRoot(), checkpoint);
        await Write("checkpoint-key-of-another-name", "the key of the checkpoint bears another key hash", "tampered", bundle => bundle.Shell("sed -i 's/+......../+00000000/' checkpoint.vkey").SignRoot(), checkpoint);
    }

    private static async Task RecordAsync()
    {
        string[] custody = ["custody", "custody.json"];
        await Write("record-of-another-bundle", "the collection record is of another bundle", "tampered", bundle => bundle.Rewrite(custody: record => record with { BundleId = Guid.CreateVersion7() }), custody);
        await Write("record-of-another-case", "the collection record names another case", "tampered", bundle => bundle.Rewrite(custody: record => record with { Record = record.Record with { Identity = new() { Case = "CASE-2" } } }), custody);
        await Write("record-of-another-signer", "the collection record names another certificate", "tampered", bundle => bundle.Rewrite(custody: record => record with { Record = record.Record with { Who = record.Record.Who with { CertificateSha256 = new string('d', 64) } } }), custody);
        await Write("record-of-another-journal", "the collection record was made for another journal", "tampered", bundle => bundle.Rewrite(custody: record => record with { JournalLines = record.JournalLines + 1 }), custody);
        await Write("record-item-otherwise", "the collection record says another source of an item than the journal", "tampered", bundle => bundle.Rewrite(custody: record => record with { Items = [record.Items[0] with { Source = "elsewhere" }, .. record.Items.Skip(1)] }), ["custody", Plain]);
        await Write("record-gap-left-out", "the collection record leaves a gap out", "tampered", bundle => bundle.Rewrite(custody: record => record with { Gaps = [] }), custody);
        await Write("record-gap-otherwise", "the collection record gives another reason for a gap", "tampered", bundle => bundle.Rewrite(custody: record => record with { Gaps = [record.Gaps[0] with { Reason = "none needed" }] }), custody);
        await Write("record-effect-otherwise", "the collection record tells another effect", "tampered", bundle => bundle.Rewrite(custody: record => record with { Effects = [record.Effects[0] with { What = "nothing" }] }), custody);
        await Write("record-certifies-otherwise", "the certification names other digests", "tampered", bundle => bundle.Rewrite(custody: record => record with { Certification = "All is well." }), custody);
        await Write("record-key-twice", "a key stands twice in the collection record", "tampered", bundle => bundle.Replace("custody.json", "  \"recovered\": false,\n", "  \"recovered\": true,\n  \"recovered\": false,\n").SignRoot(), custody);
        await Write("record-in-another-form", "the collection record is the same JSON written otherwise", "tampered", bundle => bundle.Replace("custody.json", "\"schema\": ", "\"schema\":   ").SignRoot(), custody);
        await Write("record-not-json", "the collection record is cut short", "tampered", bundle => bundle.Shell("truncate -s 400 custody.json").SignRoot(), custody);
    }

    private static void Sign(ForgedBundle bundle, ISealSigner signer, DateTimeOffset? at = null)
    {
        (bundle.Signer, bundle.SignedAt) = (signer, at ?? Now);
        bundle.Rewrite();
    }

    private static string Pem(ISealSigner signer) => Encoding.ASCII.GetString(CertificateFile.Write(signer.Certificates));

    /// <summary>A token over the signature, or over another digest, and its certificates.</summary>
    private static ForgedBundle Stamp(ForgedBundle bundle, string? sha256 = null, string? usage = null)
    {
        using TemporaryFolder folder = new();
        TimestampKeys keys = usage is null ? new(folder) : new(folder, usage: usage);
        string query = "-digest " + (sha256 ?? bundle.Sha256(BundleLayout.ResponderSignature));
        byte[] reply = usage is null ? keys.ReplyTo(query) : keys.Forge(new TimestampKeys(folder, "honest").ReplyTo(query));
        File.WriteAllBytes(bundle[BundleLayout.ResponderToken], reply);
        File.WriteAllBytes(bundle[BundleLayout.TokenCertificates], CertificateFile.Write(
            new Org.BouncyCastle.Tsp.TimeStampResponse(reply).TimeStampToken.GetCertificates().EnumerateMatches(null).Select(certificate => certificate.GetEncoded())));
        if (sha256 is null && usage is null)
        {
            IReadOnlyList<byte[]> certificates = TimestampToken.Verify(reply, Convert.FromHexString(bundle.Sha256(BundleLayout.ResponderSignature))).Certificates;
            File.WriteAllBytes(bundle[BundleLayout.TokenCertificates], CertificateFile.Write(certificates));
        }

        return bundle;
    }

    private static void Witness(ForgedBundle bundle)
    {
        ISealSigner witness = SomeSigner.SelfSigned(Now.AddDays(-1), Now.AddYears(5));
        File.WriteAllBytes(bundle["seal/0002-witness.p7s"], CadesSignature.Create(File.ReadAllBytes(bundle[BundleLayout.TagManifest]), witness, Now));
        File.WriteAllBytes(bundle[BundleLayout.Certificates], CertificateFile.Write([.. bundle.Signer.Certificates, .. witness.Certificates]));
    }

    /// <summary>By openssl: the same signer information with an unsigned attribute, which no signature covers.</summary>
    private static void AddUnsignedAttribute(ForgedBundle bundle)
    {
        Org.BouncyCastle.Cms.CmsSignedData signed = new(File.ReadAllBytes(bundle[BundleLayout.ResponderSignature]));
        Org.BouncyCastle.Cms.SignerInformation signer = signed.GetSignerInfos().GetSigners().Single();
        Org.BouncyCastle.Asn1.Cms.Attribute note = new(
            new Org.BouncyCastle.Asn1.DerObjectIdentifier("1.2.840.113549.1.9.2"), new Org.BouncyCastle.Asn1.DerSet(new Org.BouncyCastle.Asn1.DerUtf8String("hidden")));
        Org.BouncyCastle.Asn1.Cms.AttributeTable attributes = new(new Org.BouncyCastle.Asn1.DerSet(note));
        signed = Org.BouncyCastle.Cms.CmsSignedData.ReplaceSigners(
            signed, new Org.BouncyCastle.Cms.SignerInformationStore(Org.BouncyCastle.Cms.SignerInformation.ReplaceUnsignedAttributes(signer, attributes)));
        File.WriteAllBytes(bundle[BundleLayout.ResponderSignature], signed.GetEncoded("DER"));
    }

    private static void SetPolicy(ForgedBundle bundle, string policy)
    {
        bundle.Replace("bag-info.txt", new SealPolicy().ToString(), policy);
        bundle.Rewrite(lines => lines[^1]["fields"]!["policy"] = policy);
    }

    private static void SetItem(ForgedBundle bundle, string item, string name, JsonNode value) => bundle.Rewrite(
        lines => lines.Find(line => (string?)line["event"] == "item.close" && (string?)line["fields"]!["item"]!["path"] == item)!["fields"]!["item"]![name] = value.DeepClone(),
        record => record with
        {
            Items = [.. record.Items.Select(found =>
            {
                JsonObject json = JsonSerializer.SerializeToNode(found, CustodyJson.Default.EvidenceItem)!.AsObject();
                json[name] = found.Path == item ? value.DeepClone() : json[name]!.DeepClone();
                return json.Deserialize(CustodyJson.Default.EvidenceItem)!;
            })],
        });

    /// <summary>The frame's header says 60,000 bytes; its chunk list and all digests above are right otherwise.</summary>
    private static void MakeBomb(ForgedBundle bundle)
    {
        byte[] item = File.ReadAllBytes(bundle[Framed]);
        ChunkRecord chunk = ChunkRecord.Parse(File.ReadAllBytes(bundle[Chunks]).AsMemory(..^1))!;
        BinaryPrimitives.WriteUInt16LittleEndian(item.AsSpan(5), 60_000 - 256);
        File.WriteAllBytes(bundle[Framed], item);
        File.WriteAllBytes(bundle[Chunks], (chunk with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(item.AsSpan(0, chunk.Length))) }).ToLine());
        bundle.Remanifest();
    }

    private static JsonObject Line(JsonObject like, string from, string to) =>
        JsonNode.Parse(from.Length == 0 ? like.ToJsonString() : like.ToJsonString().Replace(from, to, StringComparison.Ordinal))!.AsObject();

    private static async Task<string> MakeEmptyAsync(TemporaryFolder folder)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        bundle.AddGap(new Gap("host", "everything", "Permission denied (errno 13)", Now));
        return (await bundle.SealAsync()).Path;
    }

    private static async Task<string> MakeInterruptedAsync(TemporaryFolder folder, bool recover)
    {
        BundleWriter bundle = SomeBundle.Open(folder);
        ItemWriter frames = bundle.OpenSection("rootfs-diff", 6).Create("upper.tar.zst", new ItemOptions("/upper", ItemForm.Frames));
        frames.Write(new byte[FramePool.ChunkBytes + 1000]);
        IEvidenceSink logs = bundle.OpenSection("logs", 6);
        await logs.AddAsync("done.txt", "done"u8.ToArray(), new ItemOptions("/done"), CancellationToken.None);
        logs.Create("half.txt", new ItemOptions("/half")).Write("half"u8);
        await RealEngine.Until(() => File.ReadAllLines(bundle.Path + "/data/0001-rootfs-diff/upper.tar.zst.chunks.jsonl").Length == 1, "the frame is written");
        await bundle.DisposeAsync();
        if (recover)
        {
            await BundleRecovery.RecoverAsync(bundle.Path, SomeBundle.Identity, new RecoveryOptions { Agent = "cir 0.1.0", MakeFrameDecoder = () => new ZstdFrameDecoder() }, CancellationToken.None);
        }

        return bundle.Path;
    }

    private static async Task<string> MakeStampedJournalAsync(TemporaryFolder folder)
    {
        using TemporaryFolder keys = new();
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(new TimestampKeys(keys));
        using TimestampClient client = TimestampClient.Parse([authority.Url], TimeSpan.FromSeconds(30));
        await using BundleWriter bundle = SomeBundle.Open(folder);
        await JournalTimestamp.RecordAsync(bundle, client, CancellationToken.None);
        return (await bundle.SealAsync()).Path;
    }

    private static async Task<string> MakeForeignJournalTokenAsync(TemporaryFolder folder)
    {
        string path = await MakeStampedJournalAsync(folder);
        new ForgedBundle(path).Rewrite(lines => lines[1]["fields"]!["line_sha256"] = new string('e', 64));
        return path;
    }

    private static Task Write(string name, string about, string verdict, Action<ForgedBundle> damage, params string[][] failures) =>
        Write(name, about, verdict, damage, null, null, null, false, failures);

    private static Task Write(
        string name,
        string about,
        string verdict,
        Action<ForgedBundle> damage,
        IReadOnlyList<byte[]>? ca = null,
        SealPolicy? policy = null,
        string? needs = null,
        bool full = false,
        string[][]? failures = null) => WriteMade(
            name,
            about,
            verdict,
            async folder =>
            {
                ForgedBundle bundle = new((await MakeSmallAsync(folder, policy)).Path);
                if (!full)
                {
                    Shorten(bundle);
                }

                damage(bundle);
                return bundle.Path;
            },
            ca,
            needs,
            failures ?? []);

    private static Task Write(string name, string about, string verdict, Func<TemporaryFolder, Task<string>> make, params string[][] failures) =>
        WriteMade(
            name,
            about,
            verdict,
            async folder =>
            {
                string path = await make(folder);
                if (File.Exists(path + "/tagmanifest-sha256.txt"))
                {
                    Shorten(new ForgedBundle(path));
                }

                return path;
            },
            null,
            null,
            failures);

    private static async Task<SealedBundle> MakeSmallAsync(TemporaryFolder folder, SealPolicy? policy)
    {
        if (policy?.PostQuantum != true)
        {
            return await SomeBundle.SmallAsync(folder, policy);
        }

        using TemporaryFolder keys = new();
        MlDsaSigner signer = MlDsaSigner.Create(keys.Path, new("Jane Examiner"), "x", Now);
        await using BundleWriter bundle = SomeBundle.Open(folder);
        return await bundle.SealAsync(SomeBundle.Custody, SomeBundle.Identity with { PostQuantum = signer }, policy, CancellationToken.None);
    }

    /// <summary>README.txt and verify.sh are the same in every bundle: in all vectors but the first they are one line.</summary>
    private static void Shorten(ForgedBundle bundle)
    {
        if (File.Exists(bundle[MlDsaSignature.BundlePath]))
        {
            return; // it signs the root too
        }

        File.WriteAllText(bundle["README.txt"], "See the vector good.\n");
        File.WriteAllText(bundle["verify.sh"], "#!/bin/sh\nexit 1\n");
        bundle.SignRoot();
    }

    private static async Task WriteMade(string name, string about, string verdict, Func<TemporaryFolder, Task<string>> make, IReadOnlyList<byte[]>? ca, string? needs, string[][] failures)
    {
        string vector = System.IO.Path.Combine(Repository.Root, "tests", "vectors", name);
        Directory.CreateDirectory(vector);
        using TemporaryFolder folder = new();
        string bundle = await make(folder);
        RealEngine.Run("cp", "-a", bundle, vector + "/bundle");
        RealEngine.Run("chmod", "-R", "u=rwX,go=rX", vector);
        if (ca is not null)
        {
            await File.WriteAllBytesAsync(vector + "/ca.pem", CertificateFile.Write(ca));
        }

        await using FileStream file = File.Create(vector + "/expected.json");
        await using (Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("about", about);
            if (ca is not null)
            {
                json.WriteString("ca", "ca.pem");
            }

            if (needs is not null)
            {
                json.WriteString("script_needs", needs);
            }

            json.WriteString("verdict", verdict);
            json.WriteStartArray("failures");
            foreach (string[] failure in failures)
            {
                json.WriteStartObject();
                json.WriteString("check", failure[0]);
                json.WriteString("file", failure[1]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        file.Write("\n"u8);
    }
}
