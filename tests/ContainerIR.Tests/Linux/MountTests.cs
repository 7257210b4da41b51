using System.Text;
using ContainerIR.Collectors;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Linux;

/// <summary>The options of an overlay mount, read as the kernel writes them.</summary>
public sealed class Overlay_mount_options
{
    [Fact]
    public void Have_their_escapes_undone()
    {
        OverlayOptions options = Parse("rw,lowerdir=/a\\054b:/c\\134:d,upperdir=/u\\011p,workdir=/w");

        Assert.Equal(["/a,b", "/c:d"], options.Lowers.Select(Encoding.UTF8.GetString));
        Assert.Equal("/u\tp", Encoding.UTF8.GetString(options.Upper!));
    }

    [Fact]
    public void Give_layers_in_every_way_the_kernel_writes_them()
    {
        Assert.Equal(["/1", "/2", "/data"], Parse("rw,lowerdir+=/1,lowerdir+=/2,datadir+=/data,userxattr").Lowers.Select(Encoding.UTF8.GetString));
        Assert.True(Parse("lowerdir=/1,userxattr").UserXattr);
        Assert.Equal(["/1", "/data"], Parse("lowerdir=/1::/data").Lowers.Select(Encoding.UTF8.GetString));
        Assert.Equal("/with:colon", Encoding.UTF8.GetString(Parse("upperdir=/with\\:colon,lowerdir=/1").Upper!));
        Assert.True(Parse("upperdir=x/diff,lowerdir=l/A").IsRelative);
        Assert.Equal("/home/x/diff", Encoding.UTF8.GetString(Parse("upperdir=x/diff,lowerdir=l/A").Below("/home"u8.ToArray()).Upper!));
    }

    private static OverlayOptions Parse(string options) => OverlayOptions.Parse(Encoding.UTF8.GetBytes(options));
}

/// <summary>Where the layers of a container are found, and whose word counts.</summary>
public sealed class Layers_of_a_container : IDisposable
{
    private readonly HostileTree home = new();

    public Layers_of_a_container() => home.Dir("overlay2"u8).Dir("overlay2/up"u8).Dir("overlay2/up/diff"u8).Dir("overlay2/other"u8).Dir("overlay2/low"u8).Dir("overlay2/l"u8)
        .Symlink("overlay2/l/A"u8, "../low"u8);

    public void Dispose() => home.Dispose();

    [Fact]
    public void Are_resolved_against_the_drivers_directory_when_the_mount_is_relative()
    {
        LayerPaths? byEngine = Find("lowerdir=l/A,upperdir=up/diff", upper: $"{home.Root}/overlay2/up/diff", engineRoot: null, out _);
        LayerPaths? byRoot = Find("lowerdir=l/A,upperdir=up/diff", upper: null, engineRoot: home.Root, out _);

        foreach (LayerPaths? paths in new[] { byEngine, byRoot })
        {
            Assert.Equal($"{home.Root}/overlay2/up/diff", Encoding.UTF8.GetString(paths!.Upper));
            Assert.Equal($"{home.Root}/overlay2/l/A", Encoding.UTF8.GetString(Assert.Single(paths.Lowers)));
            Assert.Equal("mount-table", paths.FoundBy);
        }
    }

    [Fact]
    public void Are_the_engines_when_a_process_has_put_another_root_over_its_own()
    {
        LayerPaths? paths = Find($"lowerdir={home.Root}/overlay2/low,upperdir={home.Root}/overlay2/other", $"{home.Root}/overlay2/up/diff", null, out _);

        Assert.Equal(("engine", $"{home.Root}/overlay2/up/diff"), (paths!.FoundBy, Encoding.UTF8.GetString(paths.Upper)));
        Assert.Contains("overlay2/other", Assert.Single(paths.Disagreements), StringComparison.Ordinal);
    }

    [Fact]
    public void Are_none_when_nobody_names_a_writable_one()
    {
        Assert.Null(Find("lowerdir=l/A,upperdir=up/diff", upper: null, engineRoot: null, out string whyNot));
        Assert.Contains("relative", whyNot, StringComparison.Ordinal);
    }

    private static LayerPaths? Find(string options, string? upper, string? engineRoot, out string whyNot)
    {
        ContainerRef container = new()
        {
            RuntimeKind = "docker",
            Id = new string('a', 64),
            Name = "x",
            ImageName = "x",
            ImageId = "x",
            State = ContainerState.Running,
            InitPid = 1,
            CreatedAt = default,
            StorageDriver = "overlay2",
        };
        if (upper is not null)
        {
            container = container with { StorageData = new Dictionary<string, string> { ["UpperDir"] = upper, ["LowerDir"] = $"{Path.GetDirectoryName(Path.GetDirectoryName(upper))}/l/A" } };
        }

        IReadOnlyList<ProcMount> table = ProcMounts.Parse(Encoding.UTF8.GetBytes($"37 35 0:52 / / rw - overlay overlay rw,{options},workdir=w\n38 37 0:53 / /proc rw - proc proc rw\n")).All;
        return LayerPaths.Find(container, table, engineRoot, [], out whyNot);
    }
}
