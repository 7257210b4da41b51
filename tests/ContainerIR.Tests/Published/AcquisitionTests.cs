using System.Text.Json;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Published;

/// <summary>The main job by the published file against the real engine, and each way it can go wrong.</summary>
public sealed class An_acquisition : IDisposable
{
    // What it says when the logs are through: the changed files, which are large in these tests, are being read then.
    private const string LogsAreThrough = "  logs  ";

    private readonly TemporaryFolder folder = new();

    private string Home => Path.Combine(folder.Path, "home");

    private string Bundles => Path.Combine(folder.Path, "bundles");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("triage")]
    [InlineData("full")]
    public async Task Is_verified_by_openssl_and_sha256sum(string profile)
    {
        using TestContainer container = RealEngine.Start(["-e", "SECRET=x"], "sh", "-c", "echo said; cp /bin/busybox /tmp/busybox; exec /tmp/busybox sleep 1000");

        Outcome outcome = await Acquire(container.Name, "--profile", profile);

        Assert.True(outcome.ExitCode is 0 or 4, outcome.ToString());
        string bundle = Bundle();
        RealEngine.Run("sh", "-ec", $"""
            cd '{bundle}'
            openssl cms -verify -cades -binary -inform DER -in seal/0001-responder.p7s -content tagmanifest-sha256.txt -CAfile seal/certs.pem -out /dev/null
            sha256sum --check --strict --quiet tagmanifest-sha256.txt
            sha256sum --check --strict --quiet manifest-sha256.txt
            sha512sum --check --strict --quiet manifest-sha512.txt
            find data ! -type d | LC_ALL=C sort > ../found
            sed 's/^[0-9a-f]*  //' manifest-sha256.txt | LC_ALL=C sort | cmp - ../found
            sh ./verify.sh .
            """);
        Assert.Equal(0, (await Verify(bundle)).ExitCode);
        Assert.Equal(profile == "full", Directory.GetFiles(bundle, "*.core.zst*", SearchOption.AllDirectories).Length > 0);
        Assert.Equal(profile == "full", Directory.GetFiles(bundle, "upper.tar.zst", SearchOption.AllDirectories).Length > 0);
    }

    [Fact]
    public async Task Extracts_with_tar_to_the_very_tree_of_the_upper_layer()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        container.Exec("mkdir -p /d/e; echo hi > /d/f; ln /d/f /d/g; ln -s f /d/l; mkfifo /d/p; rm /etc/group; touch -d @1.5 /d/e; chmod 4711 /d/f; chown 7:8 /d/g; mknod /d/n c 5 1");
        RealEngine.Run("setfattr", "-n", "user.mark", "-v", "seen", Path.Combine(container.UpperDirectory, "d/f"));
        SortedDictionary<string, string> expected = TreeFacts.Read(container.UpperDirectory);

        Outcome outcome = await Acquire(container.Name);

        Assert.True(outcome.ExitCode is 0 or 4, outcome.ToString());
        string extracted = Path.Combine(folder.Path, "extracted");
        RealEngine.Run("sh", "-ec", $"mkdir '{extracted}'; zstd -dcq '{Bundle()}'/data/*-rootfs-diff/upper.tar.zst | tar -C '{extracted}' --numeric-owner --xattrs --xattrs-include='*' --same-owner -pxf -");
        string different = TreeFacts.Difference(expected, TreeFacts.Read(extracted));
        Assert.True(different.Length == 0, different);
    }

    [Fact]
    public async Task Of_an_unknown_container_says_so()
    {
        Outcome outcome = await Acquire("no-such-container");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("no-such-container", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("cir containers", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Bundles), "no bundle is begun");
    }

    [Fact]
    public async Task Of_an_ambiguous_prefix_names_the_matches()
    {
        List<TestContainer> containers = [];
        try
        {
            // Sixteen first digits: of seventeen containers, two share theirs.
            while (containers.GroupBy(container => container.Id[0]).All(group => group.Count() < 2))
            {
                containers.Add(RealEngine.Start(["--network", "none"], "sleep", "1000"));
            }

            TestContainer[] alike = [.. containers.GroupBy(container => container.Id[0]).First(group => group.Count() > 1)];
            Outcome outcome = await Acquire(alike[0].Id[..1]);

            Assert.Equal(2, outcome.ExitCode);
            Assert.All(alike, one => Assert.Contains(one.Name, outcome.Error, StringComparison.Ordinal));
        }
        finally
        {
            containers.ForEach(container => container.Dispose());
        }
    }

    [Fact]
    public async Task Without_an_engine_names_the_socket_and_the_remedy()
    {
        Outcome outcome = await PublishedFile.RunAsync(Home, "acquire", "x", "--case", "T-1", "--endpoint", $"unix://{folder.Path}/no.sock");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains($"{folder.Path}/no.sock", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("What to do:", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Needs_root_and_says_so()
    {
        string copy = Path.Combine(folder.Path, "cir");
        File.Copy(PublishedFile.FullPath, copy);
        RealEngine.Run("chmod", "755", folder.Path, copy);

        string output = RealEngine.Run("sh", "-c", $"setpriv --reuid 65534 --regid 65534 --clear-groups env CIR_HOME=/nonexistent '{copy}' acquire x --case T-1 2>&1; echo exit $?");

        Assert.Contains("root", output, StringComparison.Ordinal);
        Assert.Contains("sudo cir acquire", output, StringComparison.Ordinal);
        Assert.EndsWith("exit 2\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_wrong_passphrase_begins_no_bundle()
    {
        string wrong = Path.Combine(folder.Path, "wrong");
        await File.WriteAllTextAsync(wrong, "not the passphrase\n");
        RealEngine.Run("chmod", "600", wrong);
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        Assert.Equal(0, (await PublishedFile.RunAsync(Home, "keys", "new", "--name", "Tester")).ExitCode);

        Outcome outcome = await Acquire(container.Name, "--passphrase-file", wrong);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("passphrase", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Bundles), "no bundle is begun");
    }

    [Fact]
    public async Task Into_a_place_that_cannot_be_written_says_which()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");

        Outcome outcome = await PublishedFile.RunAsync(Home, "acquire", container.Name, "--case", "T-1", "--out", "/proc/cir-cannot-be-here");

        Assert.True(outcome.ExitCode is 2 or 5, outcome.ToString());
        Assert.Contains("/proc/cir-cannot-be-here", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("What to do:", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Onto_a_full_disk_ends_with_5_and_is_recovered()
    {
        using TestContainer container = LargeContainer(40);
        Directory.CreateDirectory(Bundles);
        RealEngine.Run("mount", "-t", "tmpfs", "-o", "size=16m", "cir-test", Bundles);
        try
        {
            Outcome outcome = await Acquire(container.Name);

            Assert.Equal(5, outcome.ExitCode);
            Assert.Contains("cir bundle recover", outcome.Error, StringComparison.Ordinal);

            // Recovery writes as well: a larger disk.
            RealEngine.Run("mount", "-o", "remount,size=128m", Bundles);
            await RecoverAndVerify();
        }
        finally
        {
            RealEngine.Run("umount", Bundles);
        }
    }

    [Fact]
    public async Task Goes_on_when_the_container_is_removed_meanwhile()
    {
        using TestContainer container = LargeContainer(200);
        using PublishedRun run = new(Home, "acquire", container.Name, "--case", "T-1", "--out", Bundles);
        await run.Says(LogsAreThrough);
        run.Signal("STOP");
        RealEngine.Docker("rm", "-f", container.Name);
        run.Signal("CONT");

        Outcome outcome = await run.EndAsync();

        Assert.True(outcome.ExitCode == 4, outcome.ToString());
        Assert.Equal(0, (await Verify(Bundle())).ExitCode);
        using JsonDocument custody = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Bundle(), "custody.json")));
        Assert.Contains(custody.RootElement.GetProperty("gaps").EnumerateArray(), gap => gap.GetProperty("collector").GetString() is "rootfs-diff" or "configuration");
    }

    [Fact]
    public async Task Goes_on_when_the_container_dies_meanwhile()
    {
        using TestContainer container = LargeContainer(200);
        using PublishedRun run = new(Home, "acquire", container.Name, "--case", "T-1", "--out", Bundles);
        await run.Says("  events  ");
        RealEngine.Docker("kill", container.Name);

        Outcome outcome = await run.EndAsync();

        Assert.True(outcome.ExitCode is 0 or 4, outcome.ToString());
        Assert.Equal(0, (await Verify(Bundle())).ExitCode);
        Assert.Single(Directory.GetFiles(Bundle(), "upper.tar.zst", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 130)]
    [InlineData("KILL", 137)]
    public async Task Is_recovered_after_the_signal(string signal, int exitCode)
    {
        using TestContainer container = LargeContainer(200);
        using PublishedRun run = new(Home, "acquire", container.Name, "--case", "T-1", "--out", Bundles);
        await run.Says(LogsAreThrough);
        run.Signal(signal);

        Outcome outcome = await run.EndAsync();

        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Equal(signal != "KILL", outcome.Error.Contains("cir bundle recover", StringComparison.Ordinal));
        Assert.Equal(3, (await Verify(Bundle())).ExitCode);
        await RecoverAndVerify();
    }

    private static TestContainer LargeContainer(int mebibytes)
    {
        TestContainer container = RealEngine.Start([], "sh", "-c", "echo said; exec sleep 1000");
        container.Exec($"dd if=/dev/urandom of=/large bs=1M count={mebibytes} 2>/dev/null");
        return container;
    }

    private Task<Outcome> Acquire(string container, params string[] options) =>
        PublishedFile.RunAsync(Home, ["acquire", container, "--case", "T-1", "--out", Bundles, .. options]);

    private Task<Outcome> Verify(string bundle) => PublishedFile.RunAsync(Home, "verify", bundle);

    private string Bundle() => Assert.Single(Directory.GetDirectories(Bundles, "EV-*"));

    private async Task RecoverAndVerify()
    {
        Outcome recovered = await PublishedFile.RunAsync(Home, "bundle", "recover", Bundle());
        Assert.True(recovered.ExitCode is 0 or 4, recovered.ToString());
        string sealedPath = recovered.Out.Split('\n').Single(line => line.StartsWith("Sealed", StringComparison.Ordinal))["Sealed".Length..].Trim();
        Outcome verified = await Verify(sealedPath);
        Assert.True(verified.ExitCode == 0, verified.ToString());
        Assert.True(new FileInfo(Directory.GetFiles(sealedPath, "sockets.jsonl", SearchOption.AllDirectories).Single()).Length > 0, "what was whole is kept");
    }
}
