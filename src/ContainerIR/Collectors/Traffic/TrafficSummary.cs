using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Traffic;

/// <summary>summary.json: what was read where, how long, and what was lost or left out.</summary>
internal static class TrafficSummary
{
    public static byte[] Write(
        TrafficOptions options, TapReader reader, IReadOnlyList<OpenTap> taps, IReadOnlyList<(string Interface, ulong Namespace, string Reason)> leftOut)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("started_at", Rfc3339.Format(reader.StartedAtNs));
            json.WriteString("ended_at", Rfc3339.Format(reader.EndedAtNs));
            json.WriteString("ended_by", Word(reader.End));
            json.WriteNumber("asked_s", options.Duration.TotalSeconds);
            json.WriteNumber("asked_bytes", options.MaxBytes);
            json.WriteStartArray("interfaces");
            for (int i = 0; i < taps.Count; i++)
            {
                WriteInterface(json, i, taps[i]);
            }

            json.WriteEndArray();
            json.WriteNumber("packets_not_ip", reader.NotIP);
            json.WriteStartObject("flows");
            json.WriteNumber("listed", reader.Flows.Flows.Count);
            json.WriteNumber("packets_not_listed", reader.Flows.PacketsNotListed);
            json.WriteEndObject();
            json.WriteStartObject("dns");
            json.WriteNumber("messages_listed", reader.Dns.Written);
            json.WriteNumber("messages_not_listed", reader.Dns.NotListed);
            json.WriteNumber("payloads_unread", reader.Dns.Unread);
            json.WriteEndObject();
            json.WriteStartArray("left_out");
            foreach ((string name, ulong inode, string reason) in leftOut)
            {
                json.WriteStartObject();
                json.WriteString("interface", name);
                json.WriteNumber("network_namespace", inode);
                json.WriteString("reason", reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    public static string Word(TrafficEnd end) => end switch
    {
        TrafficEnd.Duration => "duration",
        TrafficEnd.MaxBytes => "max-bytes",
        TrafficEnd.Stopped => "stopped",
        TrafficEnd.Cancelled => "cancelled",
        TrafficEnd.InterfacesGone => "interfaces-gone",
        _ => "running",
    };

    private static void WriteInterface(Utf8JsonWriter json, int id, OpenTap open)
    {
        Tap tap = open.Tap;
        (long received, long dropped) = open.Ring.ReadCounters();
        json.WriteStartObject();
        json.WriteNumber("id", id);
        TrafficJson.WriteBytes(json, "container_interface", tap.ContainerLink.Name);
        json.WriteNumber("container_index", tap.ContainerLink.Index);
        json.WriteString("container_address", Convert.ToHexStringLower(tap.ContainerLink.HardwareAddress));
        json.WriteNumber("network_namespace", tap.ContainerNamespace);
        json.WriteString("kind", Evidence.Text.DisplayText.Escape(tap.ContainerLink.Kind));
        TrafficJson.WriteBytes(json, "read_at", tap.Link.Name);
        json.WriteNumber("read_at_index", tap.Link.Index);
        json.WriteNumber("read_in_namespace", tap.Namespace);
        json.WriteBoolean("visible_to_container", !tap.IsHostSide);
        json.WriteNumber("packets", open.Packets);
        json.WriteNumber("bytes", open.Bytes);
        json.WriteNumber("captured_bytes", open.CapturedBytes);
        json.WriteNumber("truncated_packets", open.Truncated);
        json.WriteNumber("received_packets", received);
        json.WriteNumber("dropped_packets", dropped);
        if (open.Packets > 0)
        {
            json.WriteString("first_at", Rfc3339.Format(open.FirstAtNs));
            json.WriteString("last_at", Rfc3339.Format(open.LastAtNs));
        }

        if (open.GoneAtNs is long gone)
        {
            json.WriteString("gone_at", Rfc3339.Format(gone));
        }

        json.WriteEndObject();
    }
}
