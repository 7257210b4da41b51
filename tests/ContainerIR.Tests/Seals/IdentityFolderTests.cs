using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Seals;

public sealed class A_responder_identity : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Keys => Path.Combine(folder.Path, "keys");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Opens_with_its_passphrase_and_is_the_same()
    {
        ResponderIdentity made = Create();

        ResponderIdentity loaded = IdentityFolder.Load(Keys, "geheim é");

        Assert.Equal(made.CertificateSha256, loaded.CertificateSha256);
        Assert.Equal(made.Checkpoints.PublicKey, loaded.Checkpoints.PublicKey);
        Assert.Equal("Jane Examiner", loaded.Name);
        CadesSignature.Verify(CadesSignature.Create("x"u8, loaded.Signer, DateTimeOffset.UtcNow), "x"u8);
    }

    [Fact]
    public void Does_not_open_with_another_passphrase_and_says_what_to_do()
    {
        Create();

        OperatorException failure = Assert.Throws<OperatorException>(() => IdentityFolder.Load(Keys, "geheim e"));

        Assert.Contains("passphrase", failure.Message, StringComparison.Ordinal);
        Assert.NotEmpty(failure.Remedy);
    }

    [Fact]
    public void Is_never_overwritten()
    {
        Create();
        Assert.Throws<OperatorException>(() => Create());
    }

    [Fact]
    public void Needs_a_passphrase() =>
        Assert.Throws<OperatorException>(() => IdentityFolder.Create(Keys, new("x"), "", DateTimeOffset.UtcNow));

    [Fact]
    public void Is_nowhere_by_default_and_says_how_to_make_one() =>
        Assert.Contains("cir keys new", Assert.Throws<OperatorException>(() => IdentityFolder.Load(Keys, "x")).Remedy, StringComparison.Ordinal);

    [Fact]
    public void Lies_in_files_only_its_owner_may_read()
    {
        Create();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Keys));
        Assert.All(Directory.EnumerateFiles(Keys), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData("responder-key.pem", "ECDSA", "P-256")]
    [InlineData("checkpoint-key.pem", "ED25519", "ED25519")]
    public void Has_keys_openssl_reads(string file, string kind, string shown)
    {
        Create();
        string text = RealEngine.Run("openssl", "pkey", "-in", Path.Combine(Keys, file), "-passin", "pass:geheim é", "-noout", "-text");
        Assert.True(text.Contains(shown, StringComparison.Ordinal), kind + text);
    }

    [Fact]
    public void Encrypts_its_keys_with_600000_rounds_of_hmac_sha256_and_aes_256()
    {
        Create();
        foreach (string file in (string[])["responder-key.pem", "checkpoint-key.pem"])
        {
            string structure = RealEngine.Run("openssl", "asn1parse", "-in", Path.Combine(Keys, file));
            Assert.Contains("PBES2", structure, StringComparison.Ordinal);
            Assert.Contains("INTEGER           :0927C0", structure, StringComparison.Ordinal);
            Assert.Contains("hmacWithSHA256", structure, StringComparison.Ordinal);
            Assert.Contains("aes-256-cbc", structure, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Has_a_certificate_for_signed_documents()
    {
        Create();
        string text = RealEngine.Run("openssl", "x509", "-in", Path.Combine(Keys, "responder-cert.pem"), "-noout", "-text");
        Assert.Contains("Digital Signature, Non Repudiation", text, StringComparison.Ordinal);
        Assert.Contains("E-mail Protection", text, StringComparison.Ordinal);
        Assert.Contains("jane@cert.example", text, StringComparison.Ordinal);
    }

    private ResponderIdentity Create() =>
        IdentityFolder.Create(Keys, new("Jane Examiner", "Some CERT", "jane@cert.example"), "geheim é", DateTimeOffset.UtcNow);
}
