using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary>Proving, extracting, packing and unpacking by the command line.</summary>
public sealed class A_bundle_by_the_command_line : IDisposable
{
    private const string Uname = "data/0001-host/uname.txt";
    private const string Tar = "data/0002-rootfs-diff/upper.tar.zst";

    private readonly TemporaryFolder folder = new();
    private readonly SomeTerminal terminal = new();
    private readonly byte[] large = RandomNumberGenerator.GetBytes(9_000_000);

    public void Dispose()
    {
        terminal.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Proves_one_item_and_checks_the_proof()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        string proof = At("proof");

        Assert.Equal(0, await RunAsync("bundle", "prove", bundle, Uname, "--out", proof));
        Assert.Equal(0, await RunAsync("bundle", "prove", "--check", proof));
        Assert.Contains("PROVEN", terminal.Out, StringComparison.Ordinal);
        Assert.Contains(Uname, terminal.Out, StringComparison.Ordinal);

        Assert.Equal(2, await RunAsync("bundle", "prove", bundle));
        Assert.Equal(2, await RunAsync("bundle", "prove", bundle, "data/none", "--out", At("none")));
        await File.AppendAllTextAsync(Path.Combine(proof, Uname), "x");
        Assert.Equal(3, await RunAsync("bundle", "prove", "--check", proof, "--json"));
        JsonElement check = JsonDocument.Parse(terminal.Out).RootElement[0];
        Assert.False(check.GetProperty("proven").GetBoolean());
        Assert.Contains(Uname, check.GetProperty("failures")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Packs_and_unpacks_and_names_the_damaged_parts()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        string identity = At("id.txt");
        Assert.Equal(0, await RunAsync("keys", "age", "--out", identity));
        string recipient = terminal.Out.Trim();

        Assert.Equal(0, await RunAsync("bundle", "pack", bundle, "--recipient", recipient, "--part-size", "4096", "--out", At("parts"), "--json"));
        string part = JsonDocument.Parse(terminal.Out).RootElement.GetProperty("parts")[1].GetString()!;
        byte[] good = await File.ReadAllBytesAsync(part);
        await File.WriteAllBytesAsync(part, [.. good[..^1], (byte)(good[^1] ^ 1)]);

        Assert.Equal(3, await RunAsync("bundle", "unpack", At("parts"), "--check"));
        Assert.Contains("damaged  " + Path.GetFileName(part), terminal.Out, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("bundle", "unpack", At("parts"), "--identity", identity, "--out", At("back")));
        Assert.Contains(Path.GetFileName(part), terminal.Error, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(part, good);
        Assert.Equal(2, await RunAsync("bundle", "unpack", At("parts"), "--out", At("back")));
        Assert.Equal(0, await RunAsync("bundle", "unpack", At("parts"), "--identity", identity, "--out", At("back")));
        RealEngine.Run("diff", "-r", bundle, Path.Combine(At("back"), Path.GetFileName(bundle)));
        Assert.Equal(2, await RunAsync("bundle", "pack", bundle, "--recipient", "age1nobody", "--out", At("more")));
        Assert.Equal(2, await RunAsync("bundle", "pack", bundle, "--part-size", "5", "--out", At("more")));
    }

    [Theory]
    [InlineData("etc/passwd")]
    [InlineData("./etc/passwd")]
    [InlineData("/etc/passwd")]
    public async Task Extracts_an_item_and_an_entry_of_a_tar(string entry)
    {
        string bundle = await TarBundleAsync();
        Assert.Equal(0, await RunAsync("bundle", "extract", bundle, Uname, "--out", At("uname")));
        Assert.Equal("Linux\n", await File.ReadAllTextAsync(At("uname")));
        Assert.StartsWith(RealEngine.Run("sha256sum", At("uname"))[..64], terminal.Out, StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync("bundle", "extract", bundle, $"{Tar}/{entry}", "--out", At("passwd")));

        Assert.Equal("root:x:0:0\n", await File.ReadAllTextAsync(At("passwd")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At("passwd")));
        Assert.Equal(2, await RunAsync("bundle", "extract", bundle, Uname, "--out", At("passwd")));
        Assert.Equal("root:x:0:0\n", await File.ReadAllTextAsync(At("passwd")));
    }

    [Theory]
    [InlineData("var/large", "large")]
    [InlineData(@"names/\xff\xfe", "bytes")]
    [InlineData("../../escape", "outside")]
    [InlineData("names/LONG", "long")]
    public async Task Extracts_entries_of_every_kind_of_name_and_size(string entry, string file)
    {
        string bundle = await TarBundleAsync();
        string wanted = entry.Replace("LONG", new string('n', 200), StringComparison.Ordinal);

        int code = await RunAsync("bundle", "extract", bundle, $"{Tar}/{wanted}", "--out", At("got"));

        Assert.True(code == 0, terminal.Error);
        RealEngine.Run("cmp", At("got"), At("tree/" + file));
    }

    [Fact]
    public async Task Extracts_a_sparse_file_with_its_holes()
    {
        RealEngine.Run("sh", "-c", $"mkdir -p '{At("s")}' && cd '{At("s")}' && truncate -s 40M sparse && printf middle | dd of=sparse bs=1 seek=20000000 conv=notrunc 2>/dev/null && tar --format=pax --sparse -cf ../sparse.tar sparse");
        string bundle = await BundleAsync(await File.ReadAllBytesAsync(At("sparse.tar")));

        Assert.Equal(0, await RunAsync("bundle", "extract", bundle, Tar + "/sparse", "--out", At("got")));

        RealEngine.Run("cmp", At("got"), At("s/sparse"));
        Assert.True(int.Parse(RealEngine.Run("du", "-k", At("got")).Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture) < 4096);
        terminal.Forget();
        Assert.Equal(2, await RunAsync("bundle", "extract", bundle, Tar + "/sparse", "--out", At("not"), "--max-bytes", "1000000"));
        Assert.False(File.Exists(At("not")));
    }

    [Theory]
    [InlineData("/names/link")]
    [InlineData("/names")]
    [InlineData("/nothing/here")]
    [InlineData("/names/pipe")]
    public async Task Extracts_nothing_but_files(string entry)
    {
        string bundle = await TarBundleAsync();

        Assert.Equal(2, await RunAsync("bundle", "extract", bundle, Tar + entry, "--out", At("got")));

        Assert.False(File.Exists(At("got")));
        Assert.Contains("What to do:", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Extracts_nothing_from_what_was_not_sealed()
    {
        string bundle = await TarBundleAsync();
        RealEngine.Run("sh", "-c", $"cd '{bundle}/{Path.GetDirectoryName(Tar)}' && printf x | dd of=upper.tar.zst bs=1 seek=3000 conv=notrunc 2>/dev/null");

        Assert.Equal(3, await RunAsync("bundle", "extract", bundle, Tar + "/etc/passwd", "--out", At("got")));
        Assert.Equal(3, await RunAsync("bundle", "extract", bundle, Tar, "--out", At("got")));

        Assert.False(File.Exists(At("got")));
        RealEngine.Run("sh", "-c", $"cd '{bundle}' && rm {Uname} && ln -s /etc/hostname {Uname}");
        Assert.Equal(3, await RunAsync("bundle", "extract", bundle, Uname, "--out", At("got")));
        Assert.False(File.Exists(At("got")));
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("checksum")]
    [InlineData("bomb")]
    public async Task Extracts_nothing_from_a_tar_that_lies(string lie)
    {
        byte[] tar = new byte[10240];
        Encoding.ASCII.GetBytes("evil").CopyTo(tar, 0);
        Encoding.ASCII.GetBytes("0000644\00000000\00000000\0" + (lie == "bomb" ? "77777777777" : "00000001000") + "\00000000000\0        0").CopyTo(tar, 100);
        Encoding.ASCII.GetBytes("ustar\000").CopyTo(tar, 257);
        int sum = tar.Take(512).Sum(b => b) + (lie == "checksum" ? 1 : 0);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(tar, 148);
        string bundle = await BundleAsync(lie == "cut" ? tar[..700] : tar);

        Assert.Equal(3, await RunAsync("bundle", "extract", bundle, Tar + "/evil", "--out", At("got")));

        Assert.False(File.Exists(At("got")));
    }

    private async Task<string> TarBundleAsync()
    {
        Directory.CreateDirectory(At("tree"));
        await File.WriteAllBytesAsync(At("tree/large"), large);
        await File.WriteAllTextAsync(At("tree/bytes"), "bytes");
        await File.WriteAllTextAsync(At("tree/outside"), "outside");
        await File.WriteAllTextAsync(At("tree/long"), "long");
        RealEngine.Run("sh", "-c", $"""
            set -e; cd '{At("tree")}'; mkdir -p etc names var
            printf 'root:x:0:0\n' > etc/passwd; cp large var/large; cp bytes "names/$(printf '\377\376')"; cp long names/{new string('n', 200)}; ln -s ../etc/passwd names/link; mkfifo names/pipe
            tar --format=pax -cf ../t.tar etc names var; tar -P --format=pax -rf ../t.tar --transform 's|^outside|../../escape|' outside
            """);
        return await BundleAsync(await File.ReadAllBytesAsync(At("t.tar")));
    }

    private async Task<string> BundleAsync(byte[] tar)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        await bundle.OpenSection("host", 0).AddAsync("uname.txt", "Linux\n"u8.ToArray(), new ItemOptions("uname(2)"), CancellationToken.None);
        await bundle.OpenSection("rootfs-diff", 6).AddAsync("upper.tar.zst", tar, new ItemOptions("/upper", ItemForm.Frames), CancellationToken.None);
        return (await bundle.SealAsync()).Path;
    }

    private Task<int> RunAsync(params string[] arguments)
    {
        terminal.Forget();
        return terminal.RunAsync(arguments);
    }

    private string At(string name) => Path.Combine(folder.Path, name);
}
