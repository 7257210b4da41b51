using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Shippers;

/// <summary>What receivers over HTTP have in common: a status that can be mended by waiting is a <see cref="DeliveryException"/>; one that cannot ends the run.</summary>
internal abstract class HttpShipper(ShipTarget target) : IShipper
{
    private const int MaxSaid = 300;

    private readonly HttpClient http = SecureTransport.ClientFor(target);

    public TimeSpan InDoubt => TimeSpan.Zero;

    public abstract Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct);

    public Task ProbeAsync(CancellationToken ct) => Task.CompletedTask;

    public void Dispose()
    {
        http.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Posts a body and gives the answer's.</summary>
    protected async Task<byte[]> PostAsync(Uri address, byte[] body, string contentType, Action<HttpRequestMessage>? dress, CancellationToken ct)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        dress?.Invoke(request);
        try
        {
            using HttpResponseMessage answer = await http.SendAsync(request, ct);
            byte[] said = await answer.Content.ReadAsByteArrayAsync(ct);
            int status = (int)answer.StatusCode;
            string words = $"{target.Shown} answered {status}: {DisplayText.Shorten(System.Text.Encoding.UTF8.GetString(said), MaxSaid)}";
            return answer.IsSuccessStatusCode ? said
                : status is 408 or 429 or >= 500 ? throw new DeliveryException(words)
                : throw new OperatorException(words, status is 401 or 403 ? "Check the token: --token-file FILE or CIR_SHIP_TOKEN." : "Check the address and what the receiver takes.");
        }
        catch (HttpRequestException failure) when (failure.InnerException is AuthenticationException)
        {
            throw NotTrusted(target, failure.InnerException);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException || (failure is TaskCanceledException && !ct.IsCancellationRequested))
        {
            throw new DeliveryException($"{target.Shown}: {failure.Message}", failure);
        }
    }

    /// <summary>A certificate that does not verify is never waited for.</summary>
    public static OperatorException NotTrusted(ShipTarget target, Exception failure) => new(
        $"{target.Shown} has a certificate that does not verify: {DisplayText.Shorten(failure.Message, MaxSaid)}", "Give the certificates of its authority: --ca FILE, and check the host's name.", failure);

    /// <summary>Sends a token as it is when it says its own scheme (<c>Basic …</c>), else with the scheme given.</summary>
    protected void Authorize(HttpRequestMessage request, string scheme)
    {
        if (target.Token is { } token)
        {
            request.Headers.TryAddWithoutValidation("Authorization", token.Contains(' ', StringComparison.Ordinal) ? token : $"{scheme} {token}");
        }
    }

    /// <summary>An answer as JSON.</summary>
    protected JsonDocument Read(byte[] answer)
    {
        try
        {
            return JsonDocument.Parse(answer);
        }
        catch (JsonException failure)
        {
            throw new DeliveryException($"{target.Shown} answered something that is not JSON: {failure.Message}", failure);
        }
    }

    protected static byte[] Lines(IReadOnlyList<ShippedEvent> batch, Action<Utf8JsonWriter, ShippedEvent> write)
    {
        using MemoryStream body = new();
        foreach (ShippedEvent each in batch)
        {
            using (Utf8JsonWriter json = new(body))
            {
                json.WriteStartObject();
                write(json, each);
                json.WriteEndObject();
            }

            body.WriteByte((byte)'\n');
        }

        return body.ToArray();
    }

    protected static long? Status(JsonElement item) => item.EnumerateObject().FirstOrDefault().Value.Number("status");

    /// <summary>Statuses by which a server says "later".</summary>
    protected static bool IsForLater(long status) => status == (long)HttpStatusCode.TooManyRequests || status >= 500;
}
