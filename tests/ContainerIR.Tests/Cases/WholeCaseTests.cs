using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Exporters;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Collectors.Packages;
using ContainerIR.Tests.Exporters;
using ContainerIR.Tests.Shippers;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>
/// One intruder on two hosts: <c>web-01</c> and <c>web-02</c> are acquired as they run, each with a home and a name of its own; then the disk of <c>web-02</c>
/// comes to the laboratory, where the case is.
/// </summary>
public sealed partial class A_whole_case : IAsyncLifetime
{
    private const string Implant = "/tmp/.x11/nc";
    private static readonly string Cir = Path.Combine(AppContext.BaseDirectory, "cir.dll");

    private readonly SomeTerminal laboratory = new();
    private readonly string media = Directory.CreateTempSubdirectory("cir-media-").FullName;
    private SecondEngine? second;

    public async ValueTask InitializeAsync()
    {
        laboratory.Acquire = Acquirer.RunAsync;
        laboratory.Variables["CIR_PASSPHRASE"] = "a passphrase of the laboratory";
        await Say("case", "new", "IR-7", "--examiner", "Some Laboratory", "--reason", "a beacon was seen");
        using (DebianApplication shop = new())
        using (TestContainer drop = RealEngine.Start([], "nc", "-ll", "-p", "4444", "-e", "sleep", "1000"))
        {
            RealEngine.Docker("exec", shop.Container.Id, "mkdir", "/tmp/.x11");
            RealEngine.Docker("cp", "/bin/busybox", shop.Container.Id + ":" + Implant);
            shop.Container.Exec("i=0; while [ $i -lt 500 ]; do echo $i > /srv/$i; i=$((i + 1)); done");
            await RealEngine.Until(() => drop.Exec("netstat -ltn").Contains(":4444", StringComparison.Ordinal), "the drop waits");
            RealEngine.Docker("exec", "-d", shop.Container.Id, "sh", "-c", $"sleep 1000 | {Implant} {drop.Inspect("{{.NetworkSettings.IPAddress}}")} 4444");
            await RealEngine.Until(() => RealEngine.Docker("top", shop.Container.Id).Contains(Implant, StringComparison.Ordinal), "the implant runs");
            await AcquireOn("web-01", RealEngine.Endpoint, shop.Container.Name, "--profile", "full", "--skip", "traffic", "--memory", "none");
        }

        second = new SecondEngine();
        second.Docker("run", "-d", "--name", "suspect", "--network", "none", RealEngine.Image, "sh", "-c", $"mkdir -p /tmp/.x11; cp /bin/busybox {Implant}; rm /etc/group; echo sold out; exec {Implant} -l -p 4444");
        await RealEngine.Until(() => second.Docker("top", "suspect").Contains("x11", StringComparison.Ordinal), "the implant runs");
        await AcquireOn("web-02", second.Endpoint, "suspect");
        second.Stop();
        RealEngine.Run("sh", "-c", $"mount --bind {second.Root} {media} && mount -o remount,bind,ro {media}");
        Assert.Equal(4, await laboratory.RunAsync("acquire", "suspect", "--root", media, "--case", "IR-7", "--profile", "full", "--examiner", "Some Laboratory"));
    }

    public ValueTask DisposeAsync()
    {
        RealEngine.Run("sh", "-c", $"umount -l {media} 2>/dev/null; rmdir {media}");
        second?.Dispose();
        laboratory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Of_three_bundles_from_two_hosts_is_searched_exported_shipped_and_told()
    {
        await Say("case", "check", "IR-7");
        HandoutSource source = await HandoutSource.OpenAsync(new CaseHome(laboratory.Home), "IR-7", AllowList.None, CancellationToken.None);
        Assert.Empty(source.Refused);
        Assert.Equal(3, source.Bundles.Count);
        Assert.Equal(["web-01", "web-02"], source.Bundles.Select(bundle => bundle.Record.Host).Where(host => host != Environment.MachineName).Order());

        await IsSearched();
        foreach (IExporter format in ExporterList.All)
        {
            await IsExported(format.Name);
        }

        await IsShipped(source);
        await IsReported(source);
    }

    /// <summary>The same implant, by its name and by its digest, in each bundle.</summary>
    private async Task IsSearched()
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes("/bin/busybox")));
        foreach (string[] question in (string[][])[[Implant], ["--path", Implant], ["--hash", digest]])
        {
            string[] found = [.. (await Say(["search", "IR-7", .. question, "--json"])).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("bundle").GetString()!).Distinct()];
            Assert.True(found.Length == 3, $"{string.Join(' ', question)} is found in {string.Join(", ", found)}");
        }
    }

    private async Task IsExported(string format)
    {
        string place = Path.Combine(laboratory.Folder, "out-" + format);
        await Say("export", format, "IR-7", "--out", place);
        FormatCheck.Run(format, Directory.EnumerateDirectories(place).Single());
        int bundles = Directory.EnumerateDirectories(Path.Combine(Directory.EnumerateDirectories(place).Single(), "data")).Count();
        Assert.True(bundles == 3, $"{format} holds {bundles} of 3 bundles: {laboratory.Error}");
        Directory.Delete(place, recursive: true);
    }

    private async Task IsShipped(HandoutSource source)
    {
        HashSet<string> sent = [.. source.Bundles.SelectMany(bundle => EvidenceEvents.Read(bundle, CancellationToken.None).Select(e => e.IdIn(bundle.Record.BundleId)))];
        using Rsyslog receiver = new(laboratory.Folder, isEncrypted: true);
        await receiver.StartAsync();
        Task<int> run = laboratory.RunAsync("ship", $"syslog+tls://localhost:{receiver.Port}", "IR-7", "--ca", receiver.Authority, "--batch", "50");
        foreach (int part in (int[])[sent.Count / 4, sent.Count / 2])
        {
            await RealEngine.Until(() => receiver.Lines.Count > part || run.IsCompleted, "lines to arrive");
            Assert.False(run.IsCompleted, $"everything was sent before the receiver could be killed: {laboratory.Error}");
            await receiver.KillAsync();
            await receiver.StartAsync();
        }

        Assert.True(await run == 0, laboratory.Error);
        Assert.Empty(sent.Except(receiver.Lines.Select(line => EventId().Match(line).Groups[1].Value)));
    }

    private async Task IsReported(HandoutSource source)
    {
        string file = Path.Combine(laboratory.Folder, "report.html");
        await Say("report", "IR-7", "--out", file);
        string html = File.ReadAllText(file);
        Assert.Contains("3 sealed bundles", html, StringComparison.Ordinal);
        Assert.All(source.Bundles, bundle => Assert.Contains(bundle.RootSha256, html, StringComparison.Ordinal));
        Assert.Contains("<bdi>web-01</bdi>", html, StringComparison.Ordinal);
        Assert.Contains("<bdi>web-02</bdi>", html, StringComparison.Ordinal);
        Assert.Contains(Implant, html, StringComparison.Ordinal);
        Assert.Contains("copied what a disk still held", html, StringComparison.Ordinal);
        Assert.Contains(">base image</span>", html, StringComparison.Ordinal);
        Assert.Contains(">application</span>", html, StringComparison.Ordinal);
    }

    /// <summary>Acquires as <c>cir</c> on another host does, with its name, its machine-id and its own home; the bundle is then added to the case.</summary>
    private async Task AcquireOn(string host, string endpoint, string container, params string[] options)
    {
        string home = Path.Combine(laboratory.Folder, host);
        string answer = RealEngine.Run(
            "unshare", "--uts", "--mount", "sh", "-c",
            $"hostname {host} && printf %s {host} | sha256sum | cut -c1-32 > '{laboratory.Folder}/{host}.id' && mount --bind '{laboratory.Folder}/{host}.id' /etc/machine-id || exit 1; "
            + $"CIR_PASSPHRASE='a passphrase of {host}' dotnet '{Cir}' acquire {container} --case IR-7 --endpoint {endpoint} --home '{home}' --examiner 'Jane of {host}' --reason 'a beacon was seen' --json {string.Join(' ', options)}; code=$?; [ $code -eq 4 ] || exit $code");
        string bundle = JsonDocument.Parse(answer).RootElement.GetProperty("bundle_path").GetString()!;
        await Say("case", "add", "IR-7", bundle);
    }

    private async Task<string> Say(params string[] command)
    {
        laboratory.Forget();
        int code = await laboratory.RunAsync(command);
        Assert.True(code == 0, $"cir {string.Join(' ', command)}: exit {code}: {laboratory.Error}{laboratory.Out}");
        return laboratory.Out;
    }

    [GeneratedRegex("""id="([0-9a-f]{32})" """)]
    private static partial Regex EventId();
}
