using System.Text;
using ContainerIR.Cli.Screens;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Screens;

/// <summary>What the console shows of an item.</summary>
public sealed class The_content_of_an_item : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Is_its_lines_where_it_is_text()
    {
        using ItemContent content = await OpenAsync("first\n\n\u001b[2Jlast, without an end"u8.ToArray());

        Assert.True(content.IsText);
        Assert.Equal([("1", "first"), ("2", ""), ("3", @"\x1b[2Jlast, without an end")], Rows(content));
    }

    [Fact]
    public async Task Is_its_bytes_where_it_is_not()
    {
        using ItemContent content = await OpenAsync([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0x80]);

        Assert.False(content.IsText);
        Assert.Equal([("00000000", "7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00  .ELF............"), ("00000010", "03 80                                            ..")], Rows(content));
    }

    [Fact]
    public async Task Of_a_million_lines_is_any_of_them_in_any_order_and_searched()
    {
        StringBuilder text = new();
        for (int i = 1; i <= 1_000_000; i++)
        {
            text.Append(i == 777_777 ? "a NEEDLE here\n" : $"line {i}\n");
        }

        using ItemContent content = await OpenAsync(Encoding.ASCII.GetBytes(text.ToString()));

        Assert.Equal(1_000_000, content.Count);
        Assert.All((int[])[999_999, 0, 500_000, 63, 64, 127], i => Assert.Equal([$"{i + 1}", $"line {i + 1}"], content[i].Cells));
        content.Select("needle", CancellationToken.None);
        Assert.Equal("a NEEDLE here", Assert.Single(Rows(content)).Text);
        content.Select("nothing like it", CancellationToken.None);
        Assert.Equal(0, content.Count);
        content.Select("", CancellationToken.None);
        Assert.Equal(1_000_000, content.Count);
    }

    [Fact]
    public async Task Of_a_line_of_megabytes_is_its_beginning()
    {
        byte[] line = new byte[5_000_000];
        Array.Fill(line, (byte)'x');
        using ItemContent content = await OpenAsync([.. "before\n"u8, .. line, .. "\nafter"u8]);

        Assert.Equal(3, content.Count);
        Assert.EndsWith("x … (longer)", content[1].Cells[1], StringComparison.Ordinal);
        Assert.Equal("after", content[2].Cells[1]);
        Assert.True(content[1].Cells[1].Length < 2100);
    }

    [Fact]
    public async Task Is_none_of_an_empty_item_and_of_one_that_is_not_there()
    {
        using ItemContent content = await OpenAsync([]);

        Assert.Equal(0, content.Count);
        await Assert.ThrowsAsync<OperatorException>(() => ItemContent.OpenAsync(Directory.GetDirectories(folder.Path).Single(), "data/0001-logs/other.txt", CancellationToken.None));
    }

    private static List<(string Number, string Text)> Rows(ItemContent content) => [.. Enumerable.Range(0, content.Count).Select(i => (content[i].Cells[0], content[i].Cells[1]))];

    private async Task<ItemContent> OpenAsync(byte[] bytes)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        await bundle.OpenSection("logs", 5).AddAsync("ctr.log.zst", bytes, new ItemOptions("/var/lib/docker/x.log", ItemForm.Frames), CancellationToken.None);
        SealedBundle sealedBundle = await bundle.SealAsync();
        return await ItemContent.OpenAsync(sealedBundle.Path, "data/0001-logs/ctr.log.zst", CancellationToken.None);
    }
}
