using System.Text;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Acquisitions;

public sealed class A_frame : IDisposable
{
    private readonly string file = Path.GetTempFileName();

    [Theory]
    [InlineData(Compression.None)]
    [InlineData(Compression.Auto)]
    [InlineData(Compression.Zstd)]
    public void Is_read_back_by_the_zstd_program_whatever_its_size(Compression compression)
    {
        using IFrameCodec codec = Compressions.Codec(compression)();
        byte[] noise = new byte[4 << 20];
        new Random(7).NextBytes(noise);
        byte[] text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 400_000).Select(number => $"{number}\n")));
        foreach (byte[] content in new[] { noise, text })
        {
            foreach (int size in new[] { 0, 1, 3, 7, 31, 32, 33, 131_071, 131_072, 131_073, 300_000, content.Length })
            {
                byte[] frame = new byte[codec.MaxFrameBytes(size)];
                File.WriteAllBytes(file, frame.AsSpan(0, codec.Compress(content.AsSpan(0, size), frame)));
                RealEngine.Run("sh", "-c", $"zstd -qdc < {file} > {file}.raw");
                Assert.True(content.AsSpan(0, size).SequenceEqual(File.ReadAllBytes(file + ".raw")), $"{size}");
            }
        }
    }

    [Fact]
    public void Holds_noise_as_it_is_and_text_made_smaller()
    {
        using IFrameCodec codec = Compressions.Codec(Compression.Auto)();
        byte[] content = new byte[4 << 20];
        byte[] frame = new byte[codec.MaxFrameBytes(content.Length)];
        Assert.True(codec.Compress(content, frame) < 10_000);
        new Random(7).NextBytes(content);
        Assert.InRange(codec.Compress(content, frame), content.Length, content.Length + 200);
    }

    [Fact]
    public void Is_refused_by_the_zstd_program_when_a_stored_byte_changes()
    {
        using StoredFrameCodec codec = new();
        byte[] frame = new byte[codec.MaxFrameBytes(1000)];
        int size = codec.Compress(new byte[1000], frame);
        frame[500] ^= 1;
        File.WriteAllBytes(file, frame.AsSpan(0, size));
        Assert.ThrowsAny<InvalidOperationException>(() => RealEngine.Run("zstd", "-qt", file));
    }

    public void Dispose()
    {
        File.Delete(file);
        File.Delete(file + ".raw");
    }
}
