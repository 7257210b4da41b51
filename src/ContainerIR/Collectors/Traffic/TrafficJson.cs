using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Traffic;

/// <summary>The forms that rows and summary share: instants, addresses, names.</summary>
internal static class TrafficJson
{
    /// <summary>An instant as nanoseconds since 1970.</summary>
    public static long Nanoseconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks * 100;

    /// <summary>An address of a packet.</summary>
    public static string Address(byte version, UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return new IPAddress(version == 4 ? bytes[12..] : bytes).ToString();
    }

    /// <summary>One line of flows.jsonl, without its end.</summary>
    public static void WriteFlow(Utf8JsonWriter json, Flow flow, Tap tap)
    {
        json.WriteStartObject();
        json.WriteNumber("interface", flow.InterfaceId);
        json.WriteString("container_interface", tap.ContainerName);
        json.WriteNumber("protocol", flow.First.Protocol);
        WriteEndpoints(json, flow.First);
        if (flow.FromContainer is bool fromContainer)
        {
            json.WriteBoolean("from_container", fromContainer);
        }

        json.WriteNumber("packets", flow.Packets);
        json.WriteNumber("bytes", flow.Bytes);
        json.WriteNumber("packets_back", flow.PacketsBack);
        json.WriteNumber("bytes_back", flow.BytesBack);
        if (flow.First.Protocol == PacketHeaders.Tcp)
        {
            json.WriteNumber("tcp_flags", flow.TcpFlags);
        }

        json.WriteString("first_at", Rfc3339.Format(flow.FirstAtNs));
        json.WriteString("last_at", Rfc3339.Format(flow.LastAtNs));
        json.WriteEndObject();
    }

    /// <summary>One line of dns.jsonl, without its end.</summary>
    public static void WriteDns(Utf8JsonWriter json, int interfaceId, in PacketHeaders packet, DnsMessage message, long atNs)
    {
        json.WriteStartObject();
        json.WriteString("at", Rfc3339.Format(atNs));
        json.WriteNumber("interface", interfaceId);
        json.WriteString("transport", packet.Protocol == PacketHeaders.Tcp ? "tcp" : "udp");
        WriteEndpoints(json, packet);
        json.WriteNumber("id", message.Id);
        json.WriteBoolean("response", message.IsResponse);
        json.WriteNumber("opcode", message.Opcode);
        json.WriteNumber("rcode", message.ResponseCode);
        json.WriteStartArray("questions");
        foreach (DnsQuestion question in message.Questions)
        {
            json.WriteStartObject();
            WriteName(json, "name", question.Name);
            json.WriteNumber("type", question.Type);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("answers");
        foreach (DnsAnswer answer in message.Answers)
        {
            json.WriteStartObject();
            WriteName(json, "name", answer.Name);
            json.WriteNumber("type", answer.Type);
            json.WriteNumber("ttl_s", answer.TtlSeconds);
            WriteValue(json, answer);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (message.IsIncomplete)
        {
            json.WriteBoolean("incomplete", true);
        }

        json.WriteEndObject();
    }

    /// <summary>A byte string as a display field, and exactly in a second field where it is not plain.</summary>
    public static void WriteBytes(Utf8JsonWriter json, string field, ReadOnlySpan<byte> bytes)
    {
        json.WriteString(field, DisplayText.Escape(bytes));
        if (bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~') || bytes.Contains((byte)'\\'))
        {
            json.WriteBase64String(field + "_b64", bytes);
        }
    }

    private static void WriteEndpoints(Utf8JsonWriter json, in PacketHeaders packet)
    {
        json.WriteString("source", Address(packet.Version, packet.Source));
        json.WriteNumber("source_port", packet.SourcePort);
        json.WriteString("destination", Address(packet.Version, packet.Destination));
        json.WriteNumber("destination_port", packet.DestinationPort);
    }

    private static void WriteValue(Utf8JsonWriter json, DnsAnswer answer)
    {
        if (answer.ValueIsName)
        {
            WriteName(json, "value", answer.Value);
        }
        else if ((answer.Type, answer.Value.Length) is (1, 4) or (28, 16))
        {
            json.WriteString("value", new IPAddress(answer.Value).ToString());
        }
        else
        {
            WriteBytes(json, "value", answer.Value);
        }
    }

    /// <summary>A name: labels joined by dots, a dot inside a label escaped; the wire form too where a label is not plain.</summary>
    private static void WriteName(Utf8JsonWriter json, string field, byte[] wire)
    {
        StringBuilder text = new();
        bool plain = true;
        ReadOnlySpan<byte> rest = wire;
        while (rest.Length > 1 && rest[0] > 0 && rest[0] < rest.Length)
        {
            ReadOnlySpan<byte> label = rest.Slice(1, rest[0]);
            plain &= !label.ContainsAnyExceptInRange((byte)'!', (byte)'~') && !label.ContainsAny((byte)'.', (byte)'\\');
            _ = text.Append(text.Length > 0 ? "." : "").Append(DisplayText.Escape(label).Replace(".", "\\x2e", StringComparison.Ordinal));
            rest = rest[(1 + rest[0])..];
        }

        json.WriteString(field, text.Length > 0 ? text.ToString() : ".");
        if (!plain)
        {
            json.WriteBase64String(field + "_b64", wire);
        }
    }
}
