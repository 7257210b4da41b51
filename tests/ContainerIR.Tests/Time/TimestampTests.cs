using System.Net.Sockets;
using System.Security.Cryptography;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Time;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Time;

public sealed class A_time_stamp_token : IDisposable
{
    private static readonly byte[] Content = "what is stamped"u8.ToArray();
    private static readonly byte[] Digest = SHA256.HashData(Content);

    private readonly TemporaryFolder folder = new();
    private readonly TimestampKeys keys;

    public A_time_stamp_token() => keys = new TimestampKeys(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task From_a_real_responder_passes_openssl_ts_verify()
    {
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);

        TimestampToken token = await AskAsync(authority);
        await File.WriteAllBytesAsync(At("f"), Content);
        await File.WriteAllBytesAsync(At("f.tsr"), token.Encoded);

        RealEngine.Run("openssl", "ts", "-verify", "-data", At("f"), "-in", At("f.tsr"), "-CAfile", keys.CaPath);
        Assert.Equal("1.3.6.1.4.1.55555.1", token.Policy);
        Assert.Contains("Unit 1", token.Authority, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(1.5), token.Accuracy);
        Assert.InRange((DateTimeOffset.UtcNow - token.GeneratedAt).TotalMinutes, -5, 5);
        Assert.Null(token.WhyNotAnchored(keys.Anchors));
        Assert.NotNull(token.WhyNotAnchored(new TimestampKeys(folder, "other").Anchors));
        Assert.Contains("application/timestamp-query", authority.ContentTypes.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_back_says_what_it_said_when_it_came()
    {
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);
        TimestampToken token = await AskAsync(authority);

        TimestampToken again = TimestampToken.Verify(token.Encoded, Digest);

        Assert.Equal(token.ToString(), again.ToString());
        Assert.Throws<FormatException>(() => TimestampToken.Verify(token.Encoded, SHA256.HashData("other"u8)));
        Assert.Throws<FormatException>(() => TimestampToken.Verify((byte[])[.. token.Encoded.Span, 0], Digest));
    }

    [Fact]
    public async Task Comes_from_the_first_authority_that_gives_a_good_one()
    {
        await using LoopbackAuthority bad = LoopbackAuthority.Answering([1, 2, 3]);
        await using LoopbackAuthority good = LoopbackAuthority.Honest(keys);
        using TimestampClient client = TimestampClient.Parse(["http://127.0.0.1:1/none", bad.Url, good.Url], TimeSpan.FromSeconds(20));

        Assert.Contains("Unit 1", (await client.RequestAsync(Digest, CancellationToken.None)).Authority, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_refused_when_it_is_of_other_data_or_an_older_question()
    {
        await RefusedAsync(LoopbackAuthority.Answering(keys.ReplyTo("-digest " + new string('a', 64))));
        await RefusedAsync(LoopbackAuthority.Answering(keys.ReplyTo("-digest " + Convert.ToHexStringLower(Digest))));
        await RefusedAsync(LoopbackAuthority.Answering(keys.ReplyTo("-no_nonce -digest " + Convert.ToHexStringLower(Digest))));
    }

    [Theory]
    [InlineData("extendedKeyUsage = critical, timeStamping", true)]
    [InlineData("extendedKeyUsage = timeStamping", false)]
    [InlineData("extendedKeyUsage = critical, timeStamping, emailProtection", false)]
    [InlineData("extendedKeyUsage = critical, emailProtection", false)]
    [InlineData("subjectKeyIdentifier = hash", false)]
    public void Is_refused_when_its_certificate_is_not_for_time_stamps_alone(string usage, bool isGood)
    {
        byte[] reply = new TimestampKeys(folder, "forger", usage).Forge(keys.Reply(Query()));

        Exception? failure = Record.Exception(() => TimestampToken.Verify(reply, Digest));

        Assert.Equal(isGood ? null : typeof(FormatException), failure?.GetType());
    }

    [Fact]
    public async Task Is_refused_when_it_is_garbage_or_too_large()
    {
        await RefusedAsync(LoopbackAuthority.Answering([]));
        await RefusedAsync(LoopbackAuthority.Answering(RandomNumberGenerator.GetBytes(2000)));
        await RefusedAsync(LoopbackAuthority.Answering(new byte[1_000_000]));
        await RefusedAsync(LoopbackAuthority.Answering([.. Enumerable.Repeat((byte)0x30, 40_000)]));
        await RefusedAsync(LoopbackAuthority.Answering([.. Enumerable.Range(0, 30_000).SelectMany(_ => (byte[])[0x30, 0x80])]));
    }

    [Fact]
    public async Task Is_not_waited_for_longer_than_told()
    {
        await RefusedAsync(new LoopbackAuthority((_, _, ct) => Task.Delay(Timeout.Infinite, ct)), TimeSpan.FromMilliseconds(300));
        await RefusedAsync(new LoopbackAuthority(DripAsync), TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task Is_not_fetched_from_where_an_authority_redirects_to()
    {
        await RefusedAsync(new LoopbackAuthority(async (_, stream, ct) =>
            await stream.WriteAsync("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), ct)));
    }

    [Property(MaxTest = 400)]
    public bool With_changed_bytes_is_never_read_as_another_time(int seed)
    {
        byte[] reply = LazyReply.Value;
        TimestampToken good = TimestampToken.Verify(reply, Digest);
        Random random = new(seed);
        byte[] changed = [.. reply];
        for (int i = 0; i < 1 + (seed & 3); i++)
        {
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
        }

        try
        {
            return TimestampToken.Verify(changed, Digest).GeneratedAt == good.GeneratedAt;
        }
        catch (FormatException)
        {
            return true;
        }
    }

    private static readonly Lazy<byte[]> LazyReply = new(() =>
    {
        using TemporaryFolder folder = new();
        return new TimestampKeys(folder).Reply(Query());
    });

    private static byte[] Query() => new Org.BouncyCastle.Tsp.TimeStampRequestGenerator { }.WithCertificates().Generate("2.16.840.1.101.3.4.2.1", Digest).GetEncoded();

    private static async Task DripAsync(byte[] query, NetworkStream stream, CancellationToken ct)
    {
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"u8.ToArray(), ct);
        using PeriodicTimer slow = new(TimeSpan.FromMilliseconds(50));
        while (await slow.WaitForNextTickAsync(ct))
        {
            await stream.WriteAsync(new byte[1], ct);
        }
    }

    private static async Task RefusedAsync(LoopbackAuthority authority, TimeSpan? timeout = null)
    {
        await using (authority)
        {
            OperatorException failure = await Assert.ThrowsAsync<OperatorException>(() => AskAsync(authority, timeout));
            Assert.Contains(authority.Url, failure.Message, StringComparison.Ordinal);
        }
    }

    private static async Task<TimestampToken> AskAsync(LoopbackAuthority authority, TimeSpan? timeout = null)
    {
        using TimestampClient client = TimestampClient.Parse([authority.Url], timeout ?? TimeSpan.FromSeconds(30));
        return await client.RequestAsync(Digest, CancellationToken.None);
    }

    private string At(string name) => Path.Combine(folder.Path, name);
}

file static class Requests
{
    public static Org.BouncyCastle.Tsp.TimeStampRequestGenerator WithCertificates(this Org.BouncyCastle.Tsp.TimeStampRequestGenerator generator)
    {
        generator.SetCertReq(true);
        return generator;
    }
}
