using System.Globalization;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Reports;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Exporters;
using Xunit;

namespace ContainerIR.Tests.Reports;

/// <summary><c>cir report</c> of a bundle in which every name is hostile.</summary>
public sealed class A_report : IAsyncLifetime, IDisposable
{
    private const string Chromium = "/usr/bin/chromium";
    private readonly SomeTerminal terminal = new();
    private SealedBundle bundle = null!;

    public async ValueTask InitializeAsync() => bundle = await SomeHandoutBundle.MakeAsync(terminal.Folder);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose() => terminal.Dispose();

    [Fact]
    public async Task Names_the_signed_root_what_was_taken_and_what_was_not()
    {
        string html = await WriteAsync("report.html");

        Assert.Contains(bundle.RootSha256, html, StringComparison.Ordinal);
        Assert.All(bundle.Items, item => Assert.Contains(item.Sha256, html, StringComparison.Ordinal));
        Assert.Contains("/proc/9/exe", html, StringComparison.Ordinal);
        Assert.Contains("Permission denied (errno 13)", html, StringComparison.Ordinal);
        Assert.Contains("203.0.113.9", html, StringComparison.Ordinal);
        Assert.Contains("exe-deleted", html, StringComparison.Ordinal);
        Assert.Contains("apk add", html, StringComparison.Ordinal);
        Assert.Contains("RS.AN-07", html, StringComparison.Ordinal);
        Assert.Contains("Affected resource", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Loads_nothing_and_runs_nothing_and_stays_small()
    {
        string html = await WriteAsync("report.html");

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', html);
        Assert.DoesNotContain('\u001b', html);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.Contains("characters)", html, StringComparison.Ordinal);
        Assert.True(html.Length < 400_000, html.Length.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Is_to_a_browser_the_same_elements_whatever_the_names_are()
    {
        // What the browser made of it: no element that is not ours, and nothing of a name became one.
        await WriteAsync("report.html");
        string profile = Path.Combine(terminal.Folder, "chromium");
        string dom = Validator.Run(
            Chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + profile, "--dump-dom", "file://" + Path.Combine(terminal.Folder, "report.html"));

        IEnumerable<string> elements = System.Text.RegularExpressions.Regex.Matches(dom, "<([a-zA-Z][a-zA-Z0-9]*)").Select(match => match.Groups[1].Value.ToLowerInvariant()).Distinct();
        string[] ours =
        [
            "a", "b", "bdi", "body", "br", "code", "dd", "defs", "details", "div", "dl", "dt", "footer", "h1", "h2", "h3", "head", "header", "html", "main", "marker", "meta", "nav", "p", "path", "pre", "rect", "span",
            "style", "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
        ];
        Assert.Empty(elements.Except(ours));
        Assert.DoesNotContain("onerror=", System.Text.RegularExpressions.Regex.Replace(dom, ">[^<]*<", "><"), StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", dom, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prints_to_pdf()
    {
        await WriteAsync("report.html");
        string pdf = Path.Combine(terminal.Folder, "report.pdf");
        Validator.Run(
            Chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + Path.Combine(terminal.Folder, "chromium"), "--print-to-pdf=" + pdf, "file://" + Path.Combine(terminal.Folder, "report.html"));
        Assert.True(new FileInfo(pdf).Length > 20_000);
    }

    [Fact]
    public async Task As_markdown_has_no_markup_of_a_name()
    {
        string text = await WriteAsync("report.md");
        Assert.DoesNotContain("<", text, StringComparison.Ordinal);
        Assert.DoesNotContain("`", text, StringComparison.Ordinal);
        Assert.Contains("&#60;script&#62;alert(1)&#60;/script&#62;", text, StringComparison.Ordinal);
        Assert.Contains(bundle.RootSha256, text, StringComparison.Ordinal);
        foreach (IGrouping<int, string> table in text.Split('\n').Where(line => line.StartsWith('|')).GroupBy(line => line.Count(c => c == '|')))
        {
            Assert.InRange(table.Key, 4, 7);
        }
    }

    [Fact]
    public async Task As_json_says_the_same()
    {
        JsonElement root = JsonDocument.Parse(await WriteAsync("report.json")).RootElement;
        Assert.Equal("containerir-report/1", root.GetProperty("schema").GetString());
        JsonElement one = root.GetProperty("bundles")[0];
        Assert.Equal(bundle.RootSha256, one.GetProperty("root_sha256").GetString());
        Assert.Equal(3, one.GetProperty("processes").GetArrayLength());
        Assert.Equal([0, 1, 2], one.GetProperty("processes").EnumerateArray().Select(each => each.GetProperty("depth").GetInt32()));
        Assert.Equal(3, one.GetProperty("connection_total").GetInt64());
        Assert.Equal([8080], one.GetProperty("connections").EnumerateArray().Where(each => each.GetProperty("is_inbound").GetBoolean()).Select(each => each.GetProperty("local_port").GetInt32()));
        Assert.Equal(9, one.GetProperty("changes").EnumerateArray().Single(each => each.GetProperty("verdict").GetString() == "added").GetProperty("total").GetInt64());
        Assert.All(one.GetProperty("audit").EnumerateArray(), record => Assert.All(record.EnumerateObject(), field => Assert.NotEmpty(field.Value.GetString()!)));
    }

    [Fact]
    public async Task Says_of_each_layer_whose_it_is_and_whether_it_is_as_it_was_built()
    {
        JsonElement image = JsonDocument.Parse(await WriteAsync("report.json")).RootElement.GetProperty("bundles")[0].GetProperty("image_layers");
        Assert.Equal(
            ["1 base intact", "2 application edited", "3 application unchecked"],
            image.GetProperty("layers").EnumerateArray().Select(each => $"{each.GetProperty("number")} {each.GetProperty("owner")} {(each.TryGetProperty("integrity", out JsonElement integrity) ? integrity.GetString() : "unchecked")}"));
        Assert.Equal("certain", image.GetProperty("base").GetProperty("confidence").GetString());

        string html = await WriteAsync("report.html");
        Assert.Contains("some-base:12&lt;script&gt;alert(1)&lt;/script&gt;: the lowest layer is its own (certain", html, StringComparison.Ordinal);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(html, ">application</span>"));
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(html, ">base image</span>"));
        Assert.Contains("no: edited on the server", html, StringComparison.Ordinal);
        Assert.Contains("application", await WriteAsync("report.md"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("report.html")]
    [InlineData("report.md")]
    [InlineData("report.json")]
    public async Task Shows_no_password_of_a_build_instruction(string name)
    {
        string text = await WriteAsync(name);
        Assert.Contains(name.EndsWith(".md", StringComparison.Ordinal) ? "SHOP&#95;TOKEN=&#42;&#42;&#42; (21 characters)" : "SHOP_TOKEN=*** (21 characters)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("correct-horse", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_the_rule_beside_the_file_it_speaks_of_and_shows_times_people_read()
    {
        JsonElement one = JsonDocument.Parse(await WriteAsync("report.json")).RootElement.GetProperty("bundles")[0];
        JsonElement passwd = one.GetProperty("changes").EnumerateArray().SelectMany(group => group.GetProperty("latest").EnumerateArray()).Single(each => each.GetProperty("path").GetString() == "/etc/passwd");
        Assert.Equal(["CIR-030"], passwd.GetProperty("rules").EnumerateArray().Select(each => each.GetString()));
        string seen = one.GetProperty("findings").EnumerateArray().First(each => each.GetProperty("rule").GetString() == "CIR-030").GetProperty("seen").EnumerateArray().Single(each => each.GetProperty("label").GetString() == "now").GetProperty("value").GetString()!;
        Assert.Contains("mtime 1969-12-31 23:59:5", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_say_that_nothing_was_there_where_nothing_was_copied()
    {
        await using (BundleWriter writer = BundleWriter.Open(SomeBundle.Options(terminal.Folder, "EV-none") with { CaseId = "IR-7" }))
        {
            await writer.OpenSection("host", 0).AddAsync("uname.txt", "Linux\n"u8.ToArray(), new ItemOptions("made by a test"), CancellationToken.None);
            bundle = await writer.SealAsync(SomeHandoutBundle.Custody with { Where = SomeHandoutBundle.Custody.Where with { EngineEndpoint = "file:///mnt/disk/var/lib/docker" } }, SomeBundle.Identity, new(), CancellationToken.None);
        }

        string html = await WriteAsync("report.html");

        Assert.Contains("Which programs were running is not known", html, StringComparison.Ordinal);
        Assert.Contains("Which network connections were open is not known", html, StringComparison.Ordinal);
        Assert.Contains("copied what a disk still held", html, StringComparison.Ordinal);
        Assert.Contains("/mnt/disk/var/lib/docker", html, StringComparison.Ordinal);
        Assert.DoesNotContain("None was", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Has_words_for_every_collector() =>
        Assert.DoesNotContain(CollectorList.All, entry => ReportWords.OfCollector(entry.Name).Length == 0);

    [Fact]
    public async Task Asks_for_a_name_that_says_a_form()
    {
        Assert.Equal(2, await terminal.RunAsync("report", bundle.Path, "--out", Path.Combine(terminal.Folder, "report.docx")));
        Assert.Contains(".html, .md or .json", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_refused_with_3_when_the_bundle_is_not_as_it_was_sealed()
    {
        File.AppendAllText(Path.Combine(bundle.Path, "journal.jsonl"), "{}\n");
        Assert.Equal(3, await terminal.RunAsync("report", bundle.Path, "--out", Path.Combine(terminal.Folder, "report.html")));
        Assert.False(File.Exists(Path.Combine(terminal.Folder, "report.html")));
    }

    [Fact]
    public async Task Of_a_case_joins_its_bundles()
    {
        await terminal.RunAsync("case", "new", "IR-7", "--reason", "shop & co");
        string bundles = Path.Combine(terminal.Home, "cases", "IR-7", "bundles");
        await SomeHandoutBundle.MakeAsync(bundles, "EV-one");
        await SomeHandoutBundle.MakeAsync(bundles, "EV-two");
        string html = await WriteAsync("case.html", "IR-7");
        Assert.Contains("Case IR-7", html, StringComparison.Ordinal);
        Assert.Contains("2 sealed bundles", html, StringComparison.Ordinal);
    }

    private async Task<string> WriteAsync(string name, string? source = null)
    {
        string file = Path.Combine(terminal.Folder, name);
        Assert.True(await terminal.RunAsync("report", source ?? bundle.Path, "--out", file) == 0, terminal.Error);
        return File.ReadAllText(file);
    }
}

/// <summary>Who talked to whom.</summary>
public sealed class A_flow_diagram
{
    [Fact]
    public void Joins_captured_containers_and_never_by_loopback()
    {
        string svg = FlowDiagram.Draw([Bundle("web", ("172.17.0.2", 40000, "172.17.0.3", 5432, false), ("127.0.0.1", 40001, "127.0.0.1", 9000, false)), Bundle("db", ("172.17.0.3", 5432, "172.17.0.2", 40000, true), ("127.0.0.1", 1, "127.0.0.1", 2, false))]);

        Assert.Single(System.Text.RegularExpressions.Regex.Matches(svg, "url\\(#arrow\\)"));
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(svg, "<rect"));
        Assert.DoesNotContain("127.0.0.1", svg, StringComparison.Ordinal);
    }

    private static BundleReport Bundle(string name, params (string Local, int LocalPort, string Remote, int RemotePort, bool IsInbound)[] connections) => new()
    {
        Name = name,
        BundleId = name,
        RootSha256 = "",
        Verdict = "verified",
        Checks = [],
        Signers = [],
        PayloadFiles = 0,
        PayloadBytes = 0,
        JournalLines = 0,
        Container = name,
        ContainerId = name,
        Image = "x",
        Host = "h",
        Examiner = "e",
        Custody = [],
        Effects = [],
        Score = 0,
        Findings = [],
        Ledger = [],
        ProcessTotal = 0,
        Processes = [],
        ConnectionTotal = connections.Length,
        Connections = [.. connections.Select(each => new ConnectionLine("tcp", "ESTABLISHED", each.Local, each.LocalPort, each.Remote, each.RemotePort, null, null, each.IsInbound))],
        Listeners = [],
        Chart = new TimelineChart(null, null, []),
        EventTotal = 0,
        Moments = [],
        Changes = [],
        ImageLayers = null,
        Audit = [],
        LeftOut = [],
    };
}

/// <summary>Activity over a span nobody knows beforehand.</summary>
public sealed class An_activity_count
{
    [Fact]
    public void Loses_nothing_when_its_buckets_widen()
    {
        ActivityCount activity = new("a", "b");
        for (long i = 0; i < 20_000; i++)
        {
            activity.Add(i * 7_919_000_000_000L, i % 3 == 0 ? "a" : "b");
        }

        activity.Add(long.MinValue, "a");
        activity.Add(long.MaxValue, "b");
        TimelineChart chart = activity.ToChart(100);
        Assert.Equal([6668, 13334], chart.Lanes.Select(lane => lane.Total));
        Assert.All(chart.Lanes, lane => Assert.Equal(lane.Total, lane.Counts.Sum()));
    }
}
