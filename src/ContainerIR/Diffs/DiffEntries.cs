using System.Text.Json;
using ContainerIR.Linux;

namespace ContainerIR.Diffs;

/// <summary>Reads entries.jsonl, line by line. The file may come from anyone: lines are bounded, and one that cannot be read is told and left out.</summary>
public static class DiffEntries
{
    /// <summary>A longer line is left out: the writer's longest has a path of 512 KiB three times and 1 MiB of attributes.</summary>
    public const int MaxLineBytes = 32 * 1024 * 1024;

    private const int MaxArrayItems = 100_000;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8 };

    /// <summary>Reads the entries of a raw (decompressed) stream. Memory is that of one line.</summary>
    /// <param name="jsonl">The stream; it stays the caller's.</param>
    /// <param name="malformed">Told the number of a line that was left out, from 1, and why; null to leave out silently.</param>
    public static IEnumerable<DiffEntry> Read(Stream jsonl, Action<long, string>? malformed = null)
    {
        ArgumentNullException.ThrowIfNull(jsonl);
        return ReadLines(jsonl, malformed);
    }

    private static IEnumerable<DiffEntry> ReadLines(Stream jsonl, Action<long, string>? malformed)
    {
        byte[] buffer = new byte[64 * 1024];
        int start = 0;
        int end = 0;
        int searched = 0;
        bool tooLong = false;
        for (long number = 1; ;)
        {
            int newline = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
            newline = newline < 0 ? -1 : newline + searched;
            if (newline < 0)
            {
                tooLong |= end - start > MaxLineBytes;
                Compact(ref buffer, ref start, ref end, tooLong);
                searched = end - start;
                int count = jsonl.Read(buffer, end, buffer.Length - end);
                if (count > 0)
                {
                    end += count;
                    continue;
                }

                if (end == start && !tooLong)
                {
                    yield break;
                }

                newline = end - start;
            }

            ReadOnlyMemory<byte> line = buffer.AsMemory(start, newline);
            (start, searched) = (Math.Min(end, start + newline + 1), 0);
            if (tooLong || line.Length > MaxLineBytes)
            {
                malformed?.Invoke(number, $"longer than {MaxLineBytes} bytes");
            }
            else if (!line.Span.Trim(" \t\r"u8).IsEmpty)
            {
                if (Parse(line, out string problem) is { } entry)
                {
                    yield return entry;
                }
                else
                {
                    malformed?.Invoke(number, problem);
                }
            }

            tooLong = false;
            number++;
        }
    }

    private static void Compact(ref byte[] buffer, ref int start, ref int end, bool discard)
    {
        if (discard)
        {
            (start, end) = (0, 0);
        }

        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        if (end == buffer.Length)
        {
            Array.Resize(ref buffer, buffer.Length * 2);
        }
    }

    private static DiffEntry? Parse(ReadOnlyMemory<byte> line, out string problem)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Options);
            problem = "";
            return ParseEntry(document.RootElement);
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException or OverflowException)
        {
            problem = failure.Message;
            return null;
        }
    }

    private static DiffEntry ParseEntry(JsonElement line)
    {
        byte[] path = Bytes(line, "path_b64") ?? throw new FormatException("no path_b64");
        DiffKind kind = DiffWords.ToKind(Text(line, "kind"));
        return new()
        {
            Path = path,
            Kind = kind,
            Verdict = DiffWords.ToVerdict(Text(line, "verdict")),
            IsByMetadata = Text(line, "verdict_by") == "metadata",
            Changed = Words(line, "changed"),
            Signs = Words(line, "signs"),
            Object = line.TryGetProperty("ino", out _) ? ParseObject(line, kind) : null,
            Xattrs = ParseXattrs(line),
            HardLinkTo = Bytes(line, "hardlink_to_b64"),
            TarOffset = Number(line, "tar_offset"),
            IsUnderMount = Flag(line, "under_mount"),
            HiddenBy = Bytes(line, "hidden_by_b64"),
            ChangedDuringRead = Flag(line, "changed_during_read"),
            Error = Text(line, "error"),
            Original = Child(line, "original"),
            Replaced = Child(line, "replaced"),
        };
    }

    private static DiffObject? Child(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement child) && child.ValueKind == JsonValueKind.Object
            ? ParseObject(child, DiffWords.ToKind(Text(child, "kind"))) with
            {
                Path = Bytes(child, "path_b64") ?? [],
                Layer = checked((int?)Number(child, "layer")),
                BeforeOffset = Number(child, "before_offset"),
                Error = Text(child, "error"),
            }
            : null;

    private static DiffObject ParseObject(JsonElement at, DiffKind kind) => new()
    {
        Kind = kind,
        Mode = Text(at, "mode") is { } mode ? Convert.ToInt32(mode, 8) : 0,
        Uid = Number(at, "uid") ?? 0,
        Gid = Number(at, "gid") ?? 0,
        SizeBytes = Number(at, "size") ?? 0,
        AccessedAt = Time(at, "atime"),
        ModifiedAt = Time(at, "mtime"),
        ChangedAt = Time(at, "ctime"),
        BornAt = Time(at, "btime"),
        Inode = Number(at, "ino") ?? 0,
        LinkCount = Number(at, "nlink") ?? 0,
        Device = Text(at, "dev"),
        Attributes = Words(at, "attributes"),
        RepresentedDevice = Text(at, "rdev"),
        LinkTarget = Bytes(at, "target_b64"),
        Sha256 = Text(at, "sha256"),
        ExtentsSha256 = at.TryGetProperty("sparse", out JsonElement sparse) ? Text(sparse, "sha256") : null,
    };

    private static List<(byte[] Name, byte[] Value)> ParseXattrs(JsonElement line)
    {
        List<(byte[] Name, byte[] Value)> xattrs = [];
        if (line.TryGetProperty("xattrs_b64", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in list.EnumerateArray().Take(MaxArrayItems))
            {
                xattrs.Add((Bytes(item, "name_b64") ?? throw new FormatException("an attribute without name_b64"), Bytes(item, "value_b64") ?? []));
            }
        }

        return xattrs;
    }

    private static List<string> Words(JsonElement at, string name) =>
        at.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Take(MaxArrayItems).Where(word => word.ValueKind == JsonValueKind.String).Select(word => word.GetString()!)]
            : [];

    private static string? Text(JsonElement at, string name) =>
        at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[]? Bytes(JsonElement at, string name) =>
        at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetBytesFromBase64() : null;

    private static long? Number(JsonElement at, string name) =>
        at.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? value.TryGetInt64(out long number) ? number : unchecked((long)value.GetUInt64())
            : null;

    private static bool Flag(JsonElement at, string name) => at.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    private static UnixTime? Time(JsonElement at, string name) =>
        Text(at, name) is { } text && UnixTime.TryParse(text, out UnixTime time) ? time : null;
}
