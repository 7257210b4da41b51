using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Keys;
using ContainerIR.Tests.Some;
using ContainerIR.Tests.Time;
using ContainerIR.Tests.Transfers;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary>Keys, time and policy by the command line.</summary>
public sealed class The_seal_by_the_command_line : IDisposable
{
    private readonly SomeCustody custody = new();

    public The_seal_by_the_command_line()
    {
        // An acquirer that seals a small bundle with what the command line gave it.
        custody.Terminal.Acquire = async (request, parts, _, ct) =>
        {
            await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(request.OutDirectory!));
            bundle.RecordPolicy(parts.Seal.Policy);
            if (parts.Seal.Authorities is { } authorities)
            {
                await JournalTimestamp.RecordAsync(bundle, authorities, ct);
            }

            await bundle.OpenSection("host", 0).AddAsync("uname.txt", "Linux"u8.ToArray(), new ItemOptions("uname(2)"), ct);
            SealedBundle made = await bundle.SealAsync(SomeBundle.Custody, Responder.Open(parts, request.Examiner), parts.Seal.Policy, parts.Seal.Authorities, ct);
            return new AcquisitionResult { BundlePath = made.Path, RootSha256 = made.RootSha256, CaseId = request.CaseId, Items = made.Items, Gaps = made.Gaps, Duration = TimeSpan.Zero, TimestampFault = made.TimestampFault };
        };
    }

    private string Bundle => Directory.EnumerateDirectories(At("out"), "EV-*").Single();

    public void Dispose() => custody.Dispose();

    [Fact]
    public async Task Has_tokens_in_journal_and_seal_that_both_verifiers_and_openssl_take()
    {
        using TemporaryFolder folder = new();
        TimestampKeys keys = new(folder), others = new(folder, "others");
        await using LoopbackAuthority dead = LoopbackAuthority.Answering([1]);
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);

        await AcquireAsync(0, "--tsa", dead.Url, "--tsa", authority.Url, "--policy", "tsa=required");

        await custody.VerifyAsync(Bundle, "VERIFIED");
        Assert.Contains("journal.jsonl line", custody.Terminal.Out, StringComparison.Ordinal);
        await custody.VerifyAsync(Bundle, "VERIFIED", "--tsa-ca", keys.CaPath);
        await custody.VerifyAsync(Bundle, "UNTRUSTED", "--tsa-ca", others.CaPath);
        RealEngine.Run("sh", "-c", $"cd '{Bundle}' && openssl ts -verify -data seal/0001-responder.p7s -in seal/0001-responder.p7s.tsr -CAfile '{keys.CaPath}'");
        Assert.Contains("tsa=required", await File.ReadAllTextAsync(Path.Combine(Bundle, "bag-info.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_refused_under_required_and_recovered_as_strictly_as_it_was_begun()
    {
        using TemporaryFolder folder = new();
        await using LoopbackAuthority dead = LoopbackAuthority.Answering([1]);
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(new TimestampKeys(folder));
        await custody.AsAsync("Rita Responder", 2, "acquire", "web", "--case", "IR-7", "--policy", "tsa=required");
        custody.Terminal.Acquire = async (request, parts, _, ct) =>
        {
            await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(request.OutDirectory!));
            bundle.RecordPolicy(parts.Seal.Policy);
            await bundle.SealAsync(SomeBundle.Custody, Responder.Open(parts, request.Examiner), parts.Seal.Policy, parts.Seal.Authorities, ct);
            throw new InvalidOperationException("it sealed");
        };
        await AcquireAsync(2, "--tsa", dead.Url, "--policy", "tsa=required");
        await custody.VerifyAsync(Bundle, "UNSEALED");

        await custody.AsAsync("Rita Responder", 2, "bundle", "recover", Bundle);
        await custody.AsAsync("Rita Responder", 0, "bundle", "recover", Bundle, "--tsa", authority.Url);

        await custody.VerifyAsync(Bundle, "VERIFIED");
        Assert.Contains("tsa=required", await File.ReadAllTextAsync(Path.Combine(Bundle, "bag-info.txt")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--policy", "tsa=none", "--tsa", "http://127.0.0.1:1/")]
    [InlineData("--tsa", "http://user:secret@127.0.0.1:1/")]
    [InlineData("--tsa", "ftp://127.0.0.1/")]
    [InlineData("--p12", "/x", "--pkcs11", "/y")]
    [InlineData("--key", "01")]
    [InlineData("--pq")]
    public async Task Is_refused_before_evidence_is_read_when_it_cannot_be_made(params string[] options)
    {
        await AcquireAsync(2, options);
        Assert.False(Directory.Exists(At("out")));
        Assert.DoesNotContain("secret", custody.Terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Has_a_second_signature_after_a_second_key_was_made()
    {
        string home = At("home-pq");
        custody.Terminal.Variables["CIR_HOME"] = home;
        Assert.Equal(0, await custody.Terminal.RunAsync("keys", "new", "--home", home, "--name", "Jane"));
        Assert.Equal(0, await custody.Terminal.RunAsync("keys", "new", "--home", home, "--pq"));
        Assert.Equal(2, await custody.Terminal.RunAsync("keys", "new", "--home", home, "--pq"));
        custody.Terminal.Forget();

        int code = await custody.Terminal.RunAsync("acquire", "web", "--case", "IR-7", "--out", At("out"), "--home", home, "--pq");

        Assert.True(code == 0, custody.Terminal.Error);
        Assert.True(File.Exists(Path.Combine(Bundle, "seal/0001-responder.mldsa65.p7s")));
        await custody.VerifyAsync(Bundle, "VERIFIED");
        custody.Terminal.Forget();
        await custody.Terminal.RunAsync("keys", "show", "--home", home, "--json");
        Assert.Equal(64, JsonDocument.Parse(custody.Terminal.Out).RootElement.GetProperty("ml_dsa65_certificate_sha256").GetString()!.Length);
    }

    [Fact]
    public async Task Is_made_with_the_certificate_the_CA_gave_for_a_request()
    {
        const string person = "Rita Chain";
        MakeAuthority();
        string request = At("r.csr");
        await custody.AsAsync(person, 0, "keys", "csr", "--name", "Rita of Org", "--out", request);
        Issue("r.csr", "c.pem");
        Shell("cat root.pem sub.pem c.pem > all.pem");

        Assert.Contains("CN=Rita of Org", await custody.AsAsync(person, 0, "keys", "install-chain", At("all.pem")), StringComparison.Ordinal);

        await custody.AsAsync(person, 0, "acquire", "web", "--case", "IR-7", "--out", At("out"));
        await custody.VerifyAsync(Bundle, "VERIFIED", "--ca", At("root.pem"));
        Assert.Equal(3, CertificateFile.Read(await File.ReadAllTextAsync(Path.Combine(Bundle, "seal/certs.pem"))).Count);
    }

    [Fact]
    public async Task Is_made_with_a_PKCS12_file()
    {
        MakeAuthority();
        Shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.csr -subj '/CN=Jane P12' 2>/dev/null");
        Issue("r.csr", "c.pem");
        Shell($"cat sub.pem root.pem > chain.pem; openssl pkcs12 -export -inkey k.pem -in c.pem -certfile chain.pem -passout 'pass:{SomeCustody.Passphrase}' -out id.p12");

        await AcquireAsync(0, "--p12", At("id.p12"));

        await custody.VerifyAsync(Bundle, "VERIFIED", "--ca", At("root.pem"));
        Assert.Contains("CN=Jane P12", custody.Terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_made_and_witnessed_with_a_PKCS11_token()
    {
        MakeAuthority();
        using TemporaryFolder folder = new();
        SomeToken token = new(folder);
        custody.Terminal.Variables["CIR_PKCS11_TOOL"] = token.Options.ToolPath;
        custody.Terminal.Variables["CIR_PIN"] = SomeToken.Pin;
        string[] options = ["--pkcs11", SomeToken.Module, "--token", "lab", "--key", "01", "--chain", At("sub.pem")];
        await custody.AsAsync("Rita Responder", 0, ["keys", "csr", "--name", "Jane Token", "--out", At("t.csr"), .. options]);
        Issue("t.csr", "t.pem");
        Shell("openssl x509 -in t.pem -outform DER -out t.der");
        token.Tool("--write-object", At("t.der"), "--type", "cert", "--id", "01");
        File.Delete(token.Arguments);

        string bundle = await custody.BundleAsync();
        await custody.AsAsync("Rita Responder", 0, ["bundle", "sign", bundle, .. options]);
        await AcquireAsync(0, options);

        await custody.VerifyAsync(bundle, "VERIFIED");
        await custody.VerifyAsync(Bundle, "VERIFIED", "--ca", At("root.pem"));
        Assert.Contains("CN=Jane Token", custody.Terminal.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(SomeToken.Pin, await File.ReadAllTextAsync(token.Arguments) + await File.ReadAllTextAsync(Path.Combine(Bundle, "journal.jsonl")), StringComparison.Ordinal);
        custody.Terminal.Variables["CIR_PIN"] = "999111";
        await AcquireAsync(2, options);
        Assert.DoesNotContain("999111", custody.Terminal.Error, StringComparison.Ordinal);
    }

    private Task<string> AcquireAsync(int exit, params string[] options) =>
        custody.AsAsync("Rita Responder", exit, ["acquire", "web", "--case", "IR-7", "--out", At("out"), .. options]);

    private string At(string name) => Path.Combine(custody.Folder, name);

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

    private void Shell(string script) => RealEngine.Run("sh", "-c", $"set -e; cd '{custody.Folder}'\n{script}");
}
