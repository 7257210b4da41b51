using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Runtimes.Docker;

/// <summary>The engine refused a request: its status and its words.</summary>
internal sealed class EngineRefusalException(HttpStatusCode status, string path, string words) : IOException($"{path}: the engine answered {(int)status}: {words}")
{
    /// <summary>HTTP status.</summary>
    public HttpStatusCode Status { get; } = status;
}

/// <summary>What the headers of any answer say of the engine.</summary>
/// <param name="Kind"><c>docker</c> or <c>podman</c>.</param>
/// <param name="ApiVersion">The newest API it speaks; null when it does not say, and then it is no engine.</param>
/// <param name="Server">Its own name for itself, display form.</param>
internal sealed record EngineGreeting(string Kind, Version? ApiVersion, string Server);

/// <summary>
/// Raw requests to an engine. Evidence is read through <see cref="Open"/>: blocking sends and reads cost half the processor time of asynchronous ones, and
/// HTTP/1.1's chunk end proves the answer whole. Every failure is an <see cref="IOException"/>.
/// </summary>
internal sealed class EngineHttp(EngineTransport transport) : IDisposable
{
    private const int RefusalBytes = 4096;

    private readonly HttpClient blocking = new(transport.CreateHandler()) { BaseAddress = transport.BaseAddress, Timeout = EngineConnection.ReadTimeout };
    private readonly HttpClient pooled = new(transport.CreateHandler()) { BaseAddress = transport.BaseAddress, Timeout = EngineConnection.ReadTimeout };
    private EngineGreeting? greeting;

    /// <summary>What the last answer's headers said; null before the first answer.</summary>
    public EngineGreeting? Greeting => Volatile.Read(ref greeting);

    /// <summary>Opens an answer's body. Blocks until its headers are there.</summary>
    /// <param name="path">Path and query.</param>
    /// <param name="limitBytes">A longer body ends with an error.</param>
    /// <param name="ct">Cancels the wait for the headers.</param>
    /// <exception cref="EngineRefusalException">The engine said no.</exception>
    /// <exception cref="IOException">It could not be asked, or answers no HTTP.</exception>
    public Stream Open(string path, long limitBytes, CancellationToken ct)
    {
        HttpResponseMessage? response = null;
        try
        {
            using HttpRequestMessage request = Request(path);
            response = blocking.Send(request, HttpCompletionOption.ResponseHeadersRead, ct);
            Stream body = response.Content.ReadAsStream(ct);
            Check(response, path, body);
            EngineStream stream = new(response, body, path, limitBytes);
            response = null;
            return stream;
        }
        catch (Exception failure) when (AsIOException(failure, path, ct) is { } told)
        {
            throw told;
        }
        finally
        {
            response?.Dispose();
        }
    }

    /// <summary>Reads a whole answer into memory, asynchronously, for documents that are looked into.</summary>
    /// <exception cref="EngineRefusalException">The engine said no.</exception>
    /// <exception cref="IOException">It could not be asked, gave no answer in time, or too long a one.</exception>
    public Task<ReadOnlyMemory<byte>> ReadAsync(string path, int limitBytes, TimeSpan timeout, CancellationToken ct) =>
        SendAsync(HttpMethod.Get, path, null, limitBytes, timeout, ct);

    /// <summary>Asks the engine for something, with a JSON body where one is given, and reads the whole answer.</summary>
    /// <exception cref="EngineRefusalException">The engine said no.</exception>
    /// <exception cref="IOException">It could not be asked, gave no answer in time, or too long a one.</exception>
    public async Task<ReadOnlyMemory<byte>> SendAsync(HttpMethod method, string path, byte[]? json, int limitBytes, TimeSpan timeout, CancellationToken ct)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(timeout);
        try
        {
            using HttpRequestMessage request = Request(path);
            request.Method = method;
            if (json is not null)
            {
                request.Content = new ByteArrayContent(json);
                request.Content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/json");
            }

            using HttpResponseMessage response = await pooled.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            await using Stream body = await response.Content.ReadAsStreamAsync(deadline.Token);
            Check(response, path, body);
            ArrayBufferWriter<byte> content = new();
            int count;
            while ((count = await body.ReadAsync(content.GetMemory(16 * 1024), deadline.Token)) > 0)
            {
                content.Advance(count);
                if (content.WrittenCount > limitBytes)
                {
                    throw new IOException($"{path}: the answer is longer than {limitBytes} bytes");
                }
            }

            return content.WrittenMemory;
        }
        catch (Exception failure) when (AsIOException(failure, path, ct) is { } told)
        {
            throw told;
        }
    }

    public void Dispose()
    {
        blocking.Dispose();
        pooled.Dispose();
    }

    /// <summary>The failures of HTTP as the one kind collectors know; null for what is not one of them.</summary>
    internal static IOException? AsIOException(Exception failure, string path, CancellationToken ct) => failure switch
    {
        EngineRefusalException => null,
        HttpRequestException http => new IOException($"{path}: {Innermost(http)}", http),
        HttpIOException http => new IOException($"{path}: {http.Message}", http),
        OperationCanceledException when !ct.IsCancellationRequested =>
            new IOException(string.Create(CultureInfo.InvariantCulture, $"{path}: the engine gave no answer in time (at most {EngineConnection.ReadTimeout.TotalSeconds:0} s)"), failure),
        _ => null,
    };

    private static string Innermost(Exception failure)
    {
        while (failure.InnerException is { } inner)
        {
            failure = inner;
        }

        return DisplayText.Shorten(failure.Message, 300);
    }

    private static HttpRequestMessage Request(string path) =>
        new(HttpMethod.Get, new Uri(path, UriKind.Relative)) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private void Check(HttpResponseMessage response, string path, Stream body)
    {
        Volatile.Write(ref greeting, Greet(response));
        if (!response.IsSuccessStatusCode)
        {
            throw new EngineRefusalException(response.StatusCode, path, Words(body));
        }
    }

    private static EngineGreeting Greet(HttpResponseMessage response)
    {
        string server = Header(response, "Server") ?? "";
        bool isPodman = Header(response, "Libpod-API-Version") is not null || server.StartsWith("Libpod", StringComparison.OrdinalIgnoreCase);
        return new EngineGreeting(
            isPodman ? "podman" : "docker",
            Version.TryParse(Header(response, "Api-Version"), out Version? version) ? version : null,
            DisplayText.Shorten(server, 100));
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    private static string Words(Stream body)
    {
        byte[] buffer = new byte[RefusalBytes];
        int count;
        try
        {
            count = body.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            return "(its words could not be read)";
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(buffer.AsMemory(0, count));
            if (document.RootElement.Text("message") is { } message)
            {
                return DisplayText.Shorten(message, 500);
            }
        }
        catch (JsonException)
        {
            // Not the engine's form; shown as it came.
        }

        return DisplayText.Escape(buffer.AsSpan(0, Math.Min(count, 500)).TrimEnd((byte)'\n'));
    }
}
