using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ContainerIR.Tests.Some;

/// <summary>A Unix socket that answers each request with what a test says: an engine that lies, breaks or is not one.</summary>
internal sealed class FakeEngine : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-fake-").FullName;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <param name="answer">From the path asked to the raw bytes sent; then the connection is closed.</param>
    public FakeEngine(Func<string, byte[]> answer)
    {
        SocketPath = Path.Combine(folder, "engine.sock");
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen(64);
        new Thread(() => Serve(answer)) { IsBackground = true }.Start();
    }

    public string SocketPath { get; }

    public string Endpoint => "unix://" + SocketPath;

    /// <summary>Paths asked, in order.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>A whole answer.</summary>
    public static byte[] Json(string body, HttpStatusCode status = HttpStatusCode.OK, string headers = "Api-Version: 1.41\r\nServer: Docker/20.10 (linux)\r\n")
    {
        byte[] content = Encoding.UTF8.GetBytes(body);
        return [.. Encoding.ASCII.GetBytes($"HTTP/1.1 {(int)status} X\r\n{headers}Content-Type: application/json\r\nContent-Length: {content.Length}\r\nConnection: close\r\n\r\n"), .. content];
    }

    public void Dispose()
    {
        listener.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private void Serve(Func<string, byte[]> answer)
    {
        while (true)
        {
            try
            {
                using Socket peer = listener.Accept();
                byte[] buffer = new byte[8192];
                int count = peer.Receive(buffer);
                if (count == 0)
                {
                    continue;
                }

                string path = Encoding.ASCII.GetString(buffer, 0, count).Split(' ', 3) is [_, var asked, _] ? asked : "";
                Asked.Enqueue(path);
                peer.Send(answer(path));
                peer.Shutdown(SocketShutdown.Both);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                if (!listener.IsBound)
                {
                    return;
                }
            }
        }
    }
}
