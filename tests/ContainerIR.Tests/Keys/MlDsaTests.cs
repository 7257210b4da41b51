using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Keys;

/// <summary>Debian 12 has OpenSSL 3.0, which knows no ML-DSA: here BouncyCastle verifies, and openssl only reads the outer form.</summary>
public sealed class A_post_quantum_signature : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Is_good_over_its_content_alone()
    {
        MlDsaSigner signer = MlDsaSigner.Create(folder.Path, new("Jane", "Some CERT"), "pw", DateTimeOffset.UtcNow);
        byte[] file = signer.Sign("root"u8);

        Assert.Equal(signer.Certificate, MlDsaSignature.Verify(file, "root"u8).Single());
        Assert.Throws<FormatException>(() => MlDsaSignature.Verify(file, "rooT"u8));
        for (int at = 0; at < file.Length; at += 97)
        {
            byte[] changed = [.. file];
            changed[at] ^= 1;
            Exception? failure = Record.Exception(() => MlDsaSignature.Verify(changed, "root"u8));
            Assert.True(failure is null or FormatException, failure?.ToString());
        }

        byte[] last = [.. file];
        last[^1] ^= 1;
        Assert.Throws<FormatException>(() => MlDsaSignature.Verify(last, "root"u8));
    }

    [Fact]
    public void Has_the_algorithms_RFC_9882_names()
    {
        File.WriteAllBytes(Path.Combine(folder.Path, "s"), MlDsaSigner.Create(folder.Path, new("Jane"), "pw", DateTimeOffset.UtcNow).Sign("root"u8));
        string text = RealEngine.Run("openssl", "asn1parse", "-inform", "DER", "-in", Path.Combine(folder.Path, "s"));
        Assert.Contains("2.16.840.1.101.3.4.3.18", text, StringComparison.Ordinal);
        Assert.Contains(":sha512", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_is_read_back_with_its_passphrase_alone()
    {
        MlDsaSigner made = MlDsaSigner.Create(folder.Path, new("Jane"), "pw", DateTimeOffset.UtcNow);
        MlDsaSignature.Verify(MlDsaSigner.Load(folder.Path, "pw").Sign("x"u8), "x"u8);
        Assert.Equal(made.Certificate, MlDsaSigner.Load(folder.Path, "pw").Certificate);
        Assert.Throws<OperatorException>(() => MlDsaSigner.Load(folder.Path, "wrong"));
        Assert.Throws<OperatorException>(() => MlDsaSigner.Create(folder.Path, new("Jane"), "pw", DateTimeOffset.UtcNow));
    }

    [Fact]
    public async Task Is_part_of_a_seal_whose_policy_says_so_and_missed_when_taken_away()
    {
        MlDsaSigner signer = MlDsaSigner.Create(folder.Path, new("Jane"), "pw", DateTimeOffset.UtcNow);
        await using BundleWriter bundle = SomeBundle.Open(folder);
        SealPolicy policy = new(PostQuantum: true);
        await Assert.ThrowsAsync<OperatorException>(() => bundle.SealAsync(policy));
        SealedBundle made = await bundle.SealAsync(SomeBundle.Custody, SomeBundle.Identity with { PostQuantum = signer }, policy, CancellationToken.None);
        string file = Path.Combine(made.Path, MlDsaSignature.BundlePath);

        Assert.Empty((await BundleVerifier.VerifyAsync(made.Path, new VerifyOptions(), CancellationToken.None)).Failures.Select(failure => failure.ToString()));
        byte[] good = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, [.. good[..^1], (byte)~good[^1]]);
        Assert.Equal(Verdict.Tampered, await VerdictAsync());
        File.Delete(file);
        Assert.Equal(Verdict.Tampered, await VerdictAsync());

        async Task<Verdict> VerdictAsync() => (await BundleVerifier.VerifyAsync(made.Path, new VerifyOptions(), CancellationToken.None)).Verdict;
    }
}
