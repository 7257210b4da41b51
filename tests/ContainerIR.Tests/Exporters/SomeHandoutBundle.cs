using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Tests.Bundles;

namespace ContainerIR.Tests.Exporters;

/// <summary>A sealed bundle as a hostile container would have it: every name in it tries to break the format it ends up in.</summary>
internal static class SomeHandoutBundle
{
    public const string Name = "EV-IR-7-20261122T120000Z-host-cccccccccccc";
    public const string Script = "<script>alert(1)</script>";

    /// <summary>Paths that bite: separators of formats, line ends, markup, reversed text, formulas, bytes that are no text, a megabyte.</summary>
    public static IReadOnlyList<byte[]> Paths { get; } =
    [
        "/tmp/a|b%7Cc,\"d\""u8.ToArray(),
        "/tmp/two\nlines\r\n0|forged|1|r/rrwxrwxrwx|0|0|0|1|1|1|1"u8.ToArray(),
        Encoding.UTF8.GetBytes("/srv/" + Script + "\"'><img src=x onerror=alert(2)>&amp;"),
        Encoding.UTF8.GetBytes("/srv/\u202egpj.exe"),
        "/srv/=cmd|' /C calc'!A0"u8.ToArray(),
        [.. "/srv/\u001b[2J"u8, 0xff, 0xfe, 0x00],
        Encoding.UTF8.GetBytes("/big/" + new string('A', 1_000_000)),
        Encoding.UTF8.GetBytes("/srv/zu\u0308rich-\U0001F600"),
    ];

    public static CustodyRecord Custody { get; } = new()
    {
        Identity = new() { Case = "IR-7", Scope = "container web, profile standard", LegalAuthority = "Order 12/2026" + Script },
        Who = new() { Name = "Jane " + Script, Organisation = "Some CERT", Login = "jane", Terminal = "pts/0", SshSource = "192.0.2.7" },
        Why = new() { Reason = "Beacon seen " + Script },
        Where = new() { Fqdn = "web-01.example", Kernel = "Linux 6.1", Engine = "docker 20.10", StorageDriver = "overlay2" },
        What = new()
        {
            ContainerId = new string('c', 64),
            Name = "web" + Script + "\u202e",
            Image = "shop/web:1.4",
            ImageDigest = "sha256:" + new string('1', 64),
            State = "running",
        },
        When = new() { StartedAt = DateTimeOffset.UnixEpoch.AddSeconds(1_795_000_000), Synchronisation = "synchronised", ClockSource = "tsc" },
        Tool = new() { Name = "ContainerIR cir", Version = "0.1.0" },
    };

    public static async Task<SealedBundle> MakeAsync(string folder, string name = Name, int extraFiles = 0)
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(folder, name) with { CaseId = "IR-7" });
        await TextAsync(bundle.OpenSection("host", 0), "uname.txt", ItemForm.Plain, "Linux web-01 6.1\n");
        await TextAsync(bundle.OpenSection("events", 1), "events-parsed.jsonl", ItemForm.Plain, """
            {"n":1,"offset":0,"length":10,"time_ns":1795000000123456789,"type":"container","action":"exec_start","detail":"sh -c <script>alert(1)</script>","class":"exec","actor_id":"cc","name":"web","of_container":true}
            {"n":2,"offset":10,"length":10,"time_ns":1795000001000000000,"type":"container","action":"start","class":"lifecycle","actor_id":"dd","name":"other","of_container":false}

            """);
        IEvidenceSink network = bundle.OpenSection("network", 2);
        await TextAsync(network, "sockets.jsonl", ItemForm.Plain, """
            {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":40000,"remote":"203.0.113.9","remote_port":4444,"peer":"public","inode":77,"uid":0,"owners":[{"pid":4242,"fd":3,"member":true,"exe":"/tmp/.x11/<script>alert(1)</script> (deleted)","exe_sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]}
            {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":40002,"remote":"172.17.0.3","remote_port":5432,"peer":"container db<script>alert(1)</script>","inode":80,"uid":0,"owners":[]}
            {"netns":1,"protocol":"tcp","state":"ESTABLISHED","local":"172.17.0.2","local_port":8080,"remote":"172.17.0.9","remote_port":51000,"peer":"container client","inode":81,"uid":0,"owners":[]}
            {"netns":1,"protocol":"tcp6","state":"LISTEN","local":"::","local_port":8080,"remote":"::","remote_port":0,"inode":78,"uid":0,"owners":[]}

            """);
        await TextAsync(bundle.OpenSection("processes", 3), "processes.jsonl.zst", ItemForm.Frames, """
            {"pid":4200,"ppid":1,"comm":"httpd","cmdline":["httpd","-f"],"uids":[0,0,0,0],"started_at":"2026-11-18T11:00:00Z","exe":{"link":"/usr/bin/httpd","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"member_by":[{"why":"cgroup"}]}
            {"pid":4242,"ppid":4200,"nspid":[4242,9],"comm":"nc","cmdline":["/tmp/.x11/nc","=1+1","<script>alert(1)</script>"],"uids":[1000,1000,1000,1000],"started_at":"2026-11-18T11:06:41.1234567Z","cwd":"/tmp","exe":{"link":"/tmp/.x11/nc (deleted)","deleted":true,"sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"signs":["exe-deleted"]}
            {"pid":4250,"ppid":4242,"comm":"sh","cmdline":[],"uids":[1000]}

            """);
        IEvidenceSink diff = bundle.OpenSection("rootfs-diff", 6);
        await TextAsync(diff, "entries.jsonl.zst", ItemForm.Frames, string.Join('\n', Entries(extraFiles)) + "\n");
        await diff.AddAsync("upper.tar.zst", Tar(), new ItemOptions("/var/lib/docker/overlay2/x/diff", ItemForm.Frames), CancellationToken.None);
        diff.AddGap("/proc/9/exe" + Script, "Permission denied (errno 13)");
        IEvidenceSink logs = bundle.OpenSection("logs", 6);
        const string logPath = "/var/lib/docker/containers/cc/cc-json.log";
        await TextAsync(logs, "container-json.log.zst", ItemForm.Frames, "{\"log\":\"GET / 1\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-18T11:06:42Z\"}\n");
        await TextAsync(logs, "logs.json", ItemForm.Plain, $$"""{"driver":"json-file","files":[{"item":"container-json.log.zst","path":"{{logPath}}"},{"item":"../../x","path":"/../../etc/passwd"}]}""");
        await TextAsync(logs, "index.jsonl.zst", ItemForm.Frames, """
            {"n":1,"time_ns":1795000002000000001,"stream":"stdout","text":"GET / <script>alert(1)</script>","text_bytes":8,"file":"a","offset":0,"length":9,"pieces":1}
            this is no row

            """);
        await TextAsync(bundle.OpenSection("image", 8), "image.json", ItemForm.Plain, """
            {"id":"sha256:1111","tags":["shop/web:1.4<script>alert(1)</script>"],"repository_digests":[],"created":"2026-10-01T00:00:00Z","architecture":"amd64","os":"linux","size_bytes":5000000,"layer_diff_ids":["sha256:aaaa","sha256:bbbb","sha256:cccc"],"name_still_points_here":false,
             "base_image":{"layers":1,"confidence":"certain","why":"its lowest layer is the one layer of a named image of this host","images":["some-base:12<script>alert(1)</script>","sha256:2222"]},
             "layers":[{"number":1,"diff_id":"sha256:aaaa","made_by":"ADD file:x in / ","files":5237,"bytes":120500000},{"number":2,"diff_id":"sha256:bbbb","made_by":"/bin/sh -c apk add <script>alert(1)</script>","files":12,"bytes":4000000},
              {"number":3,"diff_id":"sha256:cccc","files":1,"bytes":7}]}
            """);
        await TextAsync(bundle.OpenSection("layers", 8), "layers.jsonl", ItemForm.Plain, """
            {"number":1,"verdict":"intact","diff_id":"sha256:aaaa"}
            {"number":2,"verdict":"edited","diff_id":"sha256:bbbb"}

            """);
        await TextAsync(bundle.OpenSection("image", 8), "image-history.json", ItemForm.Plain, """
            [{"Id":"<missing>","Created":1790000001,"CreatedBy":"/bin/sh -c #(nop)  ENV SHOP_TOKEN=correct-horse-battery","Size":0,"Comment":""},
             {"Id":"sha256:1111","Created":1790000000,"CreatedBy":"/bin/sh -c #(nop)  CMD [\"httpd\"]","Size":0,"Comment":""},
             {"Id":"<missing>","Created":1789999999,"CreatedBy":"/bin/sh -c apk add <script>alert(1)</script>","Size":4000000,"Comment":""}]
            """);
        return await bundle.SealAsync(Custody, SomeBundle.Identity, new SealPolicy(), CancellationToken.None);
    }

    private static IEnumerable<string> Entries(int extra)
    {
        const string born = "\"ctime\":\"1794999900.500000000\",\"btime\":\"1794999900.500000000\"";
        for (int i = 0; i < Paths.Count; i++)
        {
            string path = Convert.ToBase64String(Paths[i]);
            string digest = new((char)('a' + (i % 6)), 64);
            yield return string.Create(CultureInfo.InvariantCulture, $$"""{"path":"x","path_b64":"{{path}}","kind":"file","verdict":"added","mode":"4755","uid":0,"gid":0,"size":7,"atime":"1794999990","mtime":"1794999{{100 + i}}.250000000",{{born}},"ino":{{100 + i}},"nlink":1,"sha256":"{{digest}}","signs":["modified-before-birth"]}""");
        }

        string deleted = Convert.ToBase64String("/srv/audit|log"u8);
        yield return $$"""{"path":"y","path_b64":"{{deleted}}","kind":"whiteout","verdict":"deleted","mode":"0","uid":0,"gid":0,"size":0,"mtime":"1794999950",{{born}},"ino":6,"nlink":3,"original":{"path_b64":"{{deleted}}","layer":0,"kind":"file","mode":"644","uid":33,"gid":33,"size":1234,"mtime":"1700000000","ctime":"1700000000","ino":9,"nlink":1} }""";
        yield return $$"""{"path":"z","path_b64":"{{Convert.ToBase64String("/etc/passwd"u8)}}","kind":"file","verdict":"modified","mode":"644","uid":4294967293,"gid":0,"size":1,"mtime":"-4.012345679","ctime":"1794999960","ino":7,"nlink":1,"original":{"path_b64":"{{Convert.ToBase64String("/etc/passwd"u8)}}","layer":1,"kind":"file","mode":"644","uid":0,"gid":0,"size":900,"mtime":"1700000000","ino":9,"nlink":1} }""";
        yield return $$"""{"path":"z","path_b64":"{{Convert.ToBase64String("/far"u8)}}","kind":"symlink","target":"a|b","verdict":"added","mode":"777","uid":0,"gid":0,"size":1,"mtime":"17000000000000","ino":8,"nlink":1}""";
        for (int i = 0; i < extra; i++)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $$"""{"path":"/e/{{i}}","path_b64":"{{Convert.ToBase64String(Encoding.ASCII.GetBytes($"/e/{i}"))}}","kind":"file","verdict":"touched","mode":"644","uid":0,"gid":0,"size":1,"mtime":"1794999000","ctime":"1794999900","btime":"1794999900","atime":"1794999900","ino":{{1000 + i}},"nlink":1}""");
        }
    }

    private static byte[] Tar()
    {
        using MemoryStream tar = new();
        using (System.Formats.Tar.TarWriter writer = new(tar, System.Formats.Tar.TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "srv/hello") { DataStream = new MemoryStream("hello"u8.ToArray()) });
        }

        return tar.ToArray();
    }

    private static Task<EvidenceItem> TextAsync(IEvidenceSink sink, string name, ItemForm form, string text) =>
        sink.AddAsync(name, Encoding.UTF8.GetBytes(text), new ItemOptions("made by a test", form), CancellationToken.None);
}
