using System.Buffers;
using System.Text.Json;
using ContainerIR.Collectors.Traffic;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>What reads packets, given packets that lie.</summary>
public sealed class A_hostile_packet
{
    private static readonly byte[][] Seeds =
    [
        // Ethernet, VLAN, IPv4 with options, TCP, four bytes of padding
        Convert.FromHexString("ffffffffffff0200000000018100000508004600003000010000400600000a0000010a00000201010101" + "00500051000000010000000250120000000000007061796c6f616421"),
        // Ethernet, IPv6, hop-by-hop, fragment, authentication, UDP, DNS answer with pointers
        Convert.FromHexString("33330000000102000000000186dd6000000000600040fe800000000000000000000000000001ff020000000000000000000000000001"
            + "2c00050200000000" + "3300000100000001" + "110400000000000100000001000000000000000000000000" + "0035c0000030000012348180000100010000000003777777076578616d706c6500000100"
            + "01c00c000500010000003c0002c010"),
    ];

    [Property(MaxTest = 5_000)]
    public void Never_throws_whatever_it_holds(byte[] noise, ushort etherType) => Read(noise ?? [], etherType);

    [Property(MaxTest = 5_000)]
    public void Never_throws_when_a_good_one_was_bent(uint which, uint cut, (ushort At, byte Value)[] changes)
    {
        byte[] packet = [.. Seeds[which % Seeds.Length]];
        foreach ((ushort at, byte value) in changes ?? [])
        {
            packet[at % packet.Length] = value;
        }

        Read(packet.AsSpan(0, (int)(packet.Length - (cut % 4 == 0 ? cut % packet.Length : 0))), 0x86dd);
    }

    [Fact]
    public void Is_read_when_it_is_a_good_one()
    {
        Assert.True(PacketHeaders.TryParseEthernet(Seeds[0], out PacketHeaders tcp));
        Assert.Equal((6, 80, 81, 0x12, 4), (tcp.Protocol, tcp.SourcePort, tcp.DestinationPort, tcp.TcpFlags, tcp.PayloadBytes));
        Assert.True(PacketHeaders.TryParseEthernet(Seeds[1], out PacketHeaders udp));
        Assert.Equal((17, 53, 0xc000), (udp.Protocol, udp.SourcePort, udp.DestinationPort));
        Assert.Equal("fe80::1", TrafficJson.Address(udp.Version, udp.Source));
        Assert.True(DnsMessage.TryParse(Seeds[1].AsSpan(udp.PayloadOffset, udp.PayloadBytes), out DnsMessage dns));
        Assert.Equal("\u0003www\u0007example\0"u8, Assert.Single(dns.Questions).Name);
        Assert.Equal("\u0007example\0"u8, Assert.Single(dns.Answers).Value);
    }

    [Fact]
    public void Cannot_send_the_reader_round_in_a_circle()
    {
        byte[] self = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
        byte[] forward = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 14, 0xc0, 12, 0, 1, 0, 1];
        Assert.False(DnsMessage.TryParse(self, out _));
        Assert.False(DnsMessage.TryParse(forward, out _));
    }

    [Fact]
    public void Cannot_make_the_flow_table_grow_without_end()
    {
        FlowTable table = new(limit: 10);
        byte[] packet = [.. Seeds[0]];
        for (int i = 0; i < 100; i++)
        {
            packet[^20] = (byte)i; // one of the ports
            packet[^27] = (byte)i;
            Assert.True(PacketHeaders.TryParseEthernet(packet, out PacketHeaders headers));
            table.Add(0, headers, true, 60, i);
        }

        Assert.Equal(10, table.Flows.Count);
        Assert.Equal(90, table.PacketsNotListed);
    }

    private static void Read(ReadOnlySpan<byte> bytes, ushort etherType)
    {
        if (PacketHeaders.TryParseEthernet(bytes, out PacketHeaders headers) || PacketHeaders.TryParseIP(bytes, 0, etherType, out headers))
        {
            ReadDns(bytes.Slice(headers.PayloadOffset, headers.PayloadBytes), headers);
        }

        ReadDns(bytes, headers);
    }

    private static void ReadDns(ReadOnlySpan<byte> payload, PacketHeaders headers)
    {
        if (DnsMessage.TryParse(payload, out DnsMessage message))
        {
            ArrayBufferWriter<byte> line = new();
            using Utf8JsonWriter json = new(line);
            TrafficJson.WriteDns(json, 0, headers, message, 1);
            json.Flush();
            using JsonDocument parsed = JsonDocument.Parse(line.WrittenMemory);
            Assert.True(parsed.RootElement.TryGetProperty("questions", out _));
        }
    }
}
