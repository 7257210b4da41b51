using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors.Traffic;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>A capture of a real container's interfaces, read by the tools a laboratory has.</summary>
public sealed class A_traffic_capture : IDisposable
{
    private readonly TrafficSetting setting = new();

    public void Dispose() => setting.Dispose();

    [Fact]
    public async Task Has_every_packet_in_order_with_its_bytes_and_direction()
    {
        string network = setting.Network();
        TestContainer a = setting.Start("--network", network);
        TestContainer b = setting.Start("--network", network);
        byte[][] sent = [.. Enumerable.Range(0, 200).Select(i => TrafficSetting.Pattern(i * 7, i))];
        byte[][] answers = [.. Enumerable.Range(0, 50).Select(i => TrafficSetting.Pattern(30 + i, 1000 + i))];

        await using TrafficCapture capture = setting.Capture(a);
        Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, network), 47001, sent, fromPort: 47002);
        Sender.In(b.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(a, network), 47002, answers, fromPort: 47001);
        await capture.StopAsync(default);

        List<string[]> seen = setting.Tshark("udp.dstport==47001 && !icmp", "udp.payload", "udp.length", "frame.packet_flags_direction");
        Assert.Equal(sent.Select(Convert.ToHexStringLower), seen.Select(fields => fields[0]));
        Assert.All(seen, fields => Assert.Equal("0x00000001", fields[2])); // into the host's end: sent by the container
        List<string[]> back = setting.Tshark("udp.dstport==47002 && !icmp", "udp.payload", "frame.packet_flags_direction");
        Assert.Equal(answers.Select(Convert.ToHexStringLower), back.Select(fields => fields[0]));
        Assert.All(back, fields => Assert.Equal("0x00000002", fields[1]));

        JsonElement flow = setting.Rows("flows.jsonl").Single(row => row.GetProperty("protocol").GetInt32() == 17 && row.GetProperty("source_port").GetInt32() == 47002);
        Assert.Equal((200, 50), (flow.GetProperty("packets").GetInt64(), flow.GetProperty("packets_back").GetInt64()));
        Assert.Equal(sent.Sum(bytes => 42L + bytes.Length), flow.GetProperty("bytes").GetInt64());
        Assert.True(flow.GetProperty("from_container").GetBoolean());
        Assert.Equal(TrafficSetting.AddressOf(b, network).ToString(), flow.GetProperty("destination").GetString());
        Assert.All(setting.Sink.Items, item => Assert.Equal(ItemStatus.Complete, item.Status));
        Assert.Empty(setting.Sink.Gaps);
        Assert.Empty(setting.Sink.Effects);
    }

    [Fact]
    public async Task Has_a_tcp_stream_byte_for_byte()
    {
        string network = setting.Network();
        TestContainer a = setting.Start("--network", network);
        TestContainer b = setting.Start("--network", network);
        byte[] sent = TrafficSetting.Pattern(300_000, 5);
        using Socket listener = Sender.In(b.InitPid).Open(SocketType.Stream);
        listener.Bind(new IPEndPoint(IPAddress.Any, 47003));
        listener.Listen();

        await using TrafficCapture capture = setting.Capture(a);
        using (Socket client = Sender.In(a.InitPid).Open(SocketType.Stream))
        {
            await client.ConnectAsync(TrafficSetting.AddressOf(b, network), 47003);
            using Socket server = await listener.AcceptAsync();
            Task<int> sending = client.SendAsync(sent);
            byte[] received = new byte[sent.Length];
            for (int count = 0; count < received.Length;)
            {
                count += await server.ReceiveAsync(received.AsMemory(count));
            }

            Assert.Equal(sent.Length, await sending);
        }

        await capture.StopAsync(default);
        string raw = RealEngine.Run("tshark", "-n", "-r", setting.Pcap, "-q", "-z", "follow,tcp,raw,0");
        string hex = string.Concat(raw.Split('\n').Where(line => line.Length > 0 && line.All(char.IsAsciiHexDigitLower)));
        Assert.Equal(Convert.ToHexStringLower(sent), hex);
        JsonElement flow = setting.Rows("flows.jsonl").Single(row => row.GetProperty("protocol").GetInt32() == 6);
        Assert.Equal(2, flow.GetProperty("tcp_flags").GetInt32() & 2);
    }

    [Fact]
    public async Task Is_read_by_capinfos_tcpdump_and_tshark_with_interfaces_and_counters()
    {
        string first = setting.Network();
        string second = setting.Network();
        TestContainer a = setting.Start("--network", first);
        _ = RealEngine.Docker("network", "connect", second, a.Id);
        TestContainer b = setting.Start("--network", second);

        await using TrafficCapture capture = setting.Capture(a);
        Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, second), 47001, [TrafficSetting.Pattern(100, 1), TrafficSetting.Pattern(100, 2)]);
        await capture.StopAsync(default);

        Assert.Equal(["eth0", "eth1"], capture.Taps.Select(tap => tap.ContainerName).Order());
        Assert.All(capture.Taps, tap => Assert.True(tap.IsHostSide));
        string infos = RealEngine.Run("capinfos", setting.Pcap);
        Assert.Contains("Number of interfaces in file: 2", infos, StringComparison.Ordinal);
        Assert.Contains("Time resolution = 0x09", infos, StringComparison.Ordinal);
        Assert.Contains("Capture application: ContainerIR", infos, StringComparison.Ordinal);
        Assert.Contains("Number of stat entries = 1", infos, StringComparison.Ordinal);
        Assert.Equal(2, RealEngine.Run("tcpdump", "-n", "-r", setting.Pcap, "udp port 47001").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        string expected = capture.Taps.Single(tap => tap.ContainerName == "eth1").Name;
        Assert.Equal([expected, expected], setting.Tshark("udp.port==47001 && !icmp", "frame.interface_name").Select(fields => fields[0]));

        JsonElement[] interfaces = [.. setting.Summary.GetProperty("interfaces").EnumerateArray()];
        Assert.All(interfaces, item => Assert.False(item.GetProperty("visible_to_container").GetBoolean()));
        Assert.All(interfaces, item => Assert.Equal(0, item.GetProperty("dropped_packets").GetInt64()));
        Assert.All(interfaces, item => Assert.Equal(item.GetProperty("received_packets").GetInt64(), item.GetProperty("packets").GetInt64()));
        Assert.Equal("stopped", setting.Summary.GetProperty("ended_by").GetString());
        Assert.Equal("lo", Assert.Single(setting.Summary.GetProperty("left_out").EnumerateArray()).GetProperty("interface").GetString());
    }

    [Fact]
    public async Task Does_not_say_on_which_host_it_was_made()
    {
        TestContainer a = setting.Start();
        await using TrafficCapture capture = setting.Capture(a);
        await capture.StopAsync(default);
        Assert.DoesNotContain(Environment.MachineName, Encoding.Latin1.GetString(setting.Sink.Read("traffic.pcapng")), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Cannot_be_seen_by_the_container_while_it_runs()
    {
        TestContainer a = setting.Start();
        await using TrafficCapture capture = setting.Capture(a);
        string packet = a.Exec("cat /proc/net/packet");
        string netlink = a.Exec("cat /proc/net/netlink");
        await capture.StopAsync(default);
        Assert.Single(packet.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), netlink, StringComparison.Ordinal);
        Assert.Equal(1, RealEngine.Run("capinfos", "-I", setting.Pcap).Split('\n').Count(line => line.StartsWith("Interface #", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Reads_loopback_inside_where_there_is_nothing_else_and_says_so()
    {
        TestContainer a = setting.Start("--network", "none");
        await using TrafficCapture capture = setting.Capture(a);
        string packet = a.Exec("cat /proc/net/packet");
        Sender.In(a.InitPid).Sender.Datagrams(IPAddress.Loopback, 47001, [TrafficSetting.Pattern(64, 1), TrafficSetting.Pattern(65, 2)]);
        await capture.StopAsync(default);

        Assert.Equal([Convert.ToHexStringLower(TrafficSetting.Pattern(64, 1)), Convert.ToHexStringLower(TrafficSetting.Pattern(65, 2))], setting.Tshark("udp && !icmp", "udp.payload").Select(fields => fields[0]));
        Assert.Equal(2, packet.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("/proc/net/packet", Assert.Single(setting.Sink.Effects), StringComparison.Ordinal);
        Assert.True(setting.Summary.GetProperty("interfaces")[0].GetProperty("visible_to_container").GetBoolean());
    }

    [Fact]
    public async Task Reads_loopback_and_tunnels_too_when_asked()
    {
        TestContainer a = setting.Start();
        string pid = a.InitPid.ToString(CultureInfo.InvariantCulture);
        const string tunnel = """
            import fcntl, struct, os, socket, subprocess, sys
            tun = os.open('/dev/net/tun', os.O_RDWR)
            fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'evil\xff0', 0x1001))
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            fcntl.ioctl(s, 0x8914, struct.pack('16sH22x', b'evil\xff0', 0x41))
            print('up', flush=True)
            sys.stdin.readline()
            udp = struct.pack('!HHHH', 1111, 47009, 8 + 5, 0) + b'hello'
            ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([10,9,9,1]), bytes([10,9,9,2]))
            os.write(tun, ip + udp)
            print('sent', flush=True)
            sys.stdin.readline()
            """;
        System.Diagnostics.ProcessStartInfo start = new("nsenter", ["-t", pid, "-n", "python3", "-c", tunnel]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using System.Diagnostics.Process python = System.Diagnostics.Process.Start(start)!;
        Assert.Equal("up", await python.StandardOutput.ReadLineAsync());

        await using TrafficCapture capture = setting.Capture(a, TrafficSetting.OneMinute with { Inside = true });
        await python.StandardInput.WriteLineAsync();
        Assert.Equal("sent", await python.StandardOutput.ReadLineAsync());
        Sender.In(a.InitPid).Sender.Datagrams(IPAddress.Loopback, 47010, [TrafficSetting.Pattern(10, 1)]);
        await capture.StopAsync(default);
        python.StandardInput.Close();
        await python.WaitForExitAsync();

        Assert.Equal(["68656c6c6f", "evil\\xff0"], Assert.Single(setting.Tshark("udp.dstport==47009", "udp.payload", "frame.interface_name")));
        _ = Assert.Single(setting.Tshark("udp.dstport==47010 && !icmp", "udp.payload"));
        JsonElement flow = setting.Rows("flows.jsonl").Single(row => row.GetProperty("destination_port").GetInt32() == 47009);
        Assert.Equal("10.9.9.1", flow.GetProperty("source").GetString());
        Assert.Equal(3, capture.Taps.Count);
        JsonElement named = setting.Summary.GetProperty("interfaces").EnumerateArray().Single(item => item.GetProperty("kind").GetString() == "tun");
        Assert.Equal("evil\xff0"u8.Length - 1, named.GetProperty("container_interface_b64").GetBytesFromBase64().Length);
    }

    [Fact]
    public async Task Puts_a_vlan_tag_back_where_the_kernel_took_it_out()
    {
        TestContainer a = setting.Start();
        byte[] frame = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x81, 0, 0x20, 42, 0x88, 0xb5, .. TrafficSetting.Pattern(60, 3)];
        await using TrafficCapture capture = setting.Capture(a);
        string python = "import socket,sys; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(('eth0',0)); s.send(bytes.fromhex(sys.argv[1]))";
        _ = RealEngine.Run("nsenter", "-t", a.InitPid.ToString(CultureInfo.InvariantCulture), "-n", "python3", "-c", python, Convert.ToHexStringLower(frame));
        await capture.StopAsync(default);
        Assert.Equal(["42", "78"], Assert.Single(setting.Tshark("vlan", "vlan.id", "frame.len")));
    }

    [Fact]
    public async Task Sees_what_an_isolated_container_still_tries()
    {
        string network = setting.Network();
        TestContainer a = setting.Start("--network", network);
        TestContainer b = setting.Start("--network", network);
        // ARP is answered before the block, so that there is something to be seen trying.
        Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, network), 47001, [TrafficSetting.Pattern(10, 1)]);
        await using TrafficCapture capture = setting.Capture(a);
        string veth = capture.Taps.Single().Name;
        string engine = File.ReadLines($"/proc/{a.InitPid}/status").First(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..].Trim();
        string block = $"table netdev cir_t {{ chain from_ct {{ type filter hook ingress device \"{veth}\" priority -500; policy drop; }}; }}";
        _ = RealEngine.Run("nsenter", "-t", engine, "-n", "nft", block);
        try
        {
            Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, network), 47004, [TrafficSetting.Pattern(33, 1)]);
            await capture.StopAsync(default);
            Assert.Equal(Convert.ToHexStringLower(TrafficSetting.Pattern(33, 1)), Assert.Single(setting.Tshark("udp.dstport==47004 && !icmp", "udp.payload"))[0]);
        }
        finally
        {
            _ = RealEngine.Run("nsenter", "-t", engine, "-n", "nft", "delete table netdev cir_t");
        }
    }

    [Fact]
    public async Task Survives_the_container_and_says_when_the_interface_went()
    {
        TestContainer a = setting.Start();
        await using TrafficCapture capture = setting.Capture(a);
        Sender.In(a.InitPid).Sender.Datagrams(IPAddress.Broadcast, 47001, []);
        a.Exec("ping -c 1 -W 1 $(ip route | awk '/default/ {print $3}')");
        setting.Forget(a);
        a.Dispose();
        await capture.FinishAsync(default);

        Assert.Equal("interfaces-gone", setting.Summary.GetProperty("ended_by").GetString());
        Assert.True(setting.Summary.GetProperty("interfaces")[0].TryGetProperty("gone_at", out _));
        Assert.Contains("eth0", Assert.Single(setting.Sink.Gaps).Sought, StringComparison.Ordinal);
        Assert.NotEmpty(setting.Tshark("icmp.type==8", "icmp.type"));
    }

    [Fact]
    public async Task Is_a_valid_partial_file_when_cancelled()
    {
        TestContainer a = setting.Start();
        using CancellationTokenSource cancel = new();
        await using TrafficCapture capture = setting.Capture(a);
        a.Exec("ping -c 1 -W 1 $(ip route | awk '/default/ {print $3}')");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => capture.FinishAsync(cancel.Token));

        Assert.Equal(ItemStatus.Partial, setting.Sink.Items.Single(item => item.Path == "traffic.pcapng").Status);
        Assert.NotEmpty(setting.Tshark("icmp.type==8", "icmp.type"));
        Assert.Equal("cancelled", setting.Summary.GetProperty("ended_by").GetString());
        Assert.Contains("Number of stat entries = 1", RealEngine.Run("capinfos", setting.Pcap), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_by_itself_when_its_time_is_over()
    {
        TestContainer a = setting.Start();
        await using TrafficCapture capture = setting.Capture(a, new TrafficOptions(TimeSpan.FromMilliseconds(300), 1024 * 1024));
        await capture.FinishAsync(default);
        Assert.Equal("duration", setting.Summary.GetProperty("ended_by").GetString());
    }

    [Fact]
    public async Task Never_grows_beyond_its_size()
    {
        string network = setting.Network();
        TestContainer a = setting.Start("--network", network);
        TestContainer b = setting.Start("--network", network);
        await using TrafficCapture capture = setting.Capture(a, new TrafficOptions(TimeSpan.FromMinutes(1), 100_000));
        Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, network), 47001, Enumerable.Range(0, 200).Select(i => TrafficSetting.Pattern(1000, i)));
        await capture.FinishAsync(default);
        Assert.Equal("max-bytes", setting.Summary.GetProperty("ended_by").GetString());
        Assert.InRange(new FileInfo(setting.Pcap).Length, 97_000, 100_000);
        Assert.Equal(0, RealEngine.Run("capinfos", setting.Pcap).Split('\n').Count(line => line.Contains("cut short", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Counts_what_it_lost_when_the_bundle_is_slower_than_the_traffic()
    {
        string network = setting.Network();
        TestContainer a = setting.Start("--network", network);
        TestContainer b = setting.Start("--network", network);
        BlockedSink blocked = new(setting.Sink);
        TrafficOptions small = TrafficSetting.OneMinute with { RingBytes = 512 * 1024 };
        await using TrafficCapture capture = TrafficCapture.Start(TrafficSetting.Ref(a), TrafficSetting.Doors(a), blocked, small, TimeProvider.System);
        Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, network), 47001, Enumerable.Range(0, 12_000).Select(i => TrafficSetting.Pattern(1400, i)));
        blocked.Release();
        await capture.StopAsync(default);

        JsonElement item = setting.Summary.GetProperty("interfaces")[0];
        long dropped = item.GetProperty("dropped_packets").GetInt64();
        Assert.InRange(dropped, 1, 12_000);
        Assert.Equal(item.GetProperty("received_packets").GetInt64(), item.GetProperty("packets").GetInt64() + dropped);
        Assert.Contains(setting.Sink.Gaps, gap => gap.Sought.StartsWith($"{dropped} packets", StringComparison.Ordinal));
        Assert.Equal(dropped, DroppedInTheFile(setting.Sink.Read("traffic.pcapng")));
    }

    [Fact]
    public async Task Lists_the_names_that_were_asked_for()
    {
        string network = setting.Network();
        TestContainer a = setting.Start("--network", network);
        TestContainer b = setting.Start("--network", network);
        byte[] query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, .. "c2\xff."u8[..2], 0xff, (byte)'.', 7, .. "example"u8, 0, 0, 1, 0, 1];
        byte[] answer = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, .. query[12..], 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 7];
        await using TrafficCapture capture = setting.Capture(a);
        Sender.In(a.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(b, network), 53, [query, "no dns"u8.ToArray()], fromPort: 47005);
        Sender.In(b.InitPid).Sender.Datagrams(TrafficSetting.AddressOf(a, network), 47005, [answer], fromPort: 53);
        await capture.StopAsync(default);

        List<JsonElement> rows = setting.Rows("dns.jsonl");
        Assert.Equal([false, true], rows.Select(row => row.GetProperty("response").GetBoolean()));
        JsonElement question = rows[0].GetProperty("questions")[0];
        Assert.Equal("c2\\xff\\x2e.example", question.GetProperty("name").GetString());
        Assert.Equal(query[12..^4], question.GetProperty("name_b64").GetBytesFromBase64());
        Assert.Equal("203.0.113.7", rows[1].GetProperty("answers")[0].GetProperty("value").GetString());
        Assert.Equal(1, setting.Summary.GetProperty("dns").GetProperty("payloads_unread").GetInt64());
    }

    [Fact]
    public async Task Is_a_gap_on_the_hosts_network_unless_asked_for()
    {
        TestContainer a = setting.Start("--network", "host");
        await using (TrafficCapture refused = setting.Capture(a))
        {
            await refused.FinishAsync(default);
            Assert.Empty(refused.Taps);
        }

        Assert.Contains("host's network", Assert.Single(setting.Sink.Gaps).Reason, StringComparison.Ordinal);
        Assert.Empty(setting.Sink.Items);
        await using TrafficCapture asked = setting.Capture(a, TrafficSetting.OneMinute with { HostNetwork = true });
        await asked.StopAsync(default);
        Assert.Contains(asked.Taps, tap => tap.ContainerName == "lo");
        Assert.DoesNotContain(asked.Taps, tap => tap.Link.Kind is "veth" or "bridge");
    }

    /// <summary>isb_ifdrop of the last block.</summary>
    private static long DroppedInTheFile(byte[] file)
    {
        ReadOnlySpan<byte> block = file.AsSpan(file.Length - BitConverter.ToInt32(file, file.Length - 4));
        Assert.Equal(5, BitConverter.ToInt32(block));
        for (ReadOnlySpan<byte> option = block[20..]; BitConverter.ToUInt16(option) != 0; option = option[(4 + ((BitConverter.ToUInt16(option[2..]) + 3) & ~3))..])
        {
            if (BitConverter.ToUInt16(option) == 5)
            {
                return BitConverter.ToInt64(option[4..]);
            }
        }

        return -1;
    }
}
