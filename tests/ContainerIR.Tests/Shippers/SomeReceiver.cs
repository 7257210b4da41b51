using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ContainerIR.Tests.Shippers;

/// <summary>A receiver over HTTP that answers as a test says and keeps what it was sent.</summary>
internal sealed class SomeReceiver : IDisposable
{
    private readonly HttpListener listener = new();

    public SomeReceiver(Func<SentRequest, (int Status, string Body)> answer)
    {
        Port = FreePort();
        listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
        listener.Start();
        _ = ServeAsync(answer);
    }

    public int Port { get; }

    public ConcurrentQueue<SentRequest> Requests { get; } = new();

    public static int FreePort()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public void Dispose() => listener.Close();

    private async Task ServeAsync(Func<SentRequest, (int Status, string Body)> answer)
    {
        while (listener.IsListening)
        {
            try
            {
                HttpListenerContext context = await listener.GetContextAsync();
                using StreamReader body = new(context.Request.InputStream, new UTF8Encoding(false, true));
                SentRequest request = new(context.Request.Url!.PathAndQuery, context.Request.Headers["Authorization"], context.Request.Headers["X-Splunk-Request-Channel"], context.Request.ContentType, await body.ReadToEndAsync());
                Requests.Enqueue(request);
                (int status, string said) = answer(request);
                context.Response.StatusCode = status;
                // With a length: an empty chunk would end the answer twice, and the second end would stand where the next answer begins.
                byte[] answered = Encoding.UTF8.GetBytes(said);
                context.Response.ContentLength64 = answered.Length;
                context.Response.Close(answered, willBlock: false);
            }
            catch (Exception end) when (end is HttpListenerException or ObjectDisposedException)
            {
                // One sender hung up, or the test is over: the condition of the loop tells which.
            }
        }
    }
}

/// <summary>A request as it came.</summary>
internal sealed record SentRequest(string Path, string? Authorization, string? Channel, string? ContentType, string Body);
