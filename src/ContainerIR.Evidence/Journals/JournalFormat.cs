using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace ContainerIR.Evidence.Journals;

/// <summary>How a journal line is written and read: one JSON object, ASCII, no blanks, keys in this order: seq, prev, time, mono_ns, event, fields.</summary>
internal static class JournalFormat
{
    /// <summary>A line, its line feed included, is at most this long. A longer one is replaced by its length and digest.</summary>
    public const int MaxLineBytes = 4 * 1024 * 1024;

    /// <summary>The journal of a long run has thousands of lines; beyond this a reader stops.</summary>
    public const long MaxLines = 2_000_000;

    public static readonly string FirstPrev = new('0', 64);

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>Nine decimals; .NET's clock gives seven.</summary>
    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);

    public static byte[] Write(long seq, string prev, DateTimeOffset at, long monoNs, string @event, Action<Utf8JsonWriter>? fields)
    {
        ArrayBufferWriter<byte> line = new(512);
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            json.WriteNumber("seq", seq);
            json.WriteString("prev", prev);
            json.WriteString("time", Time(at));
            json.WriteNumber("mono_ns", monoNs);
            json.WriteString("event", @event);
            json.WriteStartObject("fields");
            fields?.Invoke(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    /// <summary>Reads a line without its line feed.</summary>
    /// <exception cref="FormatException">It is no journal line; the message says why.</exception>
    public static JournalEntry Parse(ReadOnlyMemory<byte> line, string lineSha256)
    {
        if (line.Span.IndexOfAnyExceptInRange((byte)' ', (byte)'~') >= 0)
        {
            throw new FormatException("it is not printable ASCII");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Strict);
            JsonElement root = document.RootElement;
            string[] keys = [.. root.EnumerateObject().Select(property => property.Name)];
            if (!keys.SequenceEqual(["seq", "prev", "time", "mono_ns", "event", "fields"]))
            {
                throw new FormatException("its keys are not seq, prev, time, mono_ns, event, fields");
            }

            string time = root.GetProperty("time").GetString() ?? "";
            if (time.Length != 30 || !DateTimeOffset.TryParseExact(
                time.Remove(27, 2), "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at))
            {
                throw new FormatException("its time is not RFC 3339 in UTC with nine decimals");
            }

            JsonElement fields = root.GetProperty("fields");
            return fields.ValueKind != JsonValueKind.Object
                ? throw new FormatException("its fields are not an object")
                : new JournalEntry
                {
                    Seq = root.GetProperty("seq").GetInt64(),
                    Prev = root.GetProperty("prev").GetString() ?? "",
                    At = at,
                    MonoNs = root.GetProperty("mono_ns").GetInt64(),
                    Event = root.GetProperty("event").GetString() ?? "",
                    Fields = fields.Clone(),
                    LineSha256 = lineSha256,
                };
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException)
        {
            throw new FormatException(failure.Message, failure);
        }
    }
}
