using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using ContainerIR.Evidence.Text;
using Org.BouncyCastle.Asn1.Nist;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Tsp;

namespace ContainerIR.Evidence.Time;

/// <summary>
/// Asks time-stamp authorities over HTTP (RFC 3161 section 3.4), one after the other until one gives a good token. Only a digest leaves this machine.
/// Answers are not trusted: a token is checked in full before it is given out.
/// </summary>
/// <param name="authorities">http or https addresses, in the order they are tried.</param>
/// <param name="timeout">How long one authority may take from connection to last byte.</param>
public sealed class TimestampClient(IReadOnlyList<Uri> authorities, TimeSpan timeout) : IDisposable
{
    /// <summary>A patient time-out for one authority.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(20);

    /// <summary>All authorities together are waited for no longer than this.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    private const int NonceBytes = 8;

    private readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, // a redirected POST becomes a GET, and the authority is the one the operator named
        UseCookies = false,
        MaxResponseHeadersLength = 16,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Reads addresses as typed.</summary>
    /// <exception cref="OperatorException">One is no http or https address, or there is none.</exception>
    public static TimestampClient Parse(IReadOnlyCollection<string> addresses, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        List<Uri> uris = [];
        foreach (string address in addresses)
        {
            uris.Add(Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"
                ? uri.UserInfo.Length == 0
                    ? uri
                    : throw new OperatorException("The address of a time-stamp authority holds a name or password.", "Every process of the host can read arguments: use an authority that asks for none.")
                : throw new OperatorException(
                    $"'{DisplayText.Shorten(address, 200)}' is no address of a time-stamp authority.", "Give one like: --tsa http://tsa.example.org/tsr"));
        }

        return uris.Count > 0
            ? new TimestampClient(uris, timeout)
            : throw new OperatorException("No time-stamp authority is named.", "Name one: --tsa URL; several are tried in order.");
    }

    /// <summary>Has a digest stamped.</summary>
    /// <param name="sha256">32 bytes.</param>
    /// <param name="ct">Stops.</param>
    /// <exception cref="OperatorException">No authority gave a good token; what each did wrong is named.</exception>
    public async Task<TimestampToken> RequestAsync(ReadOnlyMemory<byte> sha256, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sha256.Length, SHA256.HashSizeInBytes);
        List<string> failures = [];
        using CancellationTokenSource all = CancellationTokenSource.CreateLinkedTokenSource(ct);
        all.CancelAfter(LongestWait);
        foreach (Uri authority in authorities)
        {
            using CancellationTokenSource limited = CancellationTokenSource.CreateLinkedTokenSource(all.Token);
            limited.CancelAfter(timeout);
            try
            {
                return await AskAsync(authority, sha256, limited.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                failures.Add(string.Create(CultureInfo.InvariantCulture, $"{authority}: no whole answer within {timeout.TotalSeconds:0.#} s"));
            }
            catch (Exception failure) when (failure is HttpRequestException or IOException or FormatException)
            {
                failures.Add($"{authority}: {DisplayText.Shorten(failure.Message, 300)}");
            }
        }

        throw new OperatorException(
            $"No time-stamp authority gave a good token. {string.Join("; ", failures)}.",
            "Name another with --tsa URL, or seal without (policy tsa=optional) and add the token later: cir bundle timestamp BUNDLE --tsa URL");
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private async Task<TimestampToken> AskAsync(Uri authority, ReadOnlyMemory<byte> sha256, CancellationToken ct)
    {
        TimeStampRequestGenerator generator = new();
        generator.SetCertReq(true);
        BigInteger nonce = new(1, RandomNumberGenerator.GetBytes(NonceBytes));
        TimeStampRequest query = generator.Generate(NistObjectIdentifiers.IdSha256.Id, sha256.ToArray(), nonce);
        using HttpRequestMessage message = new(HttpMethod.Post, authority) { Content = new ByteArrayContent(query.GetEncoded()) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/timestamp-query");
        using HttpResponseMessage answer = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, ct);
        if (!answer.IsSuccessStatusCode)
        {
            throw new FormatException($"HTTP status {(int)answer.StatusCode}");
        }

        await using Stream body = await answer.Content.ReadAsStreamAsync(ct);
        byte[] buffer = new byte[TimestampToken.MaxBytes + 1];
        int count = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
        return TimestampToken.Verify(buffer.AsMemory(0, count).ToArray(), sha256.Span, query);
    }
}
