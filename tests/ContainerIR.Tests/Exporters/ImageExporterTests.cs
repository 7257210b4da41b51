using ContainerIR.Acquisitions;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Exporters;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Exporters;

public sealed class An_image_made_of_a_bundle
{
    // Opaque directories, deletions (several: links of one inode), special files, long and hostile names, owners, modes, links, times.
    private const string Work = """
        rm /etc/group /bin/yes /bin/wc; rm -rf /var/log; mkdir /var/log; echo again > /var/log/new; echo x >> /etc/passwd; mkfifo /tmp/fifo; mknod /tmp/null c 1 3
        echo a > /tmp/h1; ln /tmp/h1 /tmp/h2; ln -s /etc/passwd /tmp/link; chmod 4711 /tmp/h1; chown 12345:54321 /tmp/h2; touch -d @1000000000 /tmp/link-target /tmp/h1
        printf x > "/tmp/$(printf 'bad\377name')"; mkdir -p /tmp/$(printf 'd%.0s' $(seq 1 150))/$(printf 'e%.0s' $(seq 1 150)); echo deep > /tmp/d*/e*/f; dd if=/dev/zero of=/tmp/sparse bs=1 count=1 seek=1000000 2>/dev/null
        touch /ready; exec sleep 1000
        """;

    // What the engine itself makes when it creates the copy is left out; it writes into etc/, whose time is the copy's then.
    private const string Listing = "tar --numeric-owner -tvf - | grep -v -E ' (dev|proc|sys|etc/(hosts|hostname|resolv.conf|mtab)|\\.dockerenv|run)(/|$| )| etc/$' | sort -k6";

    [Fact]
    public async Task Rebuilds_the_container_in_an_engine_that_never_had_its_image()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", Work);
        await RealEngine.Until(() => File.Exists(Path.Combine(container.UpperDirectory, "ready")), "the container's work");
        using SomeAcquisition acquisition = new();
        AcquisitionResult result = await acquisition.RunAsync(
            new() { Container = container.Id, CaseId = SomeAcquisition.CaseId, Profile = Profile.Full, Endpoint = RealEngine.Endpoint, Skip = ["traffic", "memory", "network", "processes"] });
        string archive = Path.Combine(acquisition.Folder, "image.tar");

        ExportedImage image = ImageArchive.Export(result.BundlePath, archive, CancellationToken.None);

        using SecondEngine engine = new();
        engine.Docker("rmi", RealEngine.Image);
        engine.Docker("load", "-i", archive);
        string copy = engine.Docker("create", "--network", "none", image.Reference, "true").Trim();
        string expected = RealEngine.Run("sh", "-c", $"docker export {container.Id} | {Listing}");
        string actual = RealEngine.Run("sh", "-c", $"docker -H {engine.Endpoint} export {copy} | {Listing}");
        Assert.Equal(expected, actual);
        Assert.Contains("tmp/sparse", actual, StringComparison.Ordinal);
        Assert.DoesNotContain("bin/wc", actual, StringComparison.Ordinal);
        Assert.Equal((1, 0), (image.LayersInside, image.LayersOutside));
        Assert.True(image.Deletions >= 3);

        // The same state as an OCI layout: skopeo checks every blob while it copies, and the engine's own load gives the same files.
        string layout = await LayoutAsync(result.BundlePath, acquisition.Folder);
        string inspected = Validator.Run("/usr/bin/skopeo", "inspect", "oci:" + layout);
        Assert.Equal(2, System.Text.Json.JsonDocument.Parse(inspected).RootElement.GetProperty("Layers").GetArrayLength());
        Validator.Run("/usr/bin/skopeo", "--insecure-policy", "copy", "--quiet", "oci:" + layout, "dir:" + Path.Combine(acquisition.Folder, "copied"));
        string packed = Path.Combine(acquisition.Folder, "oci.tar");
        RealEngine.Run("tar", "-C", layout, "-cf", packed, ".");
        engine.Docker("rm", copy);
        engine.Docker("rmi", image.Reference);
        engine.Docker("load", "-i", packed);
        string second = engine.Docker("create", "--network", "none", image.Reference, "true").Trim();
        Assert.Equal(expected, RealEngine.Run("sh", "-c", $"docker -H {engine.Endpoint} export {second} | {Listing}"));
    }

    private static async Task<string> LayoutAsync(string bundlePath, string folder)
    {
        HandoutSource source = await HandoutSource.OpenAsync(new ContainerIR.Cases.CaseHome(folder), bundlePath, ContainerIR.Analyzers.AllowList.None, CancellationToken.None);
        ExportResult bag = await ExportRun.RunAsync(new OciExporter(), source, Path.Combine(folder, "oci"), "test", TimeProvider.System, CancellationToken.None);
        return Path.Combine(bag.Folder, "data", source.Bundles[0].Name);
    }

    [Fact]
    public async Task Says_what_the_loading_engine_must_have_and_overwrites_nothing()
    {
        using TestContainer container = RealEngine.Start([], "sh", "-c", "echo new > /new; exec sleep 1000");
        using SomeAcquisition acquisition = new();
        AcquisitionResult result = await acquisition.RunAsync(
            new() { Container = container.Id, CaseId = SomeAcquisition.CaseId, Profile = Profile.Standard, Endpoint = RealEngine.Endpoint, Skip = ["network", "processes"] });
        string archive = Path.Combine(acquisition.Folder, "image.tar");

        string layout = await LayoutAsync(result.BundlePath, acquisition.Folder);
        Assert.DoesNotContain(Directory.EnumerateFiles(layout, "*", SearchOption.AllDirectories), file => new FileInfo(file).Length == 0);
        Assert.Equal(1, ImageArchive.Export(result.BundlePath, archive, CancellationToken.None).LayersOutside);
        Assert.Throws<OperatorException>(() => ImageArchive.Export(Path.Combine(result.BundlePath, "data"), archive + "2", CancellationToken.None));
        Assert.False(Directory.Exists(archive + ".parts"));
    }
}
