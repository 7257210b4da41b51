using System.Diagnostics;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Bundles;

public sealed class The_verify_script : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Verifies_a_good_bundle_with_the_responders_certificate()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        string ca = Path.Combine(folder.Path, "ca.pem");
        await File.WriteAllBytesAsync(ca, CertificateFile.Write(SomeBundle.Identity.Signer.Certificates));

        (int exit, string output) = Run(bundle.Path, "--ca", ca);

        Assert.True(exit == 0, output);
        Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
        Assert.EndsWith("VERDICT: VERIFIED\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_trust_a_signer_the_authority_did_not_issue()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        ResponderIdentity other = IdentityFolder.Create(Path.Combine(folder.Path, "other"), new("Somebody Else"), "x", DateTimeOffset.UtcNow);
        string ca = Path.Combine(folder.Path, "ca.pem");
        await File.WriteAllBytesAsync(ca, CertificateFile.Write(other.Signer.Certificates));

        (int exit, string output) = Run(bundle.Path, "--ca", ca);

        Assert.Equal(3, exit);
        Assert.EndsWith("VERDICT: UNTRUSTED\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_when_nobody_vouches_for_the_signer()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        (int exit, string output) = Run(bundle.Path);

        Assert.True(exit == 0, output);
        Assert.Contains("no --ca was given", output, StringComparison.Ordinal);
        Assert.Contains(SomeBundle.Identity.CertificateSha256, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ln -s /etc/shadow data/0001-host/link", "TAMPERED")]
    [InlineData("mkfifo data/0001-host/pipe", "TAMPERED")]
    [InlineData("touch \"data/0001-host/$(printf 'a\\nb')\"", "TAMPERED")]
    [InlineData("touch ./-rf", "TAMPERED")]
    [InlineData("printf '%064d  ../../../etc/passwd\\n' 0 >> manifest-sha256.txt", "TAMPERED")]
    [InlineData("printf '%064d  data//dev/zero\\n' 0 >> manifest-sha256.txt", "TAMPERED")]
    [InlineData("touch data/0001-host/x", "TAMPERED")]
    [InlineData("rm data/0001-host/uname.txt", "TAMPERED")]
    [InlineData("rm seal/0001-responder.p7s", "TAMPERED")]
    [InlineData("rm custody.json", "TAMPERED")]
    [InlineData("sed -i '2d' journal.jsonl && sed -i \"s|.*  journal.jsonl|$(sha256sum journal.jsonl)|\" tagmanifest-sha256.txt", "TAMPERED")]
    [InlineData("rm tagmanifest-sha256.txt", "UNSEALED")]
    public async Task Fails_when(string damage, string verdict)
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && {damage}");

        (int exit, string output) = Run(bundle.Path);

        Assert.Equal(3, exit);
        Assert.EndsWith($"VERDICT: {verdict}\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(60)]
    public async Task Builds_the_same_tree_over_the_journal_as_we_do(int extraLines)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        for (int i = 0; i < extraLines; i++)
        {
            bundle.Record("clock.sample");
        }

        SealedBundle made = await bundle.SealAsync();

        (int exit, string output) = Run(made.Path);

        Assert.True(exit == 0, output);
    }

    public static (int Exit, string Output) Run(string bundle, params string[] arguments) => RunBy(["dash"], bundle, arguments);

    /// <summary>By any shell: its words, for example busybox sh.</summary>
    public static (int Exit, string Output) RunBy(string[] shell, string bundle, params string[] arguments)
    {
        string script = Path.Combine(Repository.Root, "src", "ContainerIR.Evidence", "Bundles", "verify.sh");
        using Process process = Process.Start(new ProcessStartInfo(shell[0], [.. shell[1..], script, .. arguments, bundle]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
