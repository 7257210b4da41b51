using System.Text.RegularExpressions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Proofs;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Transport;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.House;

/// <summary>docs/for-labs.md, its own commands in their order, in a directory with the files it names.</summary>
public sealed partial class The_page_for_laboratories : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Leads_from_the_parts_to_one_extracted_file()
    {
        await PrepareAsync();
        string page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "for-labs.md"));
        string commands = string.Concat(ShellBlock().Matches(page).Select(match => match.Groups[1].Value));
        Assert.Contains("age -d", commands, StringComparison.Ordinal);

        // Each line by itself must succeed; PATH holds what Debian has, not what this project builds.
        await File.WriteAllTextAsync(At("page.sh"), "set -eu\n" + commands);
        string output = RealEngine.Run("sh", "-c", $"cd '{folder.Path}' && PATH=/usr/sbin:/usr/bin:/sbin:/bin sh page.sh 2>&1");

        Assert.Contains("VERDICT: VERIFIED\n", output, StringComparison.Ordinal);
        Assert.Contains("CAdES Verification successful", output, StringComparison.Ordinal);
        Assert.Contains("PROVEN data/0001-host/uname.txt", output, StringComparison.Ordinal);
        Assert.Equal("evil\n", await File.ReadAllTextAsync(At("scratch/tmp/miner.sh")));
    }

    [Fact]
    public async Task Stops_at_a_damaged_part()
    {
        await PrepareAsync();
        string part = Directory.EnumerateFiles(folder.Path, "*.part-0002").Single();
        byte[] bytes = await File.ReadAllBytesAsync(part);
        bytes[100] ^= 1;
        await File.WriteAllBytesAsync(part, bytes);

        string output = RealEngine.Run("sh", "-c", $"cd '{folder.Path}' && sha256sum --check --strict --quiet *.parts.sha256 2>&1 || true");

        Assert.Contains(Path.GetFileName(part) + ": FAILED", output, StringComparison.Ordinal);
    }

    private async Task PrepareAsync()
    {
        RealEngine.Run("sh", "-c", $"mkdir -p '{At("tree/tmp")}' && echo evil > '{At("tree/tmp/miner.sh")}' && tar -C '{At("tree")}' -cf '{At("upper.tar")}' .");
        string bundlePath;
        using (TemporaryFolder sender = new())
        {
            await using (BundleWriter bundle = SomeBundle.Open(sender))
            {
                await bundle.OpenSection("host", 0).AddAsync("uname.txt", "Linux host 6.1\n"u8.ToArray(), new ItemOptions("uname(2)"), CancellationToken.None);
                await bundle.OpenSection("rootfs-diff", 6).AddAsync("upper.tar.zst", await File.ReadAllBytesAsync(At("upper.tar")), new ItemOptions("/upper", ItemForm.Frames), CancellationToken.None);
                bundlePath = (await bundle.SealAsync()).Path;
            }

            RealEngine.Run("age-keygen", "-o", At("lab-identity.txt"));
            AgeRecipient recipient = AgeRecipient.Parse(RealEngine.Run("age-keygen", "-y", At("lab-identity.txt")).Trim());
            await BundlePacker.PackAsync(bundlePath, folder.Path, [recipient], 8192, CancellationToken.None);
            await ItemProof.ExportAsync(bundlePath, "data/0001-host/uname.txt", At("proof"), CancellationToken.None);
        }

        await File.WriteAllBytesAsync(At("responder-ca.pem"), CertificateFile.Write(SomeBundle.Identity.Signer.Certificates));
        File.Copy(Path.Combine(Repository.Root, "src", "ContainerIR.Evidence", "Bundles", "verify.sh"), At("verify.sh"));
        File.Copy(Path.Combine(Repository.Root, "docs", "prove-item.md"), At("prove-item.md"));
        RealEngine.Run("rm", "-rf", At("tree"), At("upper.tar"));
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    [GeneratedRegex("^```sh\n(.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex ShellBlock();
}

/// <summary>A bundle as any BagIt reader sees it: tests/programs/bag.py tells the rules of RFC 8493.</summary>
public sealed class A_bundle_as_a_bag
{
    private static readonly string Vectors = Path.Combine(Repository.Root, "tests", "vectors");

    public static TheoryData<string> Good() => [.. Directory.EnumerateDirectories(Vectors, "good*").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Good))]
    public void Is_valid(string name) => Assert.Equal("valid\n", Judge(name));

    [Theory]
    [InlineData("flipped-byte")]
    [InlineData("missing-file")]
    [InlineData("payload-oxum-lies")]
    [InlineData("path-outside")]
    [InlineData("bagit-version-other")]
    public void Is_not_valid_when_it_is_broken(string name) => Assert.Throws<InvalidOperationException>(() => Judge(name));

    private static string Judge(string name) => RealEngine.Run("/usr/bin/python3", Path.Combine(Repository.Root, "tests", "programs", "bag.py"), Path.Combine(Vectors, name, "bundle"));
}
