using System.Buffers;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Logs;

/// <summary>Puts records together to lines, over all files of a log in order of age, and writes a <see cref="LogRow"/> for each.</summary>
/// <param name="createdAt">When the container was made: nothing can have been written before.</param>
internal sealed class LogAssembler(DateTimeOffset createdAt)
{
    private const int TextLimitBytes = 4096;

    /// <summary>Clocks of the engine and of us are the same; a step of a second is not worth a flag.</summary>
    private const long CreationSlackNs = 1_000_000_000;

    private readonly ArrayBufferWriter<byte> rows = new();
    private readonly Line standardOutput = new("stdout");
    private readonly Line standardError = new("stderr");
    private readonly Line other = new("");
    private readonly long createdNs = (createdAt - DateTimeOffset.UnixEpoch).Ticks * 100;
    private readonly SortedDictionary<string, long> flagCounts = new(StringComparer.Ordinal);
    private Utf8JsonWriter? json;

    /// <summary>Rows written and not yet taken, one JSON object a line.</summary>
    public ReadOnlyMemory<byte> Rows => rows.WrittenMemory;

    /// <summary>Item the records that come belong to.</summary>
    public string File { get; set; } = "";

    /// <summary>Lines so far.</summary>
    public long Lines { get; private set; }

    /// <summary>Records so far.</summary>
    public long Records { get; private set; }

    /// <summary>Time of the first record that had one.</summary>
    public long? FirstNs { get; private set; }

    /// <summary>Time of the last record that had one.</summary>
    public long? LastNs { get; private set; }

    /// <summary>Writes the member <c>index</c>: lines, records, first and last instant, flags with their counts.</summary>
    public void WriteSummary(Utf8JsonWriter target)
    {
        target.WriteStartObject("index");
        target.WriteNumber("lines", Lines);
        target.WriteNumber("records", Records);
        target.WriteString("first_at", FirstNs is { } first ? Rfc3339.Format(first) : null);
        target.WriteString("last_at", LastNs is { } last ? Rfc3339.Format(last) : null);
        target.WriteStartObject("flags");
        foreach ((string flag, long count) in flagCounts)
        {
            target.WriteNumber(flag, count);
        }

        target.WriteEndObject();
        target.WriteEndObject();
    }

    /// <summary>The rows were taken.</summary>
    public void ClearRows() => rows.ResetWrittenCount();

    /// <summary>Takes a record.</summary>
    public void Add(in LogRecord record)
    {
        Records++;
        if (record.Oddities.HasFlag(LogOddities.NotARecord))
        {
            // What is no record belongs to no line.
            Line foreign = new("") { File = File, Offset = record.Offset, Length = record.Length, Pieces = 1, Oddities = record.Oddities };
            foreign.Append(record.Text);
            Emit(foreign);
            return;
        }

        Line line = record.Stream.SequenceEqual("stdout"u8) ? standardOutput : record.Stream.SequenceEqual("stderr"u8) ? standardError : other;
        if (line.Pieces == 0)
        {
            (line.File, line.Offset, line.TimeNs) = (File, record.Offset, record.TimeNs);
            line.Stream = line == other ? DisplayText.Escape(record.Stream[..Math.Min(record.Stream.Length, 64)]) : line.Stream;
        }

        line.Pieces++;
        line.Length += record.Length;
        line.Oddities |= record.Oddities | Judge(line, record.TimeNs);
        line.Append(record.Text);
        if (record.EndsLine)
        {
            Emit(line);
        }
    }

    /// <summary>No more records come: lines that wait for their end are written as unfinished.</summary>
    public void Finish()
    {
        foreach (Line line in new[] { standardOutput, standardError, other })
        {
            if (line.Pieces > 0)
            {
                line.Oddities |= LogOddities.Unfinished;
                Emit(line);
            }
        }
    }

    private LogOddities Judge(Line line, long? time)
    {
        if (time is not { } now)
        {
            return LogOddities.None;
        }

        LogOddities oddities = LogOddities.None;
        if (now < line.LatestNs)
        {
            oddities |= LogOddities.TimeBackwards;
        }

        if (now < createdNs - CreationSlackNs)
        {
            oddities |= LogOddities.BeforeContainer;
        }

        line.LatestNs = now;
        FirstNs ??= now;
        LastNs = now;
        return oddities;
    }

    private void Emit(Line line)
    {
        ReadOnlySpan<byte> text = line.Text;
        if (line.TextBytes == text.Length)
        {
            // The end of the line is not part of it; a terminal's line ends in CR LF.
            text = text.EndsWith("\r\n"u8) ? text[..^2] : text.EndsWith("\n"u8) ? text[..^1] : text;
        }
        else
        {
            line.Oddities |= LogOddities.Cut;
        }

        if (HasControls(text))
        {
            line.Oddities |= LogOddities.Controls;
        }

        if (text.IndexOf("\uFFFD"u8) >= 0)
        {
            line.Oddities |= LogOddities.ReplacedBytes;
        }

        IReadOnlyList<string> flags = line.Oddities.Words();
        foreach (string flag in flags)
        {
            flagCounts[flag] = flagCounts.GetValueOrDefault(flag) + 1;
        }

        LogRow row = new()
        {
            Number = ++Lines,
            File = line.File,
            Offset = line.Offset,
            Length = line.Length,
            Pieces = line.Pieces,
            TimeNs = line.TimeNs,
            Stream = line.Stream,
            TextBytes = line.TextBytes,
            Text = IsPlain(text) ? Encoding.ASCII.GetString(text) : DisplayText.Escape(text),
            Flags = flags,
        };
        json ??= new Utf8JsonWriter(rows, new JsonWriterOptions { SkipValidation = true });
        json.Reset(rows);
        row.Write(json);
        json.Flush();
        rows.Write("\n"u8);
        line.Clear();
    }

    private static bool IsPlain(ReadOnlySpan<byte> text) => !text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e) && !text.Contains((byte)'\\');

    private static bool HasControls(ReadOnlySpan<byte> text)
    {
        if (!text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e))
        {
            return false;
        }

        for (int i = 0; i < text.Length; i++)
        {
            if ((text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f || (text[i] == 0xc2 && i + 1 < text.Length && text[i + 1] is >= 0x80 and < 0xa0))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A line under way on one stream.</summary>
    private sealed class Line(string stream)
    {
        private byte[] text = [];
        private int kept;

        public string Stream { get; set; } = stream;

        public string File { get; set; } = "";

        public long Offset { get; set; }

        public long Length { get; set; }

        public int Pieces { get; set; }

        public long? TimeNs { get; set; }

        public long LatestNs { get; set; } = long.MinValue;

        public long TextBytes { get; private set; }

        public LogOddities Oddities { get; set; }

        public ReadOnlySpan<byte> Text => text.AsSpan(0, kept);

        public void Append(ReadOnlySpan<byte> more)
        {
            TextBytes += more.Length;
            int room = Math.Min(more.Length, TextLimitBytes - kept);
            if (room > 0)
            {
                if (text.Length == 0)
                {
                    text = new byte[TextLimitBytes];
                }

                more[..room].CopyTo(text.AsSpan(kept));
                kept += room;
            }
        }

        public void Clear() => (kept, Length, Pieces, TextBytes, TimeNs, Oddities) = (0, 0, 0, 0, null, LogOddities.None);
    }
}
