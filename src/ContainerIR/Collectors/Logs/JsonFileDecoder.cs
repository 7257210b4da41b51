using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Logs;

/// <summary>
/// Docker's json-file driver: one object a line, <c>{"log":"text\n","stream":"stdout","time":"…"}</c>. A line of output over 16 KiB is several records, of which
/// only the last text ends in a line feed. Time and stream are the object's own members; whatever the text holds, it stays text.
/// </summary>
internal sealed class JsonFileDecoder(LogAssembler assembler) : LineDecoder(assembler)
{
    private byte[] text = new byte[32 * 1024];

    protected override void Decode(ReadOnlySpan<byte> line, long at, long bytes, bool isEnded, bool isCut)
    {
        LogOddities oddities = isEnded ? LogOddities.None : LogOddities.CutRecord;
        ReadOnlySpan<byte> json = line.TrimStart((byte)0);
        if (json.Length != line.Length)
        {
            // A file truncated under a writer that does not append begins with a hole.
            oddities |= LogOddities.Nul;
        }

        if (isCut || !TryRead(json, out ReadOnlySpan<byte> log, out ReadOnlySpan<byte> stream, out long? time))
        {
            AddForeign(line, at, bytes, oddities);
            return;
        }

        Assembler.Add(new LogRecord
        {
            Offset = at,
            Length = bytes,
            TimeNs = time,
            Stream = stream,
            Text = log,
            EndsLine = log.EndsWith((byte)'\n'),
            Oddities = oddities | (time is null ? LogOddities.NoTime : LogOddities.None),
        });
    }

    private bool TryRead(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> log, out ReadOnlySpan<byte> stream, out long? time)
    {
        log = [];
        stream = [];
        time = null;
        bool hasLog = false;
        try
        {
            Utf8JsonReader reader = new(line);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isLog = reader.ValueTextEquals("log"u8), isStream = reader.ValueTextEquals("stream"u8), isTime = reader.ValueTextEquals("time"u8);
                _ = reader.Read();
                if (reader.TokenType != JsonTokenType.String)
                {
                    reader.Skip();
                }
                else if (isLog)
                {
                    log = Unescape(ref reader);
                    hasLog = true;
                }
                else if (isStream && !reader.ValueIsEscaped)
                {
                    stream = reader.ValueSpan;
                }
                else if (isTime && Rfc3339.TryParse(reader.ValueSpan, out long nanoseconds))
                {
                    time = nanoseconds;
                }
            }

            return hasLog && reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private ReadOnlySpan<byte> Unescape(scoped ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan;
        }

        if (text.Length < reader.ValueSpan.Length)
        {
            text = new byte[reader.ValueSpan.Length];
        }

        return text.AsSpan(0, reader.CopyString(text));
    }
}
