using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ContainerIR.Collectors.Logs;
using ContainerIR.Rows;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class A_json_file_log
{
    [Fact]
    public void Is_put_together_from_its_pieces_per_stream()
    {
        List<LogRow> rows = Rows(
            Record("abc", "stdout", 1) + Record("err\n", "stderr", 2) + Record("def\n", "stdout", 3) + Record("end", "stdout", 4));
        Assert.Equal(["err", "abcdef", "end"], rows.Select(row => row.Text));
        Assert.Equal([1, 2, 1], rows.Select(row => row.Pieces));
        Assert.Equal(Second(1), rows[1].TimeNs);
        Assert.Equal(0, rows[1].Offset);
        Assert.Equal([LogFlags.Unfinished], rows[2].Flags);
    }

    [Fact]
    public void Takes_time_and_stream_from_outside_the_text_only()
    {
        LogRow row = Assert.Single(Rows(Record("{\\\"log\\\":\\\"x\\\\n\\\",\\\"stream\\\":\\\"stderr\\\",\\\"time\\\":\\\"1999-01-01T00:00:00Z\\\"}\\u001b[2J\n", "stdout", 5)));
        Assert.Equal(("stdout", Second(5)), (row.Stream, row.TimeNs!.Value));
        Assert.Contains("\\x1b[2J", row.Text, StringComparison.Ordinal);
        Assert.Equal([LogFlags.Controls], row.Flags);
    }

    [Fact]
    public void Flags_what_was_edited()
    {
        List<LogRow> rows = Rows(
            Record("a\n", "stdout", 9) + "someone was here\n" + Record("b\n", "stdout", 8) + "\0\0\0" + Record("c\n", "stdout", 10)
            + "{\"log\":\"no time\\n\",\"stream\":\"stdout\"}\n" + Record("lost \uFFFD\n", "stdout", 11) + Record("old\n", "stderr", -3600) + "{\"log\":\"half");
        Assert.Equal(
            ["", "not-a-record", "time-backwards", "nul-bytes", "no-time", "replaced-bytes", "before-container", "not-a-record,cut-record"],
            rows.Select(row => string.Join(',', row.Flags)));
        Assert.Equal("someone was here", rows[1].Text);
        Assert.Equal(rows.Sum(row => row.Length), rows[^1].Offset + rows[^1].Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Is_the_same_in_whatever_parts_it_comes(int part)
    {
        string log = string.Concat(Enumerable.Range(0, 200).Select(i => Record(new string('x', i * 7) + (i % 3 == 0 ? "" : "\n"), i % 2 == 0 ? "stdout" : "stderr", i))) + "junk\n";
        Assert.Equal(Rows(log).Select(row => (row.Text, row.Offset, row.Length)), Rows(log, part).Select(row => (row.Text, row.Offset, row.Length)));
    }

    [Property(MaxTest = 300)]
    public void Never_fails_on_any_bytes(byte[] bytes) => Decode(assembler => new JsonFileDecoder(assembler), bytes, 13);

    [Fact]
    public void Keeps_memory_and_rows_small_for_a_record_without_end()
    {
        List<LogRow> rows = Decode(assembler => new JsonFileDecoder(assembler), [.. new byte[5_000_000], (byte)'\n', .. Encoding.UTF8.GetBytes(Record("after\n", "stdout", 1))], 65536);
        Assert.Equal(2, rows.Count);
        Assert.Contains(LogFlags.Nul, rows[0].Flags);
        Assert.Equal("after", rows[1].Text);
        Assert.Equal(5_000_001, rows[1].Offset);
    }

    internal static List<LogRow> Decode(Func<LogAssembler, LogDecoder> make, byte[] bytes, int part)
    {
        LogAssembler assembler = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000)) { File = "log.zst" };
        LogDecoder decoder = make(assembler);
        for (int i = 0; i < bytes.Length; i += part)
        {
            decoder.Feed(bytes.AsSpan(i, Math.Min(part, bytes.Length - i)));
        }

        decoder.Finish();
        assembler.Finish();
        return [.. LogRow.Read(new MemoryStream(assembler.Rows.ToArray()))];
    }

    private static List<LogRow> Rows(string log, int part = 4096) => Decode(assembler => new JsonFileDecoder(assembler), Encoding.UTF8.GetBytes(log), part);

    private static long Second(int second) => (1_700_000_000L + second) * 1_000_000_000;

    private static string Record(string text, string stream, int second) =>
        string.Create(CultureInfo.InvariantCulture, $"{{\"log\":\"{text.Replace("\n", "\\n", StringComparison.Ordinal)}\",\"stream\":\"{stream}\",\"time\":\"{DateTimeOffset.FromUnixTimeSeconds(1_700_000_000 + second):yyyy-MM-ddTHH:mm:ssZ}\"}}\n");
}

public sealed class A_local_log
{
    [Fact]
    public void Keeps_exact_bytes_and_joins_parts()
    {
        byte[] log = [.. Record([0xff, (byte)'a'], false, false), .. Record("ab"u8.ToArray(), true, false), .. Record("cd"u8.ToArray(), true, true)];
        List<LogRow> rows = A_json_file_log.Decode(assembler => new LocalDecoder(assembler), log, 3);
        Assert.Equal(["\\xffa", "abcd"], rows.Select(row => row.Text));
        Assert.All(rows, row => Assert.Equal(("stdout", 1_700_000_005_000_000_000), (row.Stream, row.TimeNs!.Value)));
    }

    [Fact]
    public void Says_where_its_frames_are_lost()
    {
        byte[] first = Record("ok"u8.ToArray(), false, false);
        List<LogRow> rows = A_json_file_log.Decode(assembler => new LocalDecoder(assembler), [.. first, .. new byte[100]], 7);
        Assert.Equal(["ok", LogFlags.NotARecord], [rows[0].Text, rows[1].Flags[0]]);
        Assert.Equal((first.Length, 100), (rows[1].Offset, rows[1].Length));
    }

    [Property(MaxTest = 300)]
    public void Never_fails_on_any_bytes(byte[] bytes) => A_json_file_log.Decode(assembler => new LocalDecoder(assembler), bytes, 5);

    private static byte[] Record(byte[] text, bool isPartial, bool isLast)
    {
        List<byte> entry = [0x0a, 6, .. "stdout"u8, 0x10];
        for (ulong time = 1_700_000_005_000_000_000; ; time >>= 7)
        {
            entry.Add((byte)(time < 0x80 ? time : (time & 0x7f) | 0x80));
            if (time < 0x80)
            {
                break;
            }
        }

        entry.AddRange([0x1a, (byte)text.Length, .. text]);
        if (isPartial)
        {
            entry.AddRange([0x20, 1, 0x2a, 2, 0x08, (byte)(isLast ? 1 : 0)]);
        }

        byte[] record = new byte[entry.Count + 8];
        BinaryPrimitives.WriteInt32BigEndian(record, entry.Count);
        entry.CopyTo(record, 4);
        BinaryPrimitives.WriteInt32BigEndian(record.AsSpan(entry.Count + 4), entry.Count);
        return record;
    }
}

public sealed class A_Podman_log
{
    [Fact]
    public void Is_read_with_its_parts()
    {
        const string log = "2026-11-22T19:43:44.5+01:00 stdout P ab\n2026-11-22T19:43:45+01:00 stdout F cd\n2026-11-22T19:43:46+01:00 stderr F \nnonsense\n";
        List<LogRow> rows = A_json_file_log.Decode(assembler => new KubernetesFileDecoder(assembler), Encoding.UTF8.GetBytes(log), 9);
        Assert.Equal(["abcd", "", "nonsense"], rows.Select(row => row.Text));
        Assert.Equal([LogFlags.NotARecord], rows[2].Flags);
    }

    [Property(MaxTest = 300)]
    public void Never_fails_on_any_bytes(byte[] bytes) => A_json_file_log.Decode(assembler => new KubernetesFileDecoder(assembler), bytes, 5);
}
