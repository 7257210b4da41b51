using System.Text.RegularExpressions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Proofs;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Proofs;

public sealed partial class An_exported_item : IDisposable
{
    private const string Item = "data/0002-rootfs-diff/upper.tar.zst";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Is_proven_without_the_rest_of_its_bundle()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        await ItemProof.ExportAsync(bundle.Path, Item, At("proof"), CancellationToken.None);
        Directory.Delete(bundle.Path, recursive: true);

        ItemProofReport report = await VerifyAsync();

        Assert.Empty(report.Failures);
        Assert.Equal(Item, report.ItemPath);
        Assert.Equal("complete", report.ItemStatus);
        Assert.Equal($"containerir/{bundle.BundleId:D}", report.Origin);
        Assert.Equal(SomeBundle.Identity.CertificateSha256, report.CertificateSha256);
        Assert.Null(report.WhyUntrusted);
        Assert.DoesNotContain("uname", File.ReadAllText(At("proof/item.jsonl")) + File.ReadAllText(At("proof/tagmanifest-sha256.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_each_kind_is_proven_by_the_script_of_the_document()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        foreach ((string item, int index) in bundle.Items.Select((item, index) => (item.Path, index)))
        {
            await ItemProof.ExportAsync(bundle.Path, item, At($"proof{index}"), CancellationToken.None);
            Assert.Contains("PROVEN " + item, RunScript($"proof{index}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Is_proven_by_a_script_of_at_most_twenty_lines() => Assert.InRange(Script().TrimEnd().Split('\n').Length, 5, 20);

    [Theory]
    [InlineData(Item)]
    [InlineData("item.jsonl")]
    [InlineData("item.tlog-proof")]
    [InlineData("checkpoint.vkey")]
    [InlineData("tagmanifest-sha256.txt")]
    [InlineData("seal/0001-responder.p7s")]
    public async Task Is_refused_by_both_wherever_a_byte_of_its_proof_changed(string path)
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        await ItemProof.ExportAsync(bundle.Path, Item, At("proof"), CancellationToken.None);
        byte[] good = await File.ReadAllBytesAsync(At("proof/" + path));
        foreach (int at in (int[])[0, good.Length / 3, good.Length / 2, good.Length - 2])
        {
            byte[] changed = [.. good];
            changed[at] ^= 1;
            await File.WriteAllBytesAsync(At("proof/" + path), changed);
            Assert.False((await VerifyAsync()).IsProven, $"{path} byte {at}");
            Assert.Throws<InvalidOperationException>(() => RunScript("proof"));
        }

        File.Delete(At("proof/" + path));
        Assert.False((await VerifyAsync()).IsProven);
        Assert.Throws<InvalidOperationException>(() => RunScript("proof"));
    }

    [Fact]
    public async Task Is_refused_under_the_line_of_another_item()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        await ItemProof.ExportAsync(bundle.Path, Item, At("proof"), CancellationToken.None);
        await ItemProof.ExportAsync(bundle.Path, "data/0001-host/uname.txt", At("other"), CancellationToken.None);
        File.Copy(At("other/item.jsonl"), At("proof/item.jsonl"), overwrite: true);

        Assert.False((await VerifyAsync()).IsProven);
        Assert.Throws<InvalidOperationException>(() => RunScript("proof"));
    }

    [Fact]
    public async Task Is_not_made_from_a_bundle_that_does_not_prove_it()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        await Assert.ThrowsAsync<OperatorException>(() => ItemProof.ExportAsync(bundle.Path, "data/none", At("a"), CancellationToken.None));
        await File.AppendAllTextAsync(Path.Combine(bundle.Path, Item), "x");
        await Assert.ThrowsAsync<OperatorException>(() => ItemProof.ExportAsync(bundle.Path, Item, At("b"), CancellationToken.None));
        string journal = Path.Combine(bundle.Path, "journal.jsonl");
        await File.WriteAllTextAsync(journal, (await File.ReadAllTextAsync(journal)).Replace("Linux", "linux", StringComparison.Ordinal).Replace("tsc", "hpet", StringComparison.Ordinal));
        await Assert.ThrowsAsync<OperatorException>(() => ItemProof.ExportAsync(bundle.Path, "data/0001-host/uname.txt", At("c"), CancellationToken.None));
    }

    [Fact]
    public async Task Is_untrusted_under_another_authority()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        await ItemProof.ExportAsync(bundle.Path, Item, At("proof"), CancellationToken.None);
        ResponderIdentity other = IdentityFolder.Create(At("id"), new("Other"), "x", DateTimeOffset.UtcNow);

        ItemProofReport report = await ItemProofVerifier.VerifyAsync(At("proof"), other.Signer.Certificates, CancellationToken.None);

        Assert.True(report.IsProven);
        Assert.NotNull(report.WhyUntrusted);
    }

    private static string Script() =>
        ScriptBlock().Match(File.ReadAllText(Path.Combine(Repository.Root, "docs", "prove-item.md"))).Groups[1].Value;

    private string RunScript(string proof)
    {
        File.WriteAllText(At("prove-item.sh"), Script());
        File.WriteAllBytes(At("ca.pem"), CertificateFile.Write(SomeBundle.Identity.Signer.Certificates));
        return RealEngine.Run("sh", At("prove-item.sh"), At(proof), At("ca.pem"));
    }

    private Task<ItemProofReport> VerifyAsync() => ItemProofVerifier.VerifyAsync(At("proof"), SomeBundle.Identity.Signer.Certificates, CancellationToken.None);

    private string At(string name) => Path.Combine(folder.Path, name);

    [GeneratedRegex("```sh\n(#!/bin/sh.*?)```", RegexOptions.Singleline)]
    private static partial Regex ScriptBlock();
}
