using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Keys;

public sealed class A_signer_from_elsewhere : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task In_a_PKCS12_file_seals_with_the_chain_of_its_organisation()
    {
        MakeAuthority();
        Shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.csr -subj '/CN=Jane P12' 2>/dev/null");
        Issue("r.csr", "c.pem");
        Shell("cat sub.pem root.pem > chain.pem; openssl pkcs12 -export -inkey k.pem -in c.pem -certfile chain.pem -passout pass:pw -out id.p12");

        ISealSigner signer = Pkcs12Signer.Load(At("id.p12"), "pw");

        Assert.Equal(3, signer.Certificates.Count);
        await SealsAsync(signer, "Jane P12");
        OperatorException failure = Assert.Throws<OperatorException>(() => Pkcs12Signer.Load(At("id.p12"), "secret-typo"));
        Assert.DoesNotContain("secret-typo", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rsa:2048", "")]
    [InlineData("ec -pkeyopt ec_paramgen_curve:P-384", "")]
    [InlineData("ec -pkeyopt ec_paramgen_curve:P-256", "-nokeys")]
    public void In_a_PKCS12_file_is_refused_when_it_cannot_seal(string key, string export)
    {
        Shell($"openssl req -x509 -newkey {key} -nodes -keyout k.pem -out c.pem -subj /CN=x 2>/dev/null; openssl pkcs12 -export {export} -inkey k.pem -in c.pem -passout pass: -out id.p12");
        Assert.Throws<OperatorException>(() => Pkcs12Signer.Load(At("id.p12"), ""));
    }

    [Fact]
    public async Task In_a_PKCS11_token_seals_after_a_request_made_by_the_token()
    {
        MakeAuthority();
        SomeToken token = new(folder);
        Pkcs11Signer key = Pkcs11Signer.OpenKey(token.Options, SomeToken.Pin);
        await File.WriteAllTextAsync(At("t.csr"), SigningRequest.Create(new ResponderSubject("Jane Token", "Some CERT", "jane@cert.example"), key.SubjectPublicKeyInfo.Span, content => key.Sign(content)));
        Issue("t.csr", "t.pem");
        Shell("openssl x509 -in t.pem -outform DER -out t.der");
        token.Tool("--write-object", At("t.der"), "--type", "cert", "--id", "01");

        Pkcs11Signer signer = Pkcs11Signer.Open(token.Options, SomeToken.Pin, CertificateFile.Read(await File.ReadAllTextAsync(At("sub.pem"))));

        Assert.Equal(2, signer.Certificates.Count);
        await SealsAsync(signer, "Jane Token");
    }

    [Fact]
    public void In_a_PKCS11_token_never_shows_its_PIN_in_arguments_or_messages()
    {
        SomeToken token = new(folder);
        File.Delete(token.Arguments);
        Pkcs11Signer.OpenKey(token.Options, SomeToken.Pin).Sign("x"u8);
        Assert.DoesNotContain(SomeToken.Pin, File.ReadAllText(token.Arguments), StringComparison.Ordinal);

        OperatorException wrong = Assert.Throws<OperatorException>(() => Pkcs11Signer.OpenKey(token.Options, "999111").Sign("x"u8));
        Assert.Contains("CKR_PIN_INCORRECT", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("999111", wrong + wrong.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_PKCS11_token_is_refused_with_words_when_tool_module_or_key_is_not_there()
    {
        SomeToken token = new(folder);
        Assert.Throws<OperatorException>(() => Pkcs11Signer.OpenKey(token.Options with { ToolPath = At("none") }, SomeToken.Pin));
        Assert.Throws<OperatorException>(() => Pkcs11Signer.OpenKey(token.Options with { ModulePath = "/none.so" }, SomeToken.Pin));
        Assert.Throws<OperatorException>(() => Pkcs11Signer.OpenKey(token.Options with { KeyId = "02" }, SomeToken.Pin));
        Assert.Throws<OperatorException>(() => Pkcs11Signer.OpenKey(token.Options with { KeyId = "--help" }, SomeToken.Pin));
        Assert.Throws<OperatorException>(() => Pkcs11Signer.Open(token.Options, SomeToken.Pin, []));
    }

    [Fact]
    public void In_a_PKCS11_token_is_not_waited_for_for_ever()
    {
        SomeToken token = new(folder);
        File.WriteAllText(At("stuck"), "#!/bin/sh\nexec tail -f /dev/null\n");
        File.SetUnixFileMode(At("stuck"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        OperatorException failure = Assert.Throws<OperatorException>(
            () => Pkcs11Signer.OpenKey(token.Options with { ToolPath = At("stuck"), Timeout = TimeSpan.FromMilliseconds(300) }, SomeToken.Pin));
        Assert.Contains("did not answer", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_the_identity_folder_asks_for_a_certificate_that_seals()
    {
        MakeAuthority();
        ResponderIdentity identity = IdentityFolder.Create(At("id"), new("Jane"), "pw", DateTimeOffset.UtcNow);
        File.WriteAllText(At("r.csr"), SigningRequest.Create(new ResponderSubject("Jane Org", "Some CERT", "jane@cert.example"), identity.Signer));
        string text = RealEngine.Run("openssl", "req", "-in", At("r.csr"), "-noout", "-verify", "-text");
        Assert.Contains("Non Repudiation", text, StringComparison.Ordinal);
        Assert.Contains("E-mail Protection", text, StringComparison.Ordinal);
        Assert.Contains("email:jane@cert.example", text, StringComparison.Ordinal);
        Issue("r.csr", "c.pem");
        Shell("cat root.pem sub.pem c.pem > all.pem");
        using X509Certificate2 own = X509CertificateLoader.LoadCertificate(identity.Signer.Certificates[0]);

        IReadOnlyList<byte[]> chain = CertificateChain.Read(At("all.pem"), own.PublicKey.ExportSubjectPublicKeyInfo(), DateTimeOffset.UtcNow);

        Assert.Equal(["CN=Jane Org, O=Some CERT", "CN=Sub CA", "CN=Root CA"], chain.Select(der => X509CertificateLoader.LoadCertificate(der).Subject));
        CertificateChain.Install(At("id"), At("all.pem"), DateTimeOffset.UtcNow);
        Assert.Equal("Jane Org", IdentityFolder.Load(At("id"), "pw").Name);
        Assert.Equal(3, IdentityFolder.Load(At("id"), "pw").Signer.Certificates.Count);
        Assert.Throws<OperatorException>(() => CertificateChain.Read(At("sub.pem"), own.PublicKey.ExportSubjectPublicKeyInfo(), DateTimeOffset.UtcNow));
        Assert.Throws<OperatorException>(() => CertificateChain.Read(At("all.pem"), own.PublicKey.ExportSubjectPublicKeyInfo(), DateTimeOffset.UtcNow.AddYears(20)));
    }

    private async Task SealsAsync(ISealSigner signer, string name)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        SealedBundle made = await bundle.SealAsync(SomeBundle.Custody, SignerIdentity.Of(signer), new SealPolicy(), CancellationToken.None);
        VerificationReport report = await BundleVerifier.VerifyAsync(made.Path, new VerifyOptions(At("root.pem")), CancellationToken.None);
        Assert.Equal(Verdict.Verified, report.Verdict);
        Assert.Contains(name, Assert.Single(report.Signers).Subject, StringComparison.Ordinal);
        RealEngine.Run("sh", "-c", $"cd '{made.Path}' && openssl cms -verify -cades -binary -inform DER -in seal/0001-responder.p7s -content tagmanifest-sha256.txt -CAfile '{At("root.pem")}' -out /dev/null");
    }

    private void MakeAuthority() => Shell("""
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 3650 -subj '/CN=Root CA' 2>/dev/null
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout sub.key -out sub.csr -subj '/CN=Sub CA' 2>/dev/null
        printf 'basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n' > ca.ext
        openssl x509 -req -in sub.csr -CA root.pem -CAkey root.key -set_serial 2 -days 3000 -extfile ca.ext -out sub.pem 2>/dev/null
        """);

    private void Issue(string request, string certificate) => Shell($"""
        printf 'keyUsage = critical, digitalSignature, nonRepudiation\nextendedKeyUsage = emailProtection\n' > leaf.ext
        openssl x509 -req -in {request} -CA sub.pem -CAkey sub.key -set_serial 3 -days 1000 -extfile leaf.ext -out {certificate} 2>/dev/null
        """);

    private void Shell(string script) => RealEngine.Run("sh", "-c", $"set -e; cd '{folder.Path}'\n{script}");

    private string At(string name) => Path.Combine(folder.Path, name);
}
