using System.Text;
using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class A_host_file : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-host-").FullName;

    [Fact]
    public void Is_read_without_touching_its_access_time()
    {
        string path = Path.Combine(folder, "plain");
        File.WriteAllText(path, "content");
        RealEngine.Run("touch", "-a", "-d", "2001-01-01", path);
        using HostFile file = HostFile.Open(path);
        Assert.Equal("content", Encoding.UTF8.GetString(file.ReadAll(100)));
        Assert.True(file.KeepsAccessTime);
        Assert.Equal(file.Stat.stx_atime.tv_sec, file.StatNow().stx_atime.tv_sec);
        Assert.Equal(2001, File.GetLastAccessTimeUtc(path).AddDays(1).Year);
    }

    [Theory]
    [InlineData("ln -s /etc/passwd {0}")]
    [InlineData("mkfifo {0}")]
    [InlineData("mkdir {0}")]
    [InlineData("mknod {0} c 1 5")]
    [InlineData("true")]
    public void Is_refused_when_it_is_no_regular_file(string make)
    {
        string path = Path.Combine(folder, "other");
        RealEngine.Run("sh", "-c", string.Format(System.Globalization.CultureInfo.InvariantCulture, make, path));
        Assert.Throws<HostFileException>(() => HostFile.Open(path));
    }

    [Fact]
    public void Is_reached_through_a_descriptor_when_its_name_is_gone()
    {
        string path = Path.Combine(folder, "gone");
        using FileStream open = new(path, FileMode.CreateNew, FileAccess.ReadWrite);
        open.Write("still here"u8);
        open.Flush();
        File.Delete(path);
        using HostFile file = HostFile.OpenLinked($"/proc/self/fd/{open.SafeFileHandle.DangerousGetHandle()}");
        Assert.Equal("still here", Encoding.UTF8.GetString(file.ReadAll(100)));
        Assert.Equal(0u, file.Stat.stx_nlink);
    }

    [Fact]
    public void Is_read_up_to_a_limit()
    {
        string path = Path.Combine(folder, "large");
        File.WriteAllBytes(path, new byte[100_000]);
        Assert.Throws<HostFileException>(() => HostFile.ReadSmall(path, 99_999));
        using HostFile file = HostFile.Open(path);
        using MemoryStream copy = new();
        file.OpenStream(10).CopyTo(copy);
        Assert.Equal(10, copy.Length);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}

public sealed class An_account
{
    [Theory]
    [InlineData(0u, "root")]
    [InlineData(1000u, "a\\x1bb")]
    [InlineData(4294967294u, "nfs")]
    [InlineData(1u, null)]
    public void Is_named_by_its_line_in_passwd(uint uid, string? name) =>
        Assert.Equal(name, Accounts.NameOf(uid, "root:x:0:0:root:/root:/bin/sh\n#x\n::\nbad:1\na\u001bb:x:1000:1000::/:\nnfs:x:4294967294:1::/:"u8));
}

public sealed class An_os_release_file
{
    [Fact]
    public void Gives_its_fields_unquoted()
    {
        Dictionary<string, string> fields = HostFacts.ParseOsRelease("# c\nID=debian\nPRETTY_NAME=\"Debian \\\"12\\\"\"\n\nBAD\nX='a b'\r\nE=\u001b[2J\n"u8);
        Assert.Equal(("debian", "Debian \"12\"", "a b", "\\x1b[2J"), (fields["ID"], fields["PRETTY_NAME"], fields["X"], fields["E"]));
    }
}
