using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class The_disposable_reader
{
    private const string Path = "/bin/busybox";

    private static StatX Stat()
    {
        using Descriptor file = Descriptor.Open(Libc.AT_FDCWD, Path, Libc.O_PATH, out _)!;
        Assert.True(file.TryStat(out StatX stat, out _));
        return stat;
    }

    private static async Task<byte[]> ReadAll(ReadWorker worker, StatX expected)
    {
        await using Stream content = worker.Open(Path, expected);
        using MemoryStream bytes = new();
        await content.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    [Fact]
    public async Task Gives_a_file_byte_for_byte_and_the_next_one_too()
    {
        using ReadWorker worker = new(ReadWorkerHost.Launch);

        Assert.Equal(File.ReadAllBytes(Path), await ReadAll(worker, Stat()));
        Assert.Equal(File.ReadAllBytes(Path), await ReadAll(worker, Stat()));
    }

    [Fact]
    public async Task Refuses_another_file_than_the_one_that_was_seen()
    {
        using ReadWorker worker = new(ReadWorkerHost.Launch);
        StatX other = Stat() with { stx_ino = 1 };

        await Assert.ThrowsAsync<IOException>(() => ReadAll(worker, other));
    }

    [Fact]
    public async Task That_is_none_is_an_error_and_not_a_wait()
    {
        using ReadWorker missing = new(new ReadWorkerLaunch("/does/not/exist", []));
        using ReadWorker silent = new(new ReadWorkerLaunch("sleep", ["1000"]));
        using ReadWorker other = new(new ReadWorkerLaunch("echo", ["usage"]));

        foreach (ReadWorker worker in (ReadWorker[])[missing, silent, other])
        {
            Assert.StartsWith("the reader process did not start", (await Assert.ThrowsAsync<IOException>(() => ReadAll(worker, Stat()))).Message, StringComparison.Ordinal);
        }
    }
}
