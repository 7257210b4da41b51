using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Rows;
using ContainerIR.Tests.Bundles;

namespace ContainerIR.Tests.Cases;

/// <summary>A sealed bundle with every kind of item the index reads, made without an engine.</summary>
internal static class SomeIndexedBundle
{
    public const string Name = "EV-IR-7-20261122T120000Z-host-cccccccccccc";

    /// <summary>Not UTF-8, and a terminal command in display.</summary>
    public static readonly byte[] HostilePath = [.. "/tmp/\u001b[2J"u8, 0xff, .. "x"u8];

    public static async Task<SealedBundle> MakeAsync(string folder, string name = Name, int logLines = 3)
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder, name));
        IEvidenceSink events = bundle.OpenSection("events", 1);
        await AddAsync(events, "events-parsed.jsonl", ItemForm.Plain, lines => new EventRow
        {
            Number = 1,
            Offset = 0,
            Length = 10,
            TimeNs = 1_700_000_000_000_000_001,
            Type = "container",
            Action = "exec_start",
            Detail = "sh -c id",
            Class = "exec",
            Name = "web",
            OfContainer = true,
        }.Write(lines));
        IEvidenceSink network = bundle.OpenSection("network", 2);
        await AddTextAsync(network, "sockets.jsonl", ItemForm.Plain, """
            {"netns":4026532000,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":40000,"remote":"203.0.113.9","remote_port":4444,"peer":"public","inode":77,"uid":0,"owners":[{"pid":4242,"fd":3,"member":true,"exe":"/tmp/.x11/nc (deleted)"}]}
            {"netns":4026532000,"protocol":"tcp","state":"LISTEN","local":"::","local_port":8080,"remote":"::","remote_port":0,"inode":78,"uid":0,"owners":[]}
            {"netns":4026532000,"protocol":"unix","state":"LISTEN","name":"/run/x.sock","inode":79,"uid":0,"owners":[]}

            """);
        IEvidenceSink processes = bundle.OpenSection("processes", 3);
        await AddTextAsync(processes, "processes.jsonl.zst", ItemForm.Frames, """
            {"pid":4242,"ppid":4200,"nspid":[4242,9],"comm":"nc","cmdline":["/tmp/.x11/nc","\\x1b[2J"],"uids":[1000,1000,1000,1000],"started_at":"2026-11-22T11:59:00.1234567Z","exe":{"link":"/tmp/.x11/nc (deleted)","deleted":true,"sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"signs":["exe-deleted"]}
            {"pid":4200,"ppid":1,"comm":"httpd","cmdline":[]}

            """);
        IEvidenceSink diff = bundle.OpenSection("rootfs-diff", 6);
        await AddTextAsync(diff, "entries.jsonl.zst", ItemForm.Frames, string.Join('\n', Entries()) + "\n");
        diff.AddGap("/proc/9/exe", "Permission denied (errno 13)");
        IEvidenceSink logs = bundle.OpenSection("logs", 6);
        StringBuilder text = new();
        for (int i = 1; i <= logLines; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $$"""{"n":{{i}},"time_ns":{{1_700_000_001_000_000_000 + i}},"stream":"stdout","text":"GET / {{i}}","text_bytes":8,"file":"a","offset":0,"length":9,"pieces":1}""").Append('\n');
        }

        text.Append("this is no row\n");
        await AddTextAsync(logs, "index.jsonl.zst", ItemForm.Frames, text.ToString());
        return await bundle.SealAsync();
    }

    private static IEnumerable<string> Entries()
    {
        string path = Convert.ToBase64String(HostilePath);
        const string times = "\"atime\":\"1700000000\",\"mtime\":\"1700000000\",\"ctime\":\"1700000002.500000000\",\"btime\":\"1700000002.500000000\"";
        string digest = new('a', 64);
        yield return $$"""{"path":"x","path_b64":"{{path}}","kind":"file","verdict":"added","mode":"4755","uid":0,"gid":0,"size":7,{{times}},"ino":5,"nlink":1,"sha256":"{{digest}}"}""";
        string deleted = Convert.ToBase64String("/srv/audit.log"u8);
        yield return $$"""{"path":"y","path_b64":"{{deleted}}","kind":"whiteout","verdict":"deleted","mode":"0","uid":0,"gid":0,"size":0,{{times}},"ino":6,"nlink":3,"original":{"path_b64":"{{deleted}}","layer":0,"kind":"file","mode":"644","uid":33,"gid":33,"size":1234,{{times}},"ino":9,"nlink":1} }""";
        yield return """{"no":"entry"}""";

        // Beyond what 64 bits of nanoseconds hold.
        yield return $$"""{"path":"z","path_b64":"{{Convert.ToBase64String("/z"u8)}}","kind":"file","verdict":"modified","mode":"644","uid":4294967293,"gid":0,"size":1,"mtime":"17000000000000","ino":7,"nlink":1}""";
    }

    private static async Task AddAsync(IEvidenceSink sink, string name, ItemForm form, Action<Utf8JsonWriter> write)
    {
        using MemoryStream line = new();
        using (Utf8JsonWriter json = new(line))
        {
            write(json);
        }

        line.WriteByte((byte)'\n');
        await sink.AddAsync(name, line.ToArray(), new ItemOptions("made by a test", form), CancellationToken.None);
    }

    private static Task<EvidenceItem> AddTextAsync(IEvidenceSink sink, string name, ItemForm form, string text) =>
        sink.AddAsync(name, Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", form), CancellationToken.None);
}
