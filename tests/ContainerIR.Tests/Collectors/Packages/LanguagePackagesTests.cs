using System.Text;
using ContainerIR.Collectors.Packages;
using ContainerIR.Linux.Overlays;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors.Packages;

public sealed class Packages_of_languages : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-languages-").FullName;
    private readonly List<string> gaps = [];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A stripped program: no sections, the information first in the writable segment. A real one: CIR_TEST_GO_PROGRAM.</summary>
    [Fact]
    public void Are_read_from_what_the_go_linker_left()
    {
        const string modules = "0123456789abcdefpath\texample.org/app\nmod\texample.org/app\tv1.2.3\th1:x=\ndep\tgolang.org/x/net\tv0.1.0\th1:y=\ndep\told.org/z\tv1.0.0\n=>\tnew.org/z\tv1.0.1\th1:z=\nbuild\tCGO_ENABLED=0\n0123456789abcdef";
        byte[] program = new byte[4096];
        "\u007fELF\u0002\u0001"u8.CopyTo(program);
        BitConverter.TryWriteBytes(program.AsSpan(32), 64L);
        BitConverter.TryWriteBytes(program.AsSpan(54), (ushort)56);
        BitConverter.TryWriteBytes(program.AsSpan(56), (ushort)1);
        BitConverter.TryWriteBytes(program.AsSpan(64), 1);
        BitConverter.TryWriteBytes(program.AsSpan(68), 6);
        BitConverter.TryWriteBytes(program.AsSpan(72), 512L);
        ((byte[])[0xff, .. " Go buildinf:"u8, 8, 2]).CopyTo(program, 528);
        ((byte[])[8, .. "go1.22.1"u8, (byte)(0x80 | (modules.Length & 0x7f)), (byte)(modules.Length >> 7), .. Encoding.ASCII.GetBytes(modules)]).CopyTo(program, 560);
        GoBuildInfo info = GoBuildInfo.Read((buffer, at) => Copy(program, buffer, at), program.Length)!;
        Assert.Equal("go1.22.1", info.GoVersion);
        Assert.Equal([("example.org/app", "v1.2.3"), ("golang.org/x/net", "v0.1.0"), ("new.org/z", "v1.0.1")], info.Modules);
    }

    [Fact]
    public void Are_read_from_a_program_of_this_machine()
    {
        string program = Environment.GetEnvironmentVariable("CIR_TEST_GO_PROGRAM") ?? "/usr/sbin/runc";
        Assert.SkipUnless(File.Exists(program), "no program of Go on this machine");
        using FileStream file = File.OpenRead(program);
        GoBuildInfo? info = GoBuildInfo.Read((buffer, at) => RandomAccess.Read(file.SafeFileHandle, buffer, at), file.Length);
        Assert.StartsWith("go1.", info!.GoVersion, StringComparison.Ordinal);
        Assert.True(info.Modules.Count > 0 || program == "/usr/sbin/runc");
    }

    [Fact]
    public void Are_not_seen_where_a_later_layer_deleted_or_hid_them()
    {
        Put("lower", "a/node_modules/gone/package.json", """{"name":"gone","version":"1"}""");
        Put("lower", "a/node_modules/kept/package.json", """{"name":"kept","version":"1"}""");
        Put("upper", "a/node_modules/kept/package.json", """{"name":"kept","version":"2"}""");
        Assert.True(Tests.Some.RealEngine.Run("mknod", Path.Combine(folder, "upper/a/node_modules/gone"), "c", "0", "0").Length == 0);
        Assert.Equal([("kept", "2", 0)], Read().Select(package => (package.Name, package.Version, package.Layer)));
    }

    [Fact]
    public void Are_a_gap_each_where_their_files_are_broken()
    {
        Put("lower", "node_modules/x/package.json", "{\"name\":");
        Put("lower", "app.jar", "PK no zip");
        Put("lower", "bomb.jar", "PK\u0005\u0006" + new string('\u007f', 40));
        Put("lower", "x.dist-info/METADATA", "\0\u0001Name");
        Assert.Empty(Read());
        Assert.Equal(3, gaps.Count);
    }

    [Property(MaxTest = 300)]
    public void Are_never_a_failure_of_the_program_reader(byte[] bytes)
    {
        byte[] program = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, .. bytes, .. new byte[64]];
        GoBuildInfo.Read((buffer, at) => Copy(program, buffer, at), program.Length);
    }

    private static int Copy(byte[] program, Span<byte> buffer, long at)
    {
        int count = (int)Math.Clamp(program.Length - at, 0, buffer.Length);
        program.AsSpan((int)Math.Clamp(at, 0, program.Length), count).CopyTo(buffer);
        return count;
    }

    private List<FoundPackage> Read()
    {
        Directory.CreateDirectory(Path.Combine(folder, "upper"));
        byte[] upper = Encoding.UTF8.GetBytes(Path.Combine(folder, "upper"));
        using LayerStack stack = LayerStack.Open(upper, [upper, Encoding.UTF8.GetBytes(Path.Combine(folder, "lower"))], userXattr: false);
        using MergedTree tree = new(stack, 0);
        LanguagePackages languages = new((sought, reason) => gaps.Add($"{sought}: {reason}"));
        tree.Walk(new WalkLimits(), LanguagePackages.IsWanted, languages.Visit, (sought, reason) => gaps.Add($"{sought}: {reason}"), CancellationToken.None);
        return languages.Found;
    }

    private void Put(string layer, string path, string content)
    {
        string full = Path.Combine(folder, layer, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content, Encoding.Latin1);
    }
}
