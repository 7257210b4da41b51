using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;

namespace ContainerIR.Shippers;

/// <summary>A GELF 1.1 message. <c>_id</c> is forbidden there, so the stable id is <c>_event_id</c>.</summary>
internal static class GelfMessage
{
    public static void Write(Utf8JsonWriter json, ShippedEvent each)
    {
        EvidenceEvent e = each.Event;
        json.WriteString("version", "1.1");
        json.WriteString("host", DisplayText.Escape(each.Bundle.Record.Host ?? "") is { Length: > 0 } host ? host : "unknown");
        json.WriteString("short_message", e.Message.Length > 0 ? e.Message : e.Meaning);
        (long seconds, long rest) = Math.DivRem(e.AtNs, 1_000_000_000);
        decimal timestamp = seconds + (rest / 1_000_000_000m);
        json.WritePropertyName("timestamp");
        json.WriteRawValue(timestamp.ToString("0.000000", CultureInfo.InvariantCulture));
        json.WriteNumber("level", SyslogMessage.LevelOf(e));
        string[] values = TimesketchFields.Of(each.Bundle, e);
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i].Length > 0 && TimesketchFields.Names[i] is not ("message" or "timestamp" or "datetime" or "host"))
            {
                json.WriteString("_" + TimesketchFields.Names[i], values[i]);
            }
        }

        json.WriteString("_root_sha256", each.Bundle.RootSha256);
    }

    public static byte[] ToBytes(ShippedEvent each)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            Write(json, each);
            json.WriteEndObject();
        }

        return text.ToArray();
    }

    /// <summary>Over TCP a NUL ends a message, and there is no compression.</summary>
    public static void Frame(Stream body, ShippedEvent each)
    {
        body.Write(ToBytes(each));
        body.WriteByte(0);
    }
}
