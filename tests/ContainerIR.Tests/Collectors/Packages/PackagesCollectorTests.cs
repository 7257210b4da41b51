using System.Diagnostics;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors.Packages;

public sealed class The_packages_of_a_container(DebianApplication application) : IClassFixture<DebianApplication>
{
    [Fact]
    public void Are_those_that_dpkg_query_names_in_an_unpacked_copy()
    {
        string copy = Directory.CreateDirectory(Path.Combine(application.Folder, "copy")).FullName;
        RealEngine.Run("sh", "-c", $"docker export {application.Container.Id} | tar -x -C {copy}");
        string expected = RealEngine.Run("chroot", copy, "dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\\n");
        List<string> found = [.. Sbom("deb").Select(package => $"installed {package.Name} {package.Version} {package.Property("containerir:architecture")}")];
        Assert.Equal(expected.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        Assert.True(found.Count > 50);
        Assert.Empty(application.Sink.Gaps);
    }

    [Theory]
    [InlineData("bash", "base", "false")]
    [InlineData("app-package", "application", "false")]
    [InlineData("late-package", "run-time", "true")]
    public void Are_each_of_the_layer_they_came_in(string name, string origin, string atRunTime)
    {
        Package package = Sbom("deb").Single(package => package.Name == name);
        Assert.Equal((origin, atRunTime), (package.Property("containerir:origin"), package.Property("containerir:added-at-run-time")));
        Assert.StartsWith($"pkg:deb/debian/{name}@", package.Purl, StringComparison.Ordinal);
        Assert.EndsWith("&distro=debian-12", package.Purl, StringComparison.Ordinal);
        List<string> diffIds = [.. JsonDocument.Parse(RealEngine.Docker("inspect", application.Container.Inspect("{{.Image}}"))).RootElement[0].GetProperty("RootFS").Texts("Layers")];
        Assert.Equal(name switch { "bash" => diffIds[0], "app-package" => diffIds[2], _ => null }, package.Property("containerir:layer-diff-id"));
    }

    [Fact]
    public void Include_those_of_languages()
    {
        string[] found = [.. Sbom().Where(package => package.Kind is not ("deb" or "golang")).Select(package => package.Purl).Order(StringComparer.Ordinal)];
        Assert.Equal(
            ["pkg:gem/rake@13.0.6", "pkg:maven/org.example.app@7.0", "pkg:maven/org.example/library@4.5", "pkg:npm/%40scope/thing@2.0.0", "pkg:npm/left-pad@1.3.0", "pkg:pypi/flask-x@2.1"],
            found);
    }

    [Fact]
    public void Name_the_trojan_with_its_package_though_size_and_time_are_kept()
    {
        JsonElement trojan = Rows("changed-files.jsonl").Single(row => row.Text("path") == "/usr/bin/who");
        Assert.Equal(("coreutils", "changed", "run-time"), (trojan.Text("package"), trojan.Text("state"), trojan.Text("origin")));
        Assert.True(trojan.Flag("system_program"));
        Assert.Equal(application.Container.Exec("sha256sum /usr/bin/who").Split(' ')[0], trojan.Text("sha256"));
        Assert.Equal(application.Container.Exec("md5sum /usr/bin/who").Split(' ')[0], trojan.Text("actual"));
    }

    [Fact]
    public void Name_every_other_file_that_was_changed_and_none_that_was_not() =>
        Assert.Equal(
            ["/etc/app-package.conf changed conf", "/usr/bin/wc deleted", "/usr/bin/who changed"],
            Rows("changed-files.jsonl").Select(row => $"{row.Text("path")} {row.Text("state")}{(row.Flag("configuration") ? " conf" : "")}").Order(StringComparer.Ordinal));

    [Fact]
    public void Are_summed_up()
    {
        using JsonDocument summary = JsonDocument.Parse(application.Sink.Read("packages.json"));
        Assert.Equal(["deb late-package 0.9"], summary.RootElement.Texts("added_at_run_time"));
        Assert.StartsWith("deb hostname ", Assert.Single(summary.RootElement.Texts("removed_at_run_time")), StringComparison.Ordinal);
        Assert.StartsWith("certain", summary.RootElement.Text("base_image_boundary"), StringComparison.Ordinal);
        Assert.Equal(2, summary.RootElement.Texts("changed_system_programs").Count);
        Assert.True(summary.RootElement.Number("files_compared") > 2000);
    }

    [Fact]
    public void Obey_the_rules_of_the_schema() => CycloneDxRules.Check(application.Sink.Read("packages.cdx.json"));

    [Fact]
    public async Task Are_checked_against_the_images_own_digests_where_the_container_rewrote_its_own()
    {
        using TestContainer container = new([], RealEngine.Debian, ["sleep", "100000"]);
        container.Exec("echo evil >> /usr/bin/who; cd /; sed -i '/usr\\/bin\\/who$/d' /var/lib/dpkg/info/coreutils.md5sums; md5sum usr/bin/who >> /var/lib/dpkg/info/coreutils.md5sums");
        Stopwatch watch = Stopwatch.StartNew();
        using FolderSink sink = await Engine.Collect(container.Id, context => new PackagesCollector(context));
        watch.Stop();
        TestContext.Current.SendDiagnosticMessage($"packages of a debootstrap image: {watch.ElapsedMilliseconds} ms");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");
        Assert.Contains("/usr/bin/who", System.Text.Encoding.UTF8.GetString(sink.Read("changed-files.jsonl")), StringComparison.Ordinal);
    }

    private List<Package> Sbom(string? kind = null)
    {
        using JsonDocument sbom = JsonDocument.Parse(application.Sink.Read("packages.cdx.json"));
        return
        [
            .. sbom.RootElement.Items("components").Where(component => component.Text("type") == "library").Select(component => new Package(
                component.Text("name")!, component.Text("version")!, component.Text("purl")!,
                component.Items("properties").ToDictionary(property => property.Text("name")!, property => property.Text("value")!)))
                .Where(package => kind is null || package.Kind == kind),
        ];
    }

    private List<JsonElement> Rows(string item) =>
        [.. File.ReadLines(application.Sink.PathOf(item)).Select(line => JsonDocument.Parse(line).RootElement.Clone())];

    private sealed record Package(string Name, string Version, string Purl, Dictionary<string, string> Properties)
    {
        public string Kind => Properties["containerir:kind"];

        public string? Property(string name) => Properties.GetValueOrDefault(name);
    }
}
