using System.Security.Cryptography;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Seals;

public sealed class A_signature
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Verifies_over_the_content_it_was_made_for()
    {
        byte[] file = CadesSignature.Create("content"u8, SomeBundle.Identity.Signer, At);

        CadesSignature signature = CadesSignature.Verify(file, "content"u8);

        Assert.Equal(At, signature.SignedAt);
        Assert.Equal(SomeBundle.Identity.Signer.Certificates[0], signature.Certificates[0]);
    }

    [Fact]
    public void Fails_over_other_content() =>
        Assert.Throws<FormatException>(() => CadesSignature.Verify(CadesSignature.Create("content"u8, SomeBundle.Identity.Signer, At), "Content"u8));

    [Fact]
    public void Fails_when_a_bit_of_any_byte_changes()
    {
        byte[] good = CadesSignature.Create("content"u8, SomeBundle.Identity.Signer, At);
        for (int bit = 0; bit < good.Length * 8; bit += 3)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<FormatException>(() => CadesSignature.Verify(bad, "content"u8));
        }
    }

    [Fact]
    public void Fails_when_it_is_cut_anywhere_or_followed_by_a_byte()
    {
        byte[] good = CadesSignature.Create("content"u8, SomeBundle.Identity.Signer, At);
        for (int length = 0; length < good.Length; length++)
        {
            Assert.Throws<FormatException>(() => CadesSignature.Verify(good.AsMemory(0, length), "content"u8));
        }

        Assert.Throws<FormatException>(() => CadesSignature.Verify((byte[])[.. good, 0], "content"u8));
    }

    [Fact]
    public void Fails_when_the_key_is_on_another_curve()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        System.Security.Cryptography.X509Certificates.CertificateRequest request = new("CN=x", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(At.AddDays(-1), At.AddDays(1));
        byte[] file = CadesSignature.Create("content"u8, new FileSigner(key, [certificate.RawData]), At);

        Assert.Contains("P-256", Assert.Throws<FormatException>(() => CadesSignature.Verify(file, "content"u8)).Message, StringComparison.Ordinal);
    }
}
