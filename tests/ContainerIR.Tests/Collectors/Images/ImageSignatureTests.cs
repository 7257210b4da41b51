using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors.Images;
using ContainerIR.Evidence;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors.Images;

public sealed class A_signature_of_an_image : IDisposable
{
    private readonly SomeLayout layout = new();

    public void Dispose() => layout.Dispose();

    [Theory]
    [InlineData("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "dgst -sha256 -sign {0} -out {1} {2}")]
    [InlineData("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "dgst -sha384 -sign {0} -out {1} {2}")]
    [InlineData("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "dgst -sha256 -sign {0} -out {1} {2}")]
    [InlineData("-algorithm ED25519", "pkeyutl -sign -rawin -inkey {0} -out {1} -in {2}")]
    public async Task Is_verified_by_the_key_that_made_it_and_by_no_other(string key, string sign)
    {
        string made = layout.Key("signer", key), other = layout.Key("other", key);
        layout.Cosign(layout.ManifestDigest, made, sign);
        JsonElement verified = Assert.Single((await layout.Collect([made + ".pub"], [layout.Folder])).Items("signatures"));
        Assert.Equal("verified", verified.Text("verdict"));
        Assert.Equal(layout.ManifestDigest, verified.Text("signed_digest"));
        Assert.Equal("of a manifest at hand that names the image's configuration", verified.Text("signed_digest_is"));
        Assert.Equal(SignatureKey.Load(made + ".pub").Single().Sha256, verified.Text("key_sha256"));
        Assert.Equal("registry.example/web", verified.Text("reference"));
        Assert.Equal("not-verified", Assert.Single((await layout.Collect([other + ".pub"], [layout.Folder])).Items("signatures")).Text("verdict"));
        Assert.Equal("no-key", Assert.Single((await layout.Collect([], [layout.Folder])).Items("signatures")).Text("verdict"));
        Assert.Equal("verified", Assert.Single((await layout.Collect([other + ".pub", made + ".pub"], [layout.Folder])).Items("signatures")).Text("verdict"));
    }

    [Fact]
    public async Task Is_kept_byte_for_byte_with_the_keys_that_were_given()
    {
        string key = layout.Key("signer");
        string payload = layout.Cosign(layout.ManifestDigest, key);
        using FolderSink sink = new();
        JsonElement signatures = await layout.Collect([key + ".pub"], [layout.Folder], sink);
        Assert.Equal(["signatures/0001-manifest.json", "signatures/0001-payload.json"], signatures.Items("signatures").Single().Texts("files"));
        Assert.Equal(payload, Encoding.UTF8.GetString(sink.Read("signatures/0001-payload.json")));
        Assert.Equal(await File.ReadAllTextAsync(key + ".pub", TestContext.Current.CancellationToken), Encoding.ASCII.GetString(sink.Read("signatures/keys/0001.pem")));
        Assert.StartsWith("1 of 1", signatures.Text("verified"), StringComparison.Ordinal);
        Assert.Empty(sink.Gaps);
    }

    [Fact]
    public async Task Over_an_index_is_of_the_image_whose_manifest_the_index_names()
    {
        string key = layout.Key("signer");
        string index = layout.Blob($$"""{"schemaVersion":2,"manifests":[{"digest":"{{layout.ManifestDigest}}"},{"digest":"sha256:{{new string('5', 64)}}"}]}""");
        layout.Cosign(index, key);
        JsonElement found = Assert.Single((await layout.Collect([key + ".pub"], [layout.Folder])).Items("signatures"));
        Assert.Equal("verified", found.Text("verdict"));
        Assert.Equal("of an index at hand that names the image's manifest", found.Text("signed_digest_is"));
    }

    [Fact]
    public async Task By_the_repository_digest_is_tied_to_the_image_by_the_engines_word_and_of_another_image_is_said_so()
    {
        string key = layout.Key("signer"), elsewhere = "sha256:" + new string('7', 64);
        layout.Cosign(elsewhere, key);
        JsonElement tied = await layout.Collect([key + ".pub"], [layout.Folder], repositoryDigests: ["registry.example/web@" + elsewhere]);
        Assert.Contains("the engine notes", tied.Items("signatures").Single().Text("signed_digest_is"), StringComparison.Ordinal);
        using FolderSink sink = new();
        JsonElement other = await layout.Collect([key + ".pub"], [layout.Folder], sink);
        Assert.Equal("verified not known to be of this image", $"{other.Items("signatures").Single().Text("verdict")} {other.Items("signatures").Single().Text("signed_digest_is")}");
        Assert.StartsWith("nothing", other.Text("verified"), StringComparison.Ordinal);
        Assert.Contains(sink.Gaps, gap => gap.Sought == "a signature of the image to verify with the keys given");
    }

    [Fact]
    public async Task That_was_changed_is_not_verified_and_a_blob_that_is_not_its_name_is_not_read()
    {
        string key = layout.Key("signer");
        string payload = layout.Cosign(layout.ManifestDigest, key);
        string digest = SomeLayout.DigestOf(Encoding.UTF8.GetBytes(payload));
        await File.WriteAllTextAsync(layout.PathOf(digest), payload.Replace("web", "bew", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        JsonElement broken = Assert.Single((await layout.Collect([key + ".pub"], [layout.Folder])).Items("signatures"));
        Assert.Equal("unsupported", broken.Text("verdict"));
        Assert.Contains("not what its digest says", broken.Text("why"), StringComparison.Ordinal);
        Dictionary<string, string> notes = new() { ["dev.cosignproject.cosign/signature"] = layout.LastSignature };
        IReadOnlyList<SignatureKey> keys = SignatureKey.Load(key + ".pub");
        Assert.Equal("verified", CosignSignatures.Check(Encoding.UTF8.GetBytes(payload), notes, "x", keys).Verdict);
        Assert.Equal("not-verified", CosignSignatures.Check(Encoding.UTF8.GetBytes(payload.Replace("web", "bew", StringComparison.Ordinal)), notes, "x", keys).Verdict);
        Assert.Contains("does not say", CosignSignatures.Check("{}"u8.ToArray(), notes, "x", keys).Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_short_lived_certificate_leads_to_its_authority()
    {
        (string authority, string leaf, string leafKey) = layout.Authority("fulcio", "EC -pkeyopt ec_paramgen_curve:P-256");
        (string stranger, _, _) = layout.Authority("stranger", "EC -pkeyopt ec_paramgen_curve:P-256");
        layout.Cosign(layout.ManifestDigest, leafKey, notes: new() { ["dev.sigstore.cosign/certificate"] = await File.ReadAllTextAsync(leaf, TestContext.Current.CancellationToken) });
        JsonElement found = Assert.Single((await layout.Collect([authority], [layout.Folder])).Items("signatures"));
        Assert.Equal("verified", found.Text("verdict"));
        Assert.Contains("transparency log's entry was not checked", found.Text("why"), StringComparison.Ordinal);
        Assert.Contains("CN=fulcio signer", found.Text("signer"), StringComparison.Ordinal);
        Assert.Equal("not-verified", Assert.Single((await layout.Collect([stranger], [layout.Folder])).Items("signatures")).Text("verdict"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_the_notary_project_leads_to_the_authority_given(bool isCose)
    {
        string key = isCose ? "EC -pkeyopt ec_paramgen_curve:P-256" : "RSA -pkeyopt rsa_keygen_bits:2048";
        (string authority, string leaf, string leafKey) = layout.Authority("notary", key);
        (string stranger, _, _) = layout.Authority("stranger", key);
        byte[] Envelope(string critical) => isCose ? SomeLayout.Cose(layout.ManifestDigest, leaf, leafKey, critical) : layout.Jws(layout.ManifestDigest, leaf, leafKey, critical);
        byte[] envelope = Envelope("io.cncf.notary.signingScheme");
        string type = isCose ? "application/cose" : "application/jose+json";
        layout.Attach(layout.ManifestDigest, "application/vnd.cncf.notary.signature", type, envelope);
        JsonElement found = Assert.Single((await layout.Collect([authority], [layout.Folder])).Items("signatures"));
        Assert.Equal("verified", found.Text("verdict"));
        Assert.Equal("notation", found.Text("form"));
        Assert.Equal(layout.ManifestDigest, found.Text("signed_digest"));
        Assert.Equal("2026-01-02T03:04:05Z", found.Text("signed_at"));
        Assert.Contains("revocation", found.Text("why"), StringComparison.Ordinal);
        Assert.Equal("verified", Assert.Single((await layout.Collect([leaf], [layout.Folder])).Items("signatures")).Text("verdict"));
        Assert.Equal("not-verified", Assert.Single((await layout.Collect([stranger], [layout.Folder])).Items("signatures")).Text("verdict"));

        Assert.Contains("be understood", NotationSignatures.Check(Envelope("io.example.new"), type, layout.ManifestDigest, "x", SignatureKey.Load(authority)).Why, StringComparison.Ordinal);

        // One byte of the signed payload changed, and the same envelope on another manifest.
        byte[] changed = [.. envelope];
        changed[isCose ? envelope.AsSpan().IndexOf("targetArtifact"u8) + 40 : envelope.AsSpan().IndexOf("\"payload\""u8) + 60] ^= 1;
        Assert.Equal("not-verified", NotationSignatures.Check(changed, type, layout.ManifestDigest, "x", SignatureKey.Load(authority)).Verdict);
        Assert.Contains("signs another manifest", NotationSignatures.Check(envelope, type, "sha256:" + new string('9', 64), "x", SignatureKey.Load(authority)).Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_podman_keeps_with_an_image_is_verified()
    {
        string key = layout.Key("signer");
        string payload = layout.Cosign(layout.ManifestDigest, key);
        string store = layout.PodmanStore([Encoding.UTF8.GetBytes($$$"""{"mimeType":"application/vnd.dev.cosign.simplesigning.v1+json","payload":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(payload))}}}","annotations":{"dev.cosignproject.cosign/signature":"{{{layout.LastSignature}}}"}}"""), [0x89, 1, 2, 3]]);
        List<JsonElement> found = [.. (await layout.Collect([key + ".pub"], [], engineRoot: store)).Items("signatures")];
        Assert.Equal(["cosign verified", "simple signing (OpenPGP) unsupported"], found.Select(one => $"{one.Text("form")} {one.Text("verdict")}"));
        Assert.All(found, one => Assert.Contains("a manifest at hand", one.Text("signed_digest_is"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task In_containerds_content_store_is_found_by_itself_and_those_of_other_images_are_left()
    {
        string key = layout.Key("signer");
        layout.Cosign(layout.ManifestDigest, key);
        layout.Cosign("sha256:" + new string('7', 64), key);
        layout.Attach(layout.ManifestDigest, "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle.v0.3+json", "{}"u8.ToArray());
        string root = Path.Combine(layout.Home, "engine", "docker"), content = Path.Combine(layout.Home, "engine", "containerd", "io.containerd.content.v1.content");
        Directory.CreateDirectory(root);
        Directory.CreateDirectory(Path.GetDirectoryName(content)!);
        Directory.Move(layout.Folder, content);
        List<JsonElement> found = [.. (await layout.Collect([key + ".pub"], [], engineRoot: root)).Items("signatures")];
        Assert.Equal(["cosign verified", "sigstore bundle unsupported"], found.Select(one => $"{one.Text("form")} {one.Text("verdict")}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Is_sought_in_a_layout_only_where_there_is_one()
    {
        using FolderSink sink = new();
        await layout.Collect([], [layout.Home], sink);
        Assert.Contains("no OCI layout", Assert.Single(sink.Gaps).Reason, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<OperatorException>(() => SignatureKey.Load(layout.Home + "/none.pub")).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(layout.Home + "/no.pub", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", TestContext.Current.CancellationToken);
        Assert.Throws<OperatorException>(() => SignatureKey.Load(layout.Home + "/no.pub"));
        await File.WriteAllTextAsync(layout.Home + "/no.pub", "ssh-ed25519 AAAA", TestContext.Current.CancellationToken);
        Assert.Contains("holds no public key", Assert.Throws<OperatorException>(() => SignatureKey.Load(layout.Home + "/no.pub")).Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 300)]
    public void Is_never_a_failure_whatever_it_is(byte[] bytes)
    {
        Assert.NotEqual("verified", NotationSignatures.Check(bytes, "application/cose", "", "x", []).Verdict);
        Assert.NotEqual("verified", NotationSignatures.Check([0xD2, 0x84, .. bytes], "application/cose", "", "x", []).Verdict);
        Assert.NotEqual("verified", NotationSignatures.Check(bytes, "application/jose+json", "", "x", []).Verdict);
        Assert.NotEqual("verified", CosignSignatures.Check(bytes, new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = Convert.ToBase64String(bytes), ["dev.sigstore.cosign/certificate"] = "x" }, "x", []).Verdict);
        BlobFolder.Parse("sha256:", bytes);
        BlobFolder.Parse("sha256:", [.. "{\"manifests\":["u8, .. bytes]);
    }

    /// <summary>An OCI layout with one image, and what signs it: keys and certificates by openssl.</summary>
    private sealed class SomeLayout : IDisposable
    {
        private const string PayloadType = "application/vnd.dev.cosign.simplesigning.v1+json";

        public SomeLayout()
        {
            Directory.CreateDirectory(Path.Combine(Folder, "blobs", "sha256"));
            ImageId = Blob("""{"architecture":"amd64","rootfs":{"diff_ids":[]}}""");
            ManifestDigest = Blob($$"""{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{ImageId}}","size":1},"layers":[]}""");
        }

        public string Home { get; } = Directory.CreateTempSubdirectory("cir-signatures-").FullName;

        public string Folder => Path.Combine(Home, "layout");

        public string ImageId { get; }

        public string ManifestDigest { get; }

        public string LastSignature { get; private set; } = "";

        public static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

        public string PathOf(string digest) => Path.Combine(Folder, "blobs", "sha256", digest[7..]);

        public string Blob(string content) => Blob(Encoding.UTF8.GetBytes(content));

        public string Blob(byte[] content)
        {
            File.WriteAllBytes(PathOf(DigestOf(content)), content);
            return DigestOf(content);
        }

        public string Key(string name, string algorithm = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256")
        {
            string path = Path.Combine(Home, name);
            OpenSsl($"genpkey {algorithm} -out {path}");
            OpenSsl($"pkey -in {path} -pubout -out {path}.pub");
            return path;
        }

        /// <summary>An authority and a certificate below it.</summary>
        public (string Authority, string Leaf, string LeafKey) Authority(string name, string algorithm)
        {
            string root = Key(name, "-algorithm " + algorithm), leaf = Key(name + "-leaf", "-algorithm " + algorithm);
            DateTimeOffset from = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), to = new(2035, 1, 1, 0, 0, 0, TimeSpan.Zero);
            CertificateRequest request = Request(root, $"CN={name}");
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using X509Certificate2 authority = request.CreateSelfSigned(from, to);
            using X509Certificate2 signer = Request(leaf, $"CN={name} signer").Create(authority, from, to, [1, 2, 3]);
            File.WriteAllText(root + ".pem", authority.ExportCertificatePem());
            File.WriteAllText(leaf + ".pem", signer.ExportCertificatePem());
            return (root + ".pem", leaf + ".pem", leaf);
        }

        /// <summary>Signs a digest as cosign does; returns the payload.</summary>
        public string Cosign(string digest, string key, string sign = "dgst -sha256 -sign {0} -out {1} {2}", Dictionary<string, string>? notes = null)
        {
            string payload = $$$"""{"critical":{"identity":{"docker-reference":"registry.example/web"},"image":{"docker-manifest-digest":"{{{digest}}}"},"type":"cosign container image signature"},"optional":null}""";
            string file = Path.Combine(Home, "payload");
            File.WriteAllText(file, payload);
            OpenSsl(string.Format(System.Globalization.CultureInfo.InvariantCulture, sign, key, file + ".sig", file));
            LastSignature = Convert.ToBase64String(File.ReadAllBytes(file + ".sig"));
            Dictionary<string, string> all = new(notes ?? []) { ["dev.cosignproject.cosign/signature"] = LastSignature };
            string annotations = string.Join(',', all.Select(note => $"\"{note.Key}\":\"{note.Value.ReplaceLineEndings("\\n")}\""));
            Blob($$$"""{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{{{new string('0', 64)}}}"},"layers":[{"mediaType":"{{{PayloadType}}}","digest":"{{{Blob(payload)}}}","annotations":{{{{annotations}}}}}]}""");
            return payload;
        }

        public void Attach(string subject, string artifactType, string mediaType, byte[] content) =>
            Blob($$$"""{"schemaVersion":2,"artifactType":"{{{artifactType}}}","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:{{{new string('0', 64)}}}"},"layers":[{"mediaType":"{{{mediaType}}}","digest":"{{{Blob(content)}}}"}],"subject":{"digest":"{{{subject}}}"}}""");

        public byte[] Jws(string digest, string leaf, string leafKey, string critical)
        {
            string header = Url(Encoding.ASCII.GetBytes("""{"alg":"PS256","cty":"application/vnd.cncf.notary.payload.v1+json","crit":["CRITICAL"],"io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"2026-01-02T03:04:05Z"}""".Replace("CRITICAL", critical, StringComparison.Ordinal)));
            string payload = Url(Target(digest)), file = Path.Combine(Home, "signed");
            File.WriteAllText(file, $"{header}.{payload}");
            OpenSsl($"dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign {leafKey} -out {file}.sig {file}");
            return Encoding.ASCII.GetBytes($$"""{"payload":"{{payload}}","protected":"{{header}}","header":{"x5c":["{{Convert.ToBase64String(Der(leaf))}}"]},"signature":"{{Url(File.ReadAllBytes(file + ".sig"))}}"}""");
        }

        public static byte[] Cose(string digest, string leaf, string leafKey, string critical)
        {
            byte[] header = [0xA5, 0x01, 0x26, 0x02, 0x81, .. Text(critical), 0x03, .. Text(NotationSignatures.PayloadType), .. Text("io.cncf.notary.signingScheme"), .. Text("notary.x509"), .. Text("io.cncf.notary.signingTime"), 0xC1, 0x1A, .. BigEndian(1767323045)];
            byte[] payload = Target(digest);
            using var key = ECDsa.Create();
            key.ImportFromPem(File.ReadAllText(leafKey));
            byte[] signature = key.SignData([0x84, .. Text("Signature1"), .. Bytes(header), 0x40, .. Bytes(payload)], HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            return [0xD2, 0x84, .. Bytes(header), 0xA2, 0x18, 0x21, 0x81, .. Bytes(Der(leaf)), .. Text("io.cncf.notary.signingAgent"), .. Text("test"), .. Bytes(payload), .. Bytes(signature)];
        }

        /// <summary>A store as Podman has it, with these blobs as signatures: the first of sigstore's form.</summary>
        public string PodmanStore(byte[][] signatures)
        {
            string root = Path.Combine(Home, "storage"), image = $"{root}/overlay-images/{ImageId[7..]}";
            Directory.CreateDirectory(image);
            File.Copy(PathOf(ManifestDigest), image + "/manifest");
            signatures[0] = [.. "\0sigstore-json\n"u8, .. signatures[0]];
            File.WriteAllBytes($"{image}/={Convert.ToBase64String(Encoding.ASCII.GetBytes("signature-" + ManifestDigest[7..]))}", [.. signatures.SelectMany(one => one)]);
            string metadata = JsonEncodedText.Encode($$$"""{"signatures-sizes":{"{{{ManifestDigest}}}":[{{{string.Join(',', signatures.Select(one => one.Length))}}}]}}""").ToString();
            File.WriteAllText($"{root}/overlay-images/images.json", $$"""[{"id":"{{ImageId[7..]}}","metadata":"{{metadata}}"}]""");
            return root;
        }

        public async Task<JsonElement> Collect(string[] keys, string[] folders, FolderSink? into = null, string[]? repositoryDigests = null, string? engineRoot = null)
        {
            using FolderSink? own = into is null ? new() : null;
            FolderSink sink = into ?? own!;
            SignatureSearch search = new([.. keys.SelectMany(SignatureKey.Load)], folders);
            await SignatureFacts.CollectAsync(SomeContainer.With(new string('c', 64)) with { ImageId = ImageId }, repositoryDigests ?? [], [], Home, engineRoot, null, search, sink, CancellationToken.None);
            return JsonDocument.Parse(sink.Read("signatures.json")).RootElement;
        }

        public void Dispose() => Directory.Delete(Home, recursive: true);

        private static CertificateRequest Request(string keyFile, string name)
        {
            string pem = File.ReadAllText(keyFile);
            AsymmetricAlgorithm key = pem.Length > 1000 ? RSA.Create() : ECDsa.Create();
            key.ImportFromPem(pem);
            return key is RSA rsa ? new(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : new(name, (ECDsa)key, HashAlgorithmName.SHA256);
        }

        private static byte[] Target(string digest) => Encoding.ASCII.GetBytes($$$"""{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{{digest}}}","size":1}}""");

        private static byte[] Der(string pem) => X509Certificate2.CreateFromPem(File.ReadAllText(pem)).RawData;

        private static string Url(byte[] content) => Convert.ToBase64String(content).TrimEnd('=').Replace('+', '-').Replace('/', '_');

        private static byte[] Text(string text) => [.. Head(0x60, text.Length), .. Encoding.UTF8.GetBytes(text)];

        private static byte[] Bytes(byte[] content) => [.. Head(0x40, content.Length), .. content];

        private static byte[] Head(int major, int length) => length < 24 ? [(byte)(major | length)] : length < 256 ? [(byte)(major | 24), (byte)length] : [(byte)(major | 25), (byte)(length >> 8), (byte)length];

        private static byte[] BigEndian(int number) => [(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number];

        private static void OpenSsl(string arguments, string[]? more = null) => RealEngine.Run("openssl", [.. arguments.Split(' '), .. more ?? []]);
    }
}
