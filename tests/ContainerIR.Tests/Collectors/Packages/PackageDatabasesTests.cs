using System.IO.Compression;
using System.Text;
using ContainerIR.Collectors.Packages;
using ContainerIR.Linux.Overlays;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors.Packages;

/// <summary>Package databases in layers made for the test; rpmdb.sqlite.gz was made by rpm 4.18 (hello 2:1.5-7, noarch, a program and a conffile).</summary>
public sealed class A_package_database : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-packages-").FullName;
    private readonly List<string> gaps = [];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Of_rpm_is_read_with_the_digests_of_its_files()
    {
        Put("lower", "var/lib/rpm/rpmdb.sqlite", Unzip());
        Put("lower", "usr/bin/hello", "hi\n"u8.ToArray());
        Put("lower", "etc/hello.conf", "a=1\n"u8.ToArray());
        Put("upper", "usr/bin/hello", "ho\n"u8.ToArray());
        (PackageDatabases databases, FileIntegrity integrity) = Read();
        FoundPackage package = Assert.Single(databases.Installed).Package;
        Assert.Equal(("rpm", "hello", "2:1.5-7", "noarch", 1), (package.Kind, package.Name, package.Version, package.Architecture, package.Layer));
        Assert.Equal("pkg:rpm/fedora/hello@2:1.5-7?arch=noarch&distro=fedora-40", PackageUrl.Of(package, "fedora", "40"));
        ChangedFile changed = Assert.Single(integrity.Changed);
        Assert.Equal(("usr/bin/hello", "sha256", 0), (Encoding.UTF8.GetString(changed.Path), changed.Expected.Algorithm, changed.Layer));
        Assert.Equal("98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4", changed.Expected.Hex);
        Assert.Equal(2, integrity.Checked);
        Assert.Empty(gaps);
    }

    [Fact]
    public void Of_rpm_that_is_broken_is_a_gap_and_not_a_failure()
    {
        byte[] broken = Unzip();
        new Random(7).NextBytes(broken.AsSpan(100, 60_000));
        Put("lower", "var/lib/rpm/rpmdb.sqlite", broken);
        Assert.Empty(Read().Databases.Installed);
        Assert.Contains(gaps, gap => gap.Contains("rpmdb.sqlite", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_rpm_whose_table_is_a_view_is_refused()
    {
        Put("lower", "usr/lib/sysimage/rpm/rpmdb.sqlite", []);
        string path = Path.Combine(folder, "evil.sqlite");
        using (Microsoft.Data.Sqlite.SqliteConnection connection = new($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
            command.CommandText = "CREATE VIEW Packages AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, zeroblob(1000) AS blob FROM c";
            command.ExecuteNonQuery();
        }

        Put("lower", "usr/lib/sysimage/rpm/rpmdb.sqlite", File.ReadAllBytes(path));
        Assert.Empty(Read().Databases.Installed);
        Assert.Contains(gaps, gap => gap.Contains("no plain table", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_rpm_in_an_older_form_is_named_as_not_read()
    {
        Put("lower", "var/lib/rpm/Packages", [1, 2, 3]);
        Read();
        Assert.Contains(gaps, gap => gap.Contains("Berkeley DB", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_apk_is_read_with_the_digests_of_its_files()
    {
        const string installed = "C:Q1x\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:lib\nR:ld.so\nZ:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=\nF:etc\nR:x.conf\nZ:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\nP:added\nV:1\nA:noarch\n\n";
        Put("lower", "lib/apk/db/installed", Encoding.ASCII.GetBytes(installed.Replace("P:added\nV:1\nA:noarch\n\n", "P:gone\nV:3\nA:noarch\n\n", StringComparison.Ordinal)));
        Put("upper", "lib/apk/db/installed", Encoding.ASCII.GetBytes(installed));
        Put("lower", "lib/ld.so", "hello"u8.ToArray());
        (PackageDatabases databases, FileIntegrity integrity) = Read();
        Assert.Equal([("musl", 1), ("added", 0)], databases.Installed.Select(pair => (pair.Package.Name, pair.Package.Layer)));
        Assert.Equal("gone", Assert.Single(databases.RemovedAtRunTime).Name);
        Assert.Empty(integrity.Changed);
        Assert.Equal((1, 1), (integrity.Checked, integrity.MissingInImage));
    }

    [Fact]
    public void Of_dpkg_gives_each_package_the_layer_of_its_present_version()
    {
        Put("lower", "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 1\n\n"u8.ToArray());
        Put("middle", "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\nPackage: c\nStatus: install ok installed\nVersion: 1\nDescription: x\n Package: z\n"u8.ToArray());
        Put("upper", "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n\nPackage: c\nStatus: install ok installed\nVersion: 1\n"u8.ToArray());
        Assert.Equal([("a", "2", 0), ("c", "1", 1)], Read().Databases.Installed.Select(pair => (pair.Package.Name, pair.Package.Version, pair.Package.Layer)).Order());
    }

    [Property(MaxTest = 300)]
    public void Is_never_a_failure_whatever_its_bytes(byte[] bytes)
    {
        DpkgDatabase.Parse(bytes);
        ApkDatabase.Parse(bytes);
        _ = DpkgDatabase.ParseSums(bytes).ToList();
        RpmDatabase.ParseHeader(bytes);
        RpmDatabase.ParseHeader([0, 0, 0, 2, 0, 0, 0, 64, 0, 0, 3, 232, 0, 0, 0, 6, .. bytes, .. new byte[200]]);
    }

    [Property(MaxTest = 200)]
    public void Of_rpm_is_never_a_failure_whatever_bytes_are_changed(int seed)
    {
        byte[] blob = Header();
        Random random = new(seed);
        for (int i = 0; i < 40; i++)
        {
            blob[random.Next(blob.Length)] = (byte)random.Next(256);
        }

        RpmDatabase.ParseHeader(blob);
    }

    [Fact]
    public void With_a_value_of_a_mebibyte_and_names_from_right_to_left_is_read()
    {
        string status = $"Package: \u202Efdp.exe\nStatus: install ok installed\nVersion: 1\n\nPackage: ok\nStatus: install ok installed\nVersion: {new string('9', 1024 * 1024)}\n\nPackage: last\nStatus: install ok installed\nVersion: 2\n";
        List<DatabasePackage> packages = DpkgDatabase.Parse(Encoding.UTF8.GetBytes(status));
        Assert.Equal(["\u202Efdp.exe", "ok", "last"], packages.Select(package => package.Name));
        Assert.Equal("pkg:deb/debian/%E2%80%AEfdp.exe@1", PackageUrl.Of(new() { Kind = "deb", Name = packages[0].Name, Version = "1", Evidence = "", Layer = 0 }, "", ""));
    }

    private (PackageDatabases Databases, FileIntegrity Integrity) Read()
    {
        foreach (string layer in new[] { "upper", "middle", "lower" })
        {
            Directory.CreateDirectory(Path.Combine(folder, layer));
        }

        byte[] upper = Encoding.UTF8.GetBytes(Path.Combine(folder, "upper"));
        bool hasMiddle = Directory.EnumerateFileSystemEntries(Path.Combine(folder, "middle")).Any();
        byte[][] lowers = [.. new[] { hasMiddle ? "middle" : "", "lower" }.Where(name => name.Length > 0).Select(name => Encoding.UTF8.GetBytes(Path.Combine(folder, name)))];
        using LayerStack stack = LayerStack.Open(upper, [upper, .. lowers], userXattr: false);
        PackageDatabases databases = new(stack, (sought, reason) => gaps.Add($"{sought}: {reason}"));
        databases.Read(CancellationToken.None);
        using FileIntegrity integrity = new(stack, (sought, reason) => gaps.Add($"{sought}: {reason}"));
        integrity.Check(databases.Installed, CancellationToken.None);
        return (databases, integrity);
    }

    private void Put(string layer, string path, byte[] content)
    {
        string full = Path.Combine(folder, layer, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, content);
    }

    private static byte[] Unzip()
    {
        using FileStream file = File.OpenRead(Path.Combine(Repository.Root, "tests", "ContainerIR.Tests", "Collectors", "Packages", "rpmdb.sqlite.gz"));
        using GZipStream content = new(file, CompressionMode.Decompress);
        using MemoryStream whole = new();
        content.CopyTo(whole);
        return whole.ToArray();
    }

    private static byte[] Header()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Unzip());
            using Microsoft.Data.Sqlite.SqliteConnection connection = new($"Data Source={path};Pooling=False");
            connection.Open();
            using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
            command.CommandText = "SELECT blob FROM Packages";
            return (byte[])command.ExecuteScalar()!;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
