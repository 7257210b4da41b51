using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace ContainerIR.Tests.Verification;

public sealed class A_sealed_bundle : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Verifies()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        VerificationReport report = await Verify(bundle.Path);

        Assert.Empty(report.Failures);
        Assert.Equal(Verdict.Verified, report.Verdict);
        Assert.Equal(bundle.RootSha256, report.RootSha256);
        Assert.Equal(bundle.PayloadBytes, report.PayloadBytes);
        Assert.All(report.Checks, check => Assert.True(check.Ok, check.Name));
    }

    [Fact]
    public async Task Verifies_without_an_authority_and_says_that_nobody_vouches_for_the_signer()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        VerificationReport report = await Verify(bundle.Path);

        VerificationSigner signer = Assert.Single(report.Signers);
        Assert.False(signer.IsAnchored);
        Assert.StartsWith("not anchored: no authority was given", signer.Trust, StringComparison.Ordinal);
        Assert.Contains(SomeBundle.Identity.CertificateSha256, signer.Trust, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_anchored_in_the_responders_own_certificate_when_that_is_the_authority()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        VerificationReport report = await Verify(bundle.Path, Ca(SomeBundle.Identity));

        Assert.Equal(Verdict.Verified, report.Verdict);
        Assert.True(Assert.Single(report.Signers).IsAnchored);
    }

    [Fact]
    public async Task Is_untrusted_when_the_authority_did_not_issue_the_signers_certificate()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        ResponderIdentity other = IdentityFolder.Create(Path.Combine(folder.Path, "other"), new("Somebody Else"), "x", DateTimeOffset.UtcNow);

        VerificationReport report = await Verify(bundle.Path, Ca(other));

        Assert.Equal(Verdict.Untrusted, report.Verdict);
        Assert.Equal("seal/0001-responder.p7s", Assert.Single(report.Failures).File);
    }

    [Fact]
    public async Task Is_tampered_with_when_somebody_else_signs_the_root_with_the_same_name_and_the_journal_names_the_first_key()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        ResponderIdentity forger = IdentityFolder.Create(Path.Combine(folder.Path, "forger"), new("Jane Examiner"), "x", DateTimeOffset.UtcNow);
        byte[] root = await File.ReadAllBytesAsync(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"));
        await File.WriteAllBytesAsync(Path.Combine(bundle.Path, "seal/0001-responder.p7s"), CadesSignature.Create(root, forger.Signer, DateTimeOffset.UtcNow));
        await File.WriteAllBytesAsync(Path.Combine(bundle.Path, "seal/certs.pem"), CertificateFile.Write(forger.Signer.Certificates));

        VerificationReport report = await Verify(bundle.Path);

        Assert.Equal(Verdict.Tampered, report.Verdict);
        Assert.Contains(report.Failures, failure => failure.Reason.Contains("another certificate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fails_when_one_bit_of_any_file_changes()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        string[] files = [.. Directory.EnumerateFiles(bundle.Path, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0)];

        // Uniform over files, then over the bits of the file: small files are covered as well as large ones.
        Property everyFlip = Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).Two().ToArbitrary(), flip =>
        {
            string file = files[flip.Item1 % files.Length];
            byte[] good = File.ReadAllBytes(file);
            int bit = (int)((long)flip.Item2 * good.Length * 8 / int.MaxValue);
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(file, bad);
            Verdict verdict = Verify(bundle.Path).GetAwaiter().GetResult().Verdict;
            File.WriteAllBytes(file, good);
            return (verdict == Verdict.Tampered).Label($"bit {bit} of {Path.GetRelativePath(bundle.Path, file)}: {verdict}");
        });

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400).WithQuietOnSuccess(true), everyFlip);
        Assert.Equal(Verdict.Verified, (await Verify(bundle.Path)).Verdict);
    }

    [Theory]
    [InlineData("touch data/0001-host/extra", "data/0001-host/extra", "no manifest lists it")]
    [InlineData("touch extra.txt", "extra.txt", "not part of a bundle")]
    [InlineData("touch seal/extra.bin", "seal/extra.bin", "no such file")]
    [InlineData("mkdir data/0009-empty", "data/0009-empty", "no listed file")]
    [InlineData("rm data/0001-host/uname.txt", "data/0001-host/uname.txt", "missing")]
    [InlineData("ln -sf /etc/passwd data/0001-host/uname.txt", "data/0001-host/uname.txt", "link or a special file")]
    [InlineData("mv data real && ln -s real data", "data", "link or a special file")]
    [InlineData("mkfifo data/0001-host/pipe", "data/0001-host/pipe", "link or a special file")]
    [InlineData("mknod data/0001-host/zero c 1 5", "data/0001-host/zero", "link or a special file")]
    [InlineData("touch \"$(printf 'data/0001-host/a\\033[2J\\377')\"", "data/0001-host/a\\x1b[2J\\xff", "no such name")]
    [InlineData("mv data/0001-host/uname.txt data/0001-host/uname.txt.partial", "data/0001-host/uname.txt.partial", "half-written")]
    [InlineData("tail -n 1 manifest-sha256.txt >> manifest-sha256.txt", "data/0002-rootfs-diff/upper.tar.zst.chunks.jsonl", "names it twice")]
    [InlineData("rm seal/0001-responder.p7s", "seal/0001-responder.p7s", "missing")]
    [InlineData("rm -r seal", "seal/0001-responder.p7s", "missing")]
    [InlineData("rm seal/certs.pem", "seal/certs.pem", "missing")]
    [InlineData("sed -i 2d journal.jsonl", "journal.jsonl", "does not follow")]
    [InlineData("truncate -s -1 journal.jsonl", "journal.jsonl", "cut short")]
    [InlineData("truncate -s 64M journal.jsonl", "journal.jsonl", "longer than")]
    [InlineData("truncate -s 80M custody.json", "custody.json", "more than")]
    [InlineData("truncate -s 32M manifest-sha256.txt", "manifest-sha256.txt", "longer than")]
    [InlineData("truncate -s 32M seal/0001-responder.p7s", "seal/0001-responder.p7s", "more than")]
    [InlineData("sed -i 's/tsa=optional/tsa=none/' bag-info.txt", "bag-info.txt", "not the one in the root")]
    public async Task Fails_and_names_the_file_when(string damage, string file, string reason)
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && {damage}");

        VerificationReport report = await Verify(bundle.Path);

        Assert.Equal(Verdict.Tampered, report.Verdict);
        Assert.True(
            report.Failures.Any(failure => failure.File == file && failure.Reason.Contains(reason, StringComparison.Ordinal)),
            string.Join('\n', report.Failures));
    }

    [Fact]
    public async Task Reports_every_failure_not_the_first()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && rm data/0001-host/uname.txt && touch data/x && echo >> custody.json && rm seal/certs.pem");

        string[] files = [.. (await Verify(bundle.Path)).Failures.Select(failure => failure.File).Distinct()];

        Assert.Superset(new HashSet<string>(["data/0001-host/uname.txt", "data/x", "custody.json", "seal/certs.pem"]), new HashSet<string>(files));
    }

    [Fact]
    public async Task Is_unsealed_not_tampered_with_when_it_has_no_root()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        File.Delete(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"));

        Assert.Equal(Verdict.Unsealed, (await Verify(bundle.Path)).Verdict);
    }

    [Fact]
    public async Task Fails_when_its_own_policy_demands_a_time_stamp_it_has_not()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder, new SealPolicy(TimestampPolicy.Required));

        VerificationReport report = await Verify(bundle.Path);

        Assert.Equal(Verdict.Tampered, report.Verdict);
        Assert.Equal("seal/0001-responder.p7s.tsr", Assert.Single(report.Failures).File);
    }

    [Fact]
    public async Task Is_reported_as_json()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse((await Verify(bundle.Path)).ToJson());

        Assert.Equal("verified", json.RootElement.GetProperty("verdict").GetString());
        Assert.Equal(bundle.RootSha256, json.RootElement.GetProperty("root_sha256").GetString());
    }

    [Fact]
    public async Task Is_not_found_where_there_is_none()
    {
        OperatorException empty = await Assert.ThrowsAsync<OperatorException>(() => Verify(folder.Path));
        OperatorException missing = await Assert.ThrowsAsync<OperatorException>(() => Verify(Path.Combine(folder.Path, "none")));

        Assert.Contains("bagit.txt", empty.Remedy, StringComparison.Ordinal);
        Assert.Contains("No such file or directory", missing.Message, StringComparison.Ordinal);
    }

    private static Task<VerificationReport> Verify(string path, string? ca = null) =>
        BundleVerifier.VerifyAsync(path, new VerifyOptions(ca), CancellationToken.None);

    private string Ca(ResponderIdentity identity)
    {
        string path = Path.Combine(folder.Path, "ca.pem");
        File.WriteAllBytes(path, CertificateFile.Write(identity.Signer.Certificates));
        return path;
    }
}
