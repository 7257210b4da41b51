using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Bundles;

/// <summary>With the tools a lab has, as docs/evidence-format.md tells it to use them.</summary>
public sealed class A_sealed_bundle_in_the_hands_of_a_lab : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Passes_openssl_cms_verify()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        string ca = Path.Combine(folder.Path, "responder-ca.pem");
        await File.WriteAllBytesAsync(ca, CertificateFile.Write(SomeBundle.Identity.Signer.Certificates));

        RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && openssl cms -verify -cades -binary -inform DER -in seal/0001-responder.p7s"
            + $" -content tagmanifest-sha256.txt -CAfile '{ca}' -out /dev/null");
        RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && openssl cms -verify -cades -binary -inform DER -in seal/0001-responder.p7s"
            + " -content tagmanifest-sha256.txt -CAfile seal/certs.pem -out /dev/null");
    }

    [Fact]
    public async Task Fails_openssl_cms_verify_when_the_root_changes()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        await File.AppendAllTextAsync(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"), "\n");

        Assert.Throws<InvalidOperationException>(() => RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && openssl cms -verify -cades -binary -inform DER"
            + " -in seal/0001-responder.p7s -content tagmanifest-sha256.txt -CAfile seal/certs.pem -out /dev/null"));
    }

    [Fact]
    public async Task Passes_sha256sum_and_sha512sum()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        RealEngine.Run("sh", "-c", $"cd '{bundle.Path}' && sha256sum --check --strict --quiet tagmanifest-sha256.txt"
            + " && sha256sum --check --strict --quiet manifest-sha256.txt && sha512sum --check --strict --quiet manifest-sha512.txt"
            + " && find data ! -type d | LC_ALL=C sort > ../found && sed 's/^[0-9a-f]*  //' manifest-sha256.txt | diff ../found -");
    }

    [Fact]
    public async Task Lists_every_file_outside_data_and_seal_under_the_signed_root()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        string[] outside = [.. Directory.EnumerateFiles(bundle.Path).Select(path => Path.GetFileName(path)).Where(name => name != "tagmanifest-sha256.txt").Order(StringComparer.Ordinal)];
        string[] listed = [.. (await File.ReadAllLinesAsync(Path.Combine(bundle.Path, "tagmanifest-sha256.txt"))).Select(line => line[66..])];
        Assert.Equal(outside, listed);
    }

    [Fact]
    public async Task Has_framed_items_that_zstd_tests_and_reads()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        RealEngine.Run("zstd", "-t", "-q", Path.Combine(bundle.Path, "data/0002-rootfs-diff/upper.tar.zst"));
        string raw = RealEngine.Run("sh", "-c", $"zstd -dcq '{bundle.Path}/data/0002-rootfs-diff/upper.tar.zst' | sha256sum");
        Assert.StartsWith(bundle.Items.Single(item => item.Path.EndsWith(".zst", StringComparison.Ordinal)).RawSha256, raw, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Has_no_partial_or_temporary_file()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        Assert.DoesNotContain(Directory.EnumerateFiles(bundle.Path, "*", SearchOption.AllDirectories), path =>
            path.EndsWith(".partial", StringComparison.Ordinal) || path.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Has_a_checkpoint_openssl_accepts()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);
        string note = await File.ReadAllTextAsync(Path.Combine(bundle.Path, "checkpoint.txt"));
        int blank = note.IndexOf("\n\n", StringComparison.Ordinal);
        byte[] signature = Convert.FromBase64String(note[(blank + 2)..].Trim().Split(' ')[2])[4..];
        byte[] key = Convert.FromBase64String((await File.ReadAllTextAsync(Path.Combine(bundle.Path, "checkpoint.vkey"))).Trim().Split('+', 3)[2])[1..];
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "body"), note[..(blank + 1)]);
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "sig"), signature);
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "key.der"), [.. Convert.FromHexString("302a300506032b6570032100"), .. key]);

        RealEngine.Run("sh", "-c", $"cd '{folder.Path}' && openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in body -sigfile sig");
    }

    [Fact]
    public async Task Says_in_its_custody_record_what_was_copied_and_what_was_not()
    {
        SealedBundle bundle = await SomeBundle.SmallAsync(folder);

        using System.Text.Json.JsonDocument custody = System.Text.Json.JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(bundle.Path, "custody.json"), Encoding.ASCII));
        Assert.Equal(4, custody.RootElement.GetProperty("items").GetArrayLength());
        Assert.Equal("partial", custody.RootElement.GetProperty("items")[3].GetProperty("status").GetString());
        Assert.Equal("/proc/1/maps", custody.RootElement.GetProperty("gaps")[0].GetProperty("sought").GetString());
        Assert.Equal("paused for 3 ms", custody.RootElement.GetProperty("effects")[0].GetProperty("what").GetString());
        Assert.Equal(SomeBundle.Identity.CertificateSha256, custody.RootElement.GetProperty("record").GetProperty("who").GetProperty("certificate_sha256").GetString());
    }
}
