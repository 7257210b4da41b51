using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Exporters;
using ContainerIR.Shippers;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Exporters;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Shippers;

/// <summary><c>cir ship</c> against a real rsyslog and against receivers that take their protocol at its word.</summary>
public sealed partial class A_shipment : IAsyncLifetime, IDisposable
{
    private readonly SomeTerminal terminal = new();
    private SealedBundle bundle = null!;
    private HashSet<string> ids = [];

    public async ValueTask InitializeAsync() => await UseAsync("EV-small", 0);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose() => terminal.Dispose();

    [Fact]
    public async Task Over_tls_loses_nothing_when_rsyslog_is_killed_twice_in_the_middle()
    {
        await UseAsync("EV-many", 4000);
        using Rsyslog receiver = new(terminal.Folder, isEncrypted: true);
        await receiver.StartAsync();

        Task<int> run = terminal.RunAsync("ship", $"syslog+tls://localhost:{receiver.Port}", bundle.Path, "--ca", receiver.Authority, "--batch", "100");
        foreach (int half in (int[])[1500, 4000])
        {
            await RealEngine.Until(() => receiver.Lines.Count > half || run.IsCompleted, "lines to arrive");
            await receiver.KillAsync();
            await receiver.StartAsync();
        }

        Assert.True(await run == 0, terminal.Error);
        Assert.Matches("again in", terminal.Error);
        Assert.Empty(ids.Except(IdsIn(receiver.Lines)));
    }

    [Fact]
    public async Task Goes_on_where_it_was_after_it_gave_up()
    {
        await UseAsync("EV-many", 4000);
        using Rsyslog receiver = new(terminal.Folder, isEncrypted: false);
        await receiver.StartAsync();
        string[] command = ["ship", $"syslog+tcp://127.0.0.1:{receiver.Port}", bundle.Path, "--batch", "50", "--give-up", "1"];
        Task<int> first = terminal.RunAsync(command);
        await RealEngine.Until(() => receiver.Lines.Count > 1000 || first.IsCompleted, "lines to arrive");
        await receiver.KillAsync();
        Assert.Equal(2, await first);
        Assert.Contains("run the same command again", terminal.Error, StringComparison.Ordinal);
        await receiver.StartAsync();

        Assert.Equal(0, await terminal.RunAsync(command));
        Assert.Empty(ids.Except(IdsIn(receiver.Lines)));
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync(command));
        Assert.Contains("Sent     0 events", terminal.Out, StringComparison.Ordinal);
        Assert.Contains($"{ids.Count:N0} events had arrived", terminal.Out.Replace("\u202f", ",", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_tls_is_refused_to_a_receiver_whose_certificate_does_not_verify()
    {
        using Rsyslog receiver = new(terminal.Folder, isEncrypted: true);
        await receiver.StartAsync();

        Assert.Equal(2, await terminal.RunAsync("ship", $"syslog+tls://localhost:{receiver.Port}", bundle.Path));
        Assert.Contains("does not verify", terminal.Error, StringComparison.Ordinal);

        // The right authority, another name.
        Assert.Equal(2, await terminal.RunAsync("ship", $"syslog+tls://127.0.0.1:{receiver.Port}", bundle.Path, "--ca", receiver.Authority));
        Assert.Empty(receiver.Lines);
    }

    [Fact]
    public async Task As_syslog_is_what_rsyslog_reads_as_rfc_5424()
    {
        using Rsyslog receiver = new(terminal.Folder, isEncrypted: false);
        await receiver.StartAsync();

        Assert.Equal(0, await terminal.RunAsync("ship", $"syslog+tcp://127.0.0.1:{receiver.Port}", bundle.Path));

        Assert.Equal(ids.Count, receiver.Lines.Count);
        Assert.All(receiver.Lines, line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)\|web-01\.example\|cir\|(file|process|socket|log|engine|engine-other|custody|finding)\|\[containerir@32473 id=""[0-9a-f]{32}"" ", line));
        Assert.Contains(receiver.Lines, line => line.Contains("""added /tmp/two\nlines\r\n0|forged""", StringComparison.Ordinal));
    }

    [Fact]
    public async Task As_cef_escapes_what_cef_separates()
    {
        using Rsyslog receiver = new(terminal.Folder, isEncrypted: false);
        await receiver.StartAsync();

        Assert.Equal(0, await terminal.RunAsync("ship", $"syslog+tcp://127.0.0.1:{receiver.Port}", bundle.Path, "--cef"));

        Assert.All(receiver.Lines, line => Assert.Contains("CEF:0|ContainerIR|cir|1|", line, StringComparison.Ordinal));
        Assert.Contains(receiver.Lines, line => line.Contains(@"filePath=/srv/\=cmd|' /C calc'!A0 ", StringComparison.Ordinal));
        Assert.Contains(receiver.Lines, line => line.Contains(@"/tmp/two\\nlines", StringComparison.Ordinal));
    }

    [Fact]
    public void Has_at_most_six_digits_of_a_second()
    {
        Assert.Equal("2023-11-14T22:13:20.000000Z", SyslogMessage.Time(1_700_000_000_000_000_001));
        Assert.Equal("2099-12-31T23:59:59.999999Z", SyslogMessage.Time(4_102_444_799_999_999_999));

        // NILVALUE: what a file claims, no receiver believes.
        Assert.Equal("-", SyslogMessage.Time(-1));
        Assert.Equal("-", SyslogMessage.Time(4_102_444_800_000_000_000));
    }

    [Fact]
    public async Task To_splunk_counts_when_the_indexer_acknowledges()
    {
        int asked = 0, posts = 0;
        using SomeReceiver receiver = new(request =>
        {
            if (request.Authorization != "Splunk secret" || request.Channel is null)
            {
                return (401, """{"text":"Invalid token","code":4}""");
            }

            if (request.Path.StartsWith("/services/collector/ack?channel=", StringComparison.Ordinal))
            {
                string acks = string.Join(',', JsonDocument.Parse(request.Body).RootElement.GetProperty("acks").EnumerateArray().Select(ack => $"\"{ack}\":{(++asked > 1 ? "true" : "false")}"));
                return (200, $"{{\"acks\":{{{acks}}}}}");
            }

            return ++posts == 1 ? (503, """{"text":"Server is busy","code":9}""") : (200, $"{{\"text\":\"Success\",\"code\":0,\"ackId\":{posts}}}");
        });
        string token = Path.Combine(terminal.Folder, "token");
        File.WriteAllText(token, "secret\n");

        Assert.True(await terminal.RunAsync("ship", $"splunk+http://127.0.0.1:{receiver.Port}", bundle.Path, "--token-file", token, "--batch", "20") == 0, terminal.Error);

        Assert.True(asked > 2);
        List<JsonElement> events = [.. receiver.Requests.Where(request => request.Path == "/services/collector/event").Skip(1).SelectMany(request => request.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(ids, [.. events.Select(each => each.GetProperty("event").GetProperty("event").GetProperty("id").GetString()!)]);
        Assert.All(events, each => Assert.NotEmpty(each.GetProperty("sourcetype").GetString()!));
    }

    [Fact]
    public async Task To_elastic_takes_a_conflict_for_an_arrival_and_tells_what_is_refused()
    {
        HashSet<string> stored = [];
        bool isFirst = true;
        using SomeReceiver receiver = new(request =>
        {
            string[] lines = request.Body.Split('\n');
            if (request.Path != "/evidence/_bulk" || request.ContentType != "application/x-ndjson" || lines[^1].Length > 0 || lines.Length % 2 != 1)
            {
                return (400, """{"error":"bad request"}""");
            }

            List<string> items = [];
            for (int i = 0; i + 1 < lines.Length; i += 2)
            {
                string id = JsonDocument.Parse(lines[i]).RootElement.GetProperty("create").GetProperty("_id").GetString()!;
                Assert.Equal(id, JsonDocument.Parse(lines[i + 1]).RootElement.GetProperty("event").GetProperty("id").GetString());
                bool isLater = isFirst && i > 4;
                items.Add($"{{\"create\":{{\"_id\":\"{id}\",\"status\":{(isLater ? 429 : i == 0 && stored.Contains(id) ? 409 : stored.Count == 9 ? 400 : 201)}{(stored.Count == 9 ? ",\"error\":{\"reason\":\"mapper\"}" : "")}}}}}");
                if (!isLater)
                {
                    stored.Add(id);
                }
            }

            isFirst = false;
            return (200, $"{{\"errors\":true,\"items\":[{string.Join(',', items)}]}}");
        });

        Assert.True(await terminal.RunAsync("ship", $"elastic+http://127.0.0.1:{receiver.Port}/evidence", bundle.Path, "--batch", "30") == 0, terminal.Error);

        Assert.Equal(ids, stored);
        Assert.Contains("put", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("Refused", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("mapper", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task To_a_webhook_and_gelf_over_http_ends_at_once_when_the_token_is_wrong()
    {
        terminal.Variables["CIR_SHIP_TOKEN"] = "t0ken";
        using SomeReceiver receiver = new(request => request.Authorization == "Bearer t0ken" ? (202, "") : (403, "no"));

        Assert.True(await terminal.RunAsync("ship", $"webhook+http://127.0.0.1:{receiver.Port}/in", bundle.Path) == 0, terminal.Error);
        Assert.Equal(ids, [.. receiver.Requests.SelectMany(request => request.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetProperty("id").GetString()!)]);
        receiver.Requests.Clear();
        Assert.True(await terminal.RunAsync("ship", $"gelf+http://127.0.0.1:{receiver.Port}", bundle.Path) == 0, terminal.Error);
        Assert.Equal(ids, [.. receiver.Requests.Select(request => CheckGelf(request.Body))]);
        Assert.All(receiver.Requests, request => Assert.Equal("/gelf", request.Path));

        terminal.Variables["CIR_SHIP_TOKEN"] = "wrong";
        Assert.Equal(2, await terminal.RunAsync("ship", $"webhook+http://127.0.0.1:{receiver.Port}/other", bundle.Path));
        Assert.Contains("Check the token", terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_tcp_as_gelf_ends_each_message_with_a_nul()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<byte[]> received = Task.Run(async () =>
        {
            using MemoryStream all = new();
            for (int connection = 0; connection < 2; connection++)
            {
                using TcpClient peer = await listener.AcceptTcpClientAsync();
                await peer.GetStream().CopyToAsync(all);
            }

            return all.ToArray();
        });

        Assert.True(await terminal.RunAsync("ship", $"gelf+tcp://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", bundle.Path) == 0, terminal.Error);

        string text = Encoding.UTF8.GetString(await received);
        Assert.EndsWith("\0", text, StringComparison.Ordinal);
        Assert.Equal(ids, [.. text.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(CheckGelf)]);
    }

    [Fact]
    public async Task Over_udp_as_gelf_is_cut_into_chunks_that_fit_together()
    {
        using UdpClient receiver = new(new IPEndPoint(IPAddress.Loopback, 0));
        receiver.Client.ReceiveBufferSize = 8 << 20;

        Assert.Equal(0, await terminal.RunAsync("ship", $"gelf+udp://127.0.0.1:{((IPEndPoint)receiver.Client.LocalEndPoint!).Port}", bundle.Path));

        List<string> messages = [];
        Dictionary<string, SortedDictionary<int, byte[]>> parts = [];
        while (receiver.Available > 0)
        {
            byte[] datagram = (await receiver.ReceiveAsync()).Buffer;
            Assert.InRange(datagram.Length, 1, 1412);
            if (datagram is [0x1e, 0x0f, ..])
            {
                string id = Convert.ToHexString(datagram.AsSpan(2, 8));
                (parts.TryGetValue(id, out SortedDictionary<int, byte[]>? known) ? known : parts[id] = []).Add(datagram[10], datagram[12..]);
                if (parts[id].Count == datagram[11])
                {
                    messages.Add(Encoding.UTF8.GetString([.. parts[id].Values.SelectMany(part => part)]));
                    parts.Remove(id);
                }
            }
            else
            {
                messages.Add(Encoding.UTF8.GetString(datagram));
            }
        }

        Assert.Empty(parts);
        Assert.Equal(ids, [.. messages.Select(CheckGelf)]);
        Assert.Contains("nobody acknowledges UDP", terminal.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://x:1", "is no receiver")]
    [InlineData("syslog+tcp://x", "is no receiver")]
    [InlineData("webhook+https://user:pw@x/", "password in an argument")]
    [InlineData("splunk+https://x:8088", "wants a token")]
    public async Task Is_refused_to_what_is_no_receiver(string target, string said)
    {
        Assert.Equal(2, await terminal.RunAsync("ship", target, bundle.Path));
        Assert.Contains(said, terminal.Error, StringComparison.Ordinal);
    }

    private static string CheckGelf(string message)
    {
        // GELF 1.1: version, host, short_message are demanded; additional names match ^_[\w.-]*$ and are not _id; values are text or numbers.
        JsonElement root = JsonDocument.Parse(message).RootElement;
        Assert.Equal("1.1", root.GetProperty("version").GetString());
        Assert.NotEmpty(root.GetProperty("host").GetString()!);
        Assert.NotEmpty(root.GetProperty("short_message").GetString()!);
        Assert.Equal(JsonValueKind.Number, root.GetProperty("timestamp").ValueKind);
        Assert.InRange(root.GetProperty("level").GetInt32(), 0, 7);
        foreach (JsonProperty field in root.EnumerateObject().Where(field => field.Name is not ("version" or "host" or "short_message" or "timestamp" or "level")))
        {
            Assert.Matches(@"^_[\w.\-]*$", field.Name);
            Assert.NotEqual("_id", field.Name);
            Assert.Equal(JsonValueKind.String, field.Value.ValueKind);
            Assert.True(field.Value.GetString()!.Length < 32_766);
        }

        return root.GetProperty("_event_id").GetString()!;
    }

    private static HashSet<string> IdsIn(IEnumerable<string> lines) => [.. lines.Select(line => EventId().Match(line).Groups[1].Value)];

    private async Task UseAsync(string name, int extraFiles)
    {
        bundle = await SomeHandoutBundle.MakeAsync(terminal.Folder, name, extraFiles);
        VerifiedBundle opened = (await HandoutSource.OpenAsync(new ContainerIR.Cases.CaseHome(terminal.Home), bundle.Path, ContainerIR.Analyzers.AllowList.None, CancellationToken.None)).Bundles[0];
        ids = [.. EvidenceEvents.Read(opened, CancellationToken.None).Select(e => e.IdIn(opened.Record.BundleId))];
        Assert.True(ids.Count > 40, ids.Count.ToString(CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("""id="([0-9a-f]{32})" """)]
    private static partial Regex EventId();
}
