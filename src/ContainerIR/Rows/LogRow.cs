using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>
/// One line of a container's output, put together from the records of the log driver: a row of <c>index.jsonl.zst</c>. Derived; the exact bytes stand in
/// <see cref="File"/> at <see cref="Offset"/>. Its time is the driver's (outer) time, never one found in the text.
/// </summary>
internal sealed record LogRow
{
    /// <summary>From 1, over all files in order of age.</summary>
    public required long Number { get; init; }

    /// <summary>Item that holds its first record.</summary>
    public required string File { get; init; }

    /// <summary>Of its first record in the (uncompressed) file.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes of all its records in the file.</summary>
    public required long Length { get; init; }

    /// <summary>Records it was put together from: the engine cuts lines at 16 KiB.</summary>
    public int Pieces { get; init; } = 1;

    /// <summary>Time of its first record, ns since 1970; null when that has none.</summary>
    public long? TimeNs { get; init; }

    /// <summary><c>stdout</c>, <c>stderr</c>, or what the record says.</summary>
    public string Stream { get; init; } = "";

    /// <summary>Bytes of the text, end of line included.</summary>
    public long TextBytes { get; init; }

    /// <summary>The text in display form without its end of line, cut at 4 KiB.</summary>
    public string Text { get; init; } = "";

    /// <summary>What is odd about it, see <see cref="LogFlags"/>.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>Writes the row as one JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("n"u8, Number);
        if (TimeNs is { } time)
        {
            json.WriteString("at"u8, Rfc3339.Format(time));
            json.WriteNumber("time_ns"u8, time);
        }

        json.WriteString("stream"u8, Stream);
        json.WriteString("text"u8, Text);
        json.WriteNumber("text_bytes"u8, TextBytes);
        json.WriteString("file"u8, File);
        json.WriteNumber("offset"u8, Offset);
        json.WriteNumber("length"u8, Length);
        json.WriteNumber("pieces"u8, Pieces);
        if (Flags.Count > 0)
        {
            json.WriteStartArray("flags"u8);
            foreach (string flag in Flags)
            {
                json.WriteStringValue(flag);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>Reads rows back, one JSON object a line. A line that is no row is passed over; ask <paramref name="onBroken"/> to hear of it.</summary>
    /// <exception cref="IOException">The stream cannot be read further.</exception>
    public static IEnumerable<LogRow> Read(Stream rows, Action<StreamLine>? onBroken = null)
    {
        foreach (StreamLine line in JsonLines.Read(rows))
        {
            if (FromRow(line) is { } row)
            {
                yield return row;
            }
            else
            {
                onBroken?.Invoke(line);
            }
        }
    }

    private static LogRow? FromRow(StreamLine line)
    {
        if (line.IsCut)
        {
            return null;
        }

        return FromPlainRow(line.Content.Span) ?? FromAnyRow(line.Content);
    }

    // Rows as Write writes them, in one pass: a log has millions. Whatever is not of that form is left to the slow way.
    private static LogRow? FromPlainRow(ReadOnlySpan<byte> line)
    {
        Utf8JsonReader json = new(line);
        long? number = null, offset = null, length = null, time = null;
        long pieces = 1, textBytes = 0;
        string? file = null;
        string stream = "", text = "";
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                if (json.ValueIsEscaped)
                {
                    return null;
                }

                ReadOnlySpan<byte> name = json.ValueSpan;
                if (!json.Read())
                {
                    return null;
                }

                if (json.TokenType == JsonTokenType.Number)
                {
                    if (!json.TryGetInt64(out long value))
                    {
                        return null;
                    }

                    switch (name)
                    {
                        case var _ when name.SequenceEqual("n"u8): number = value; break;
                        case var _ when name.SequenceEqual("offset"u8): offset = value; break;
                        case var _ when name.SequenceEqual("length"u8): length = value; break;
                        case var _ when name.SequenceEqual("time_ns"u8): time = value; break;
                        case var _ when name.SequenceEqual("pieces"u8): pieces = value; break;
                        case var _ when name.SequenceEqual("text_bytes"u8): textBytes = value; break;
                        default: break;
                    }
                }
                else if (json.TokenType == JsonTokenType.String)
                {
                    switch (name)
                    {
                        case var _ when name.SequenceEqual("text"u8): text = json.GetString()!; break;
                        case var _ when name.SequenceEqual("stream"u8): stream = json.ValueSpan.SequenceEqual("stdout"u8) ? "stdout" : json.ValueSpan.SequenceEqual("stderr"u8) ? "stderr" : json.GetString()!; break;
                        case var _ when name.SequenceEqual("file"u8): file = json.GetString(); break;
                        case var _ when name.SequenceEqual("at"u8): break;
                        default: return null;
                    }
                }
                else
                {
                    return null;
                }
            }

            return json.TokenType != JsonTokenType.EndObject || json.Read() || number is null || offset is null || length is null || file is null ? null : new LogRow
            {
                Number = number.Value,
                File = file,
                Offset = offset.Value,
                Length = length.Value,
                Pieces = (int)Math.Clamp(pieces, 1, int.MaxValue),
                TimeNs = time,
                Stream = stream,
                TextBytes = textBytes,
                Text = text,
            };
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static LogRow? FromAnyRow(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement row = document.RootElement;
            if (row.Number("n") is not { } number || row.Number("offset") is not { } offset || row.Number("length") is not { } length || row.Text("file") is not { } file)
            {
                return null;
            }

            return new LogRow
            {
                Number = number,
                File = file,
                Offset = offset,
                Length = length,
                Pieces = (int)Math.Clamp(row.Number("pieces") ?? 1, 1, int.MaxValue),
                TimeNs = row.Number("time_ns"),
                Stream = row.Text("stream") ?? "",
                TextBytes = row.Number("text_bytes") ?? 0,
                Text = row.Text("text") ?? "",
                Flags = [.. row.Texts("flags")],
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Words of <see cref="LogRow.Flags"/>.</summary>
internal static class LogFlags
{
    /// <summary>The record is not of the driver's form: edited, overwritten or cut.</summary>
    public const string NotARecord = "not-a-record";

    /// <summary>NUL bytes stand where a record should: the file was truncated under its writer or has a hole.</summary>
    public const string Nul = "nul-bytes";

    /// <summary>The record has no time that can be read.</summary>
    public const string NoTime = "no-time";

    /// <summary>Its time is before that of the record before it of the same stream.</summary>
    public const string TimeBackwards = "time-backwards";

    /// <summary>Its time is before the container was made.</summary>
    public const string BeforeContainer = "before-container";

    /// <summary>It has no end of line: output that was cut, or a line whose rest is not in the logs.</summary>
    public const string Unfinished = "unfinished";

    /// <summary>The record itself ends without a line feed: the file was cut in the middle of it, or is being written.</summary>
    public const string CutRecord = "cut-record";

    /// <summary>It holds U+FFFD: the driver replaced bytes that were not UTF-8, they are lost.</summary>
    public const string ReplacedBytes = "replaced-bytes";

    /// <summary>It holds control characters (escape sequences, carriage returns, NUL): a terminal would show something else.</summary>
    public const string Controls = "controls";

    /// <summary>The text shown is cut; the file holds all of it.</summary>
    public const string Cut = "text-cut";

    /// <summary>The journal received it from another program than the engine: anybody may write an entry that names a container.</summary>
    public const string ForeignSender = "foreign-sender";

    /// <summary>A compressed file ended or broke before its end.</summary>
    public const string BrokenArchive = "broken-archive";
}
