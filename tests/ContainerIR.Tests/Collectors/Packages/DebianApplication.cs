using System.IO.Compression;
using ContainerIR.Collectors;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Collectors.Packages;

/// <summary>
/// A container of an image built on a minimal Debian: the image adds a package by dpkg and packages of npm, PyPI, gems and Maven; at run time another package
/// is installed, one removed, a conffile edited, and /usr/bin/who replaced by one of the same size and time.
/// </summary>
public sealed class DebianApplication : IDisposable
{
    private static int sequence;
    private readonly string tag = $"cir-test:debian-app-{Environment.ProcessId}-{Interlocked.Increment(ref sequence)}";

    public DebianApplication()
    {
        Folder = Directory.CreateTempSubdirectory("cir-debian-").FullName;
        string context = Path.Combine(Folder, "context"), tree = Path.Combine(context, "tree");
        MakePackage("app-package", "1.2-3", Path.Combine(context, "app.deb"));
        MakePackage("late-package", "0.9", Path.Combine(Folder, "late.deb"));
        Write(tree, "srv/node_modules/left-pad/package.json", """{"name":"left-pad","version":"1.3.0"}""");
        Write(tree, "srv/node_modules/@scope/thing/package.json", """{"name":"@scope/thing","version":"2.0.0"}""");
        Write(tree, "srv/node_modules/left-pad/test/package.json", """{"name":"not-a-package","version":"0"}""");
        Write(tree, "usr/local/lib/python3.11/site-packages/Flask_X-2.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: Flask_X\nVersion: 2.1\n\nName: not this\n");
        Write(tree, "var/lib/gems/specifications/rake-13.0.6.gemspec", "Gem::Specification.new do |s|\n  s.name = \"rake\"\n  s.version = \"13.0.6\"\nend\n");
        MakeJar(Path.Combine(tree, "srv", "app.war"));
        Write(context, "Dockerfile", $"FROM {RealEngine.Debian}\nCOPY app.deb /tmp/\nRUN dpkg -i /tmp/app.deb\nCOPY tree /\nLABEL maintainer=someone\nENV API_TOKEN=abcdef0123456789\n");
        RealEngine.Docker("build", "-q", "--network", "none", "-t", tag, context);
        Container = new TestContainer(["-v", $"{Folder}:/debs:ro"], tag, ["sleep", "100000"]);
        Container.Exec("dpkg -i /debs/late.deb && dpkg --purge --force-all hostname && echo '# changed' >> /etc/app-package.conf");
        Container.Exec("cp -p /usr/bin/who /tmp/who && printf '\\001' | dd of=/usr/bin/who bs=1 seek=2000 conv=notrunc && touch -r /tmp/who /usr/bin/who && rm /usr/bin/wc");
        Sink = Engine.Collect(Container.Id, context => new PackagesCollector(context)).GetAwaiter().GetResult();
    }

    internal TestContainer Container { get; }

    internal FolderSink Sink { get; }

    internal string Folder { get; }

    public void Dispose()
    {
        Sink.Dispose();
        Container.Dispose();
        RealEngine.Docker("rmi", tag);
        Directory.Delete(Folder, recursive: true);
    }

    private static void Write(string root, string path, string content)
    {
        string full = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }

    private void MakePackage(string name, string version, string deb)
    {
        string root = Path.Combine(Folder, name);
        Write(root, "DEBIAN/control", $"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n");
        Write(root, $"usr/bin/{name}", $"#!/bin/sh\necho {name}\n");
        Write(root, $"etc/{name}.conf", "a=1\n");
        Write(root, "DEBIAN/conffiles", $"/etc/{name}.conf\n");
        RealEngine.Run("sh", "-c", $"cd {root} && md5sum usr/bin/{name} > DEBIAN/md5sums && mkdir -p {Path.GetDirectoryName(deb)} && dpkg-deb --root-owner-group -b . {deb} >/dev/null");
    }

    private static void MakeJar(string path)
    {
        using MemoryStream inner = new();
        using (ZipArchive library = new(inner, ZipArchiveMode.Create, leaveOpen: true))
        {
            Entry(library, "META-INF/maven/org.example/library/pom.properties", "groupId=org.example\nartifactId=library\nversion=4.5\n"u8.ToArray());
        }

        using FileStream file = File.Create(path);
        using ZipArchive jar = new(file, ZipArchiveMode.Create);
        Entry(jar, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.example.app;singleton:=true\r\nBundle-Version: 7.0\r\n"u8.ToArray());
        Entry(jar, "WEB-INF/lib/library.jar", inner.ToArray());
    }

    private static void Entry(ZipArchive archive, string name, byte[] content)
    {
        using Stream entry = archive.CreateEntry(name).Open();
        entry.Write(content);
    }
}
