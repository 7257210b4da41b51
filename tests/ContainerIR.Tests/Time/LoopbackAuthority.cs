using System.Formats.Asn1;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Time;

/// <summary>A time-stamp authority on the loopback interface: HTTP by hand, answers by <c>openssl ts -reply</c> or by the test.</summary>
internal sealed class LoopbackAuthority : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Func<byte[], NetworkStream, CancellationToken, Task> answer;
    private readonly Task serving;

    public LoopbackAuthority(Func<byte[], NetworkStream, CancellationToken, Task> answer)
    {
        this.answer = answer;
        listener.Start();
        serving = ServeAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/tsr";

    public List<string> ContentTypes { get; } = [];

    /// <summary>An honest one, with the keys in this folder.</summary>
    public static LoopbackAuthority Honest(TimestampKeys keys) => new(async (query, stream, ct) => await ReplyAsync(stream, keys.Reply(query), ct));

    public static LoopbackAuthority Answering(byte[] body) => new(async (_, stream, ct) => await ReplyAsync(stream, body, ct));

    public static async Task ReplyAsync(NetworkStream stream, byte[] body, CancellationToken ct)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n"), ct);
        await stream.WriteAsync(body, ct);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await serving;
        stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await listener.AcceptTcpClientAsync(stop.Token);
                try
                {
                    NetworkStream stream = client.GetStream();
                    await answer(await ReadRequestAsync(stream), stream, stop.Token);
                }
                catch (IOException)
                {
                    // The client gave up: the test looks at what the client said.
                }
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task<byte[]> ReadRequestAsync(NetworkStream stream)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, stop.Token);
            head.Append((char)one[0]);
        }

        string[] lines = head.ToString().Split("\r\n");
        ContentTypes.AddRange(lines.Where(line => line.StartsWith("Content-Type:", StringComparison.OrdinalIgnoreCase)));
        int length = int.Parse(lines.First(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, stop.Token);
        return body;
    }
}

/// <summary>A CA and a TSA certificate made by openssl.</summary>
internal sealed class TimestampKeys
{
    private readonly string folder;

    public TimestampKeys(TemporaryFolder parent, string name = "tsa", string usage = "extendedKeyUsage = critical, timeStamping")
    {
        folder = Directory.CreateDirectory(Path.Combine(parent.Path, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "ext"), $"basicConstraints = CA:FALSE\nkeyUsage = critical, digitalSignature\n{usage}\n");
        File.WriteAllText(Path.Combine(folder, "tsa.cnf"), $"""
            [tsa]
            default_tsa = t
            [t]
            serial = {folder}/serial
            signer_cert = {folder}/tsa.pem
            certs = {folder}/ca.pem
            signer_key = {folder}/tsa.key
            signer_digest = sha256
            default_policy = 1.3.6.1.4.1.55555.1
            digests = sha256
            accuracy = secs:1, millisecs:500
            ess_cert_id_alg = sha256
            """);
        RealEngine.Run("sh", "-c", $"""
            set -e; cd '{folder}'; echo 01 > serial
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 3650 -subj '/O=Some TSA/CN=Some TSA Root' 2>/dev/null
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj '/O=Some TSA/CN=Unit 1' 2>/dev/null
            openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 3000 -extfile ext 2>/dev/null
            """);
    }

    public string CaPath => Path.Combine(folder, "ca.pem");

    public IReadOnlyList<byte[]> Anchors => ContainerIR.Evidence.Seals.CertificateFile.Read(File.ReadAllText(CaPath));

    public byte[] Reply(byte[] query)
    {
        File.WriteAllBytes(Path.Combine(folder, "q"), query);
        RealEngine.Run("openssl", "ts", "-reply", "-config", Path.Combine(folder, "tsa.cnf"), "-queryfile", Path.Combine(folder, "q"), "-out", Path.Combine(folder, "r"));
        return File.ReadAllBytes(Path.Combine(folder, "r"));
    }

    /// <summary>The TSTInfo of an answer, signed anew with this certificate: openssl ts itself refuses to use an unfit one.</summary>
    public byte[] Forge(byte[] reply)
    {
        File.WriteAllBytes(Path.Combine(folder, "tst"), new Org.BouncyCastle.Tsp.TimeStampResponse(reply).TimeStampToken.TimeStampInfo.TstInfo.GetEncoded());
        RealEngine.Run("sh", "-c", $"cd '{folder}' && openssl cms -sign -binary -nodetach -cades -nosmimecap -econtent_type 1.2.840.113549.1.9.16.1.4 -in tst -signer tsa.pem -inkey tsa.key -md sha256 -outform DER -out token");
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
            }

            writer.WriteEncodedValue(File.ReadAllBytes(Path.Combine(folder, "token")));
        }

        return writer.Encode();
    }

    /// <summary>An answer to another question: other data, or another nonce.</summary>
    public byte[] ReplyTo(string queryArguments)
    {
        RealEngine.Run("sh", "-c", $"cd '{folder}' && openssl ts -query {queryArguments} -sha256 -cert -out q2 2>/dev/null");
        return Reply(File.ReadAllBytes(Path.Combine(folder, "q2")));
    }
}
