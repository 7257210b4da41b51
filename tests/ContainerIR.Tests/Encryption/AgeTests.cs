using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Encryption;

public sealed class An_age_file : IDisposable
{
    private const int Chunk = 64 * 1024;

    private readonly TemporaryFolder folder = new();
    private readonly AgeIdentity identity = AgeIdentity.Generate();

    public void Dispose()
    {
        folder.Dispose();
        identity.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Chunk - 1)]
    [InlineData(Chunk)]
    [InlineData(Chunk + 1)]
    [InlineData(3 * Chunk)]
    [InlineData(5 * Chunk + 77)]
    public async Task Is_opened_by_age_of_Debian(int size)
    {
        byte[] plain = RandomNumberGenerator.GetBytes(size);
        AgeIdentityFile.Write(At("id"), identity, DateTimeOffset.UtcNow);
        await File.WriteAllBytesAsync(At("f.age"), await EncryptAsync(plain, identity.Recipient));

        RealEngine.Run("sh", "-c", $"age -d -i '{At("id")}' '{At("f.age")}' > '{At("plain")}'"); // age -o makes no file for no bytes

        Assert.Equal(plain, await File.ReadAllBytesAsync(At("plain")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Chunk)]
    [InlineData(2 * Chunk + 1)]
    public async Task Made_by_age_of_Debian_is_opened(int size)
    {
        byte[] plain = RandomNumberGenerator.GetBytes(size);
        await File.WriteAllBytesAsync(At("plain"), plain);
        RealEngine.Run("age-keygen", "-o", At("id"));
        using AgeIdentity theirs = AgeIdentityFile.Read(At("id")).Single();
        RealEngine.Run("age", "-r", AgeIdentity.Generate().Recipient.ToString(), "-r", theirs.Recipient.ToString(), "-o", At("f.age"), At("plain"));

        Assert.Equal(plain, await DecryptAsync(await File.ReadAllBytesAsync(At("f.age")), identity, theirs));
    }

    [Fact]
    public async Task Is_opened_by_each_of_its_recipients_and_nobody_else()
    {
        using AgeIdentity second = AgeIdentity.Generate();
        using AgeIdentity stranger = AgeIdentity.Generate();
        byte[] file = await EncryptAsync("secret"u8.ToArray(), identity.Recipient, second.Recipient);

        Assert.Equal("secret"u8.ToArray(), await DecryptAsync(file, identity));
        Assert.Equal("secret"u8.ToArray(), await DecryptAsync(file, second));
        await Assert.ThrowsAsync<OperatorException>(() => DecryptAsync(file, stranger));
    }

    [Property(MaxTest = 60)]
    public async Task Gives_back_what_went_in(byte[] seed, byte whole, sbyte around)
    {
        byte[] plain = new byte[Math.Max(0, ((whole % 4) * Chunk) + (around / 8))];
        new Random(seed.Length).NextBytes(plain);

        byte[] file = await EncryptAsync(plain, identity.Recipient);

        Assert.Equal(AgeEncryptStream.EncryptedBytes(plain.Length, [identity.Recipient]), file.Length);
        Assert.Equal(plain, await DecryptAsync(file, identity));
        Assert.Equal(plain, DecryptSync(file));
    }

    [Fact]
    public async Task Is_refused_wherever_one_bit_of_it_changed()
    {
        byte[] file = await EncryptAsync(new byte[Chunk + 100], identity.Recipient);
        int header = file.AsSpan().IndexOf("\n---"u8) + 1 + 48;
        for (int at = 0; at < file.Length; at += at < header + 40 ? 1 : 4093)
        {
            byte[] changed = [.. file];
            changed[at] ^= 1;
            Exception? failure = await Record.ExceptionAsync(() => DecryptAsync(changed, identity));
            Assert.True(failure is InvalidDataException or OperatorException, $"byte {at}: {failure?.GetType().Name ?? "accepted"}");
        }
    }

    [Fact]
    public async Task Is_refused_when_cut_anywhere()
    {
        byte[] file = await EncryptAsync(new byte[2 * Chunk], identity.Recipient);
        int[] cuts = [.. Enumerable.Range(0, 260), file.Length - 1, file.Length - 16, file.Length - Chunk, file.Length - Chunk - 16, file.Length - Chunk - 17];
        foreach (int cut in cuts)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(file[..cut], identity));
        }
    }

    [Fact]
    public async Task Is_refused_when_chunks_are_swapped_or_something_follows()
    {
        byte[] file = await EncryptAsync(new byte[3 * Chunk], identity.Recipient);
        int sealedBytes = Chunk + 16;
        int payload = file.Length - (3 * sealedBytes);
        byte[] swapped = [.. file[..payload], .. file.AsSpan(payload + sealedBytes, sealedBytes), .. file.AsSpan(payload, sealedBytes), .. file[(payload + (2 * sealedBytes))..]];

        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(swapped, identity));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync([.. file, 0], identity));
    }

    [Fact]
    public async Task Left_without_its_last_chunk_is_refused()
    {
        using MemoryStream target = new();
        await using (AgeEncryptStream stream = await AgeEncryptStream.CreateAsync(target, [identity.Recipient], CancellationToken.None))
        {
            await stream.WriteAsync(new byte[Chunk * 2]);
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(target.ToArray(), identity));
    }

    [Theory]
    [InlineData("")]
    [InlineData("age-encryption.org/v2\n-> X25519 a\n\n--- b\n")]
    [InlineData("age-encryption.org/v1\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")]
    [InlineData("age-encryption.org/v1\n->  X25519 x\n\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")]
    [InlineData("age-encryption.org/v1\n-> X25519 AAAA\nAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")]
    [InlineData("age-encryption.org/v1\n-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")]
    public async Task Is_refused_when_its_header_is_malformed(string header) =>
        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync([.. Encoding.ASCII.GetBytes(header), .. new byte[64]], identity));

    [Fact]
    public async Task Is_refused_when_its_header_has_no_end()
    {
        string endless = "age-encryption.org/v1\n" + string.Concat(Enumerable.Repeat("-> x\n\n", 2_000_000));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(Encoding.ASCII.GetBytes(endless), identity));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync([.. "age-encryption.org/v1\n"u8, .. new byte[10_000_000]], identity));
    }

    [Fact]
    public async Task Passes_through_in_little_memory()
    {
        AgeIdentity self = identity;
        await using Counting target = new();
        long before = GC.GetAllocatedBytesForCurrentThread();
        await AgeFile.EncryptAsync(new Zeros(200_000_000), target, [self.Recipient], CancellationToken.None);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
        Assert.True(target.Count > 200_000_000);
    }

    private static async Task<byte[]> EncryptAsync(byte[] plain, params AgeRecipient[] recipients)
    {
        using MemoryStream target = new();
        await AgeFile.EncryptAsync(new MemoryStream(plain), target, recipients, CancellationToken.None);
        return target.ToArray();
    }

    private static async Task<byte[]> DecryptAsync(byte[] file, params AgeIdentity[] identities)
    {
        await using Stream stream = await AgeFile.OpenAsync(new MemoryStream(file), identities, CancellationToken.None);
        using MemoryStream plain = new();
        await stream.CopyToAsync(plain);
        return plain.ToArray();
    }

    private byte[] DecryptSync(byte[] file)
    {
        using Stream stream = AgeFile.OpenAsync(new MemoryStream(file), [identity], CancellationToken.None).GetAwaiter().GetResult();
        using MemoryStream plain = new();
        stream.CopyTo(plain);
        return plain.ToArray();
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    private sealed class Zeros(long left) : Stream
    {
        private long left = left;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Take(count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Take(buffer.Length));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private int Take(int count)
        {
            int taken = (int)Math.Min(left, count);
            left -= taken;
            return taken;
        }
    }

    private sealed class Counting : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Count;

        public override long Position { get => Count; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Count += count;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
