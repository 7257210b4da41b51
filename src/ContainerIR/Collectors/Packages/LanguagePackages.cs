using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Overlays;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Packages;

/// <summary>Packages of languages, found by the files they leave: nothing is executed, and only the tree is asked.</summary>
/// <param name="onGap">Told what could not be read.</param>
internal sealed class LanguagePackages(Action<string, string> onGap)
{
    private const int SmallFileBytes = 4 * 1024 * 1024;
    private const long JarLimitBytes = 1024L * 1024 * 1024;
    private const int MaxZipEntries = 100_000;
    private const int MaxInnerJarBytes = 64 * 1024 * 1024;
    private const int MaxPackages = 200_000;
    private const int ElfMinBytes = 64 * 1024;

    /// <summary>Files that are no programs by their names; all others are asked whether they are ELF.</summary>
    private static readonly HashSet<string> TextEndings =
    [
        "py", "pyc", "js", "mjs", "ts", "map", "json", "md", "txt", "html", "css", "h", "c", "gz", "xz", "bz2", "png", "svg", "gif", "jpg", "mo", "po", "list", "md5sums", "conf", "cfg", "xml", "rb", "pm",
        "pl", "sh", "yml", "yaml", "java", "class", "a", "o", "la", "pc", "log", "crt", "pem", "ttf", "csv", "sql", "rst", "ini", "toml", "service", "postinst", "prerm", "postrm", "preinst",
        "shlibs", "symbols", "triggers", "conffiles", "templates", "db", "dat",
    ];

    /// <summary>What was found.</summary>
    public List<FoundPackage> Found { get; } = [];

    /// <summary>Whether a file may say something.</summary>
    public static bool IsWanted(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) => KindOf(path, name) is not null;

    /// <summary>Reads a file that is wanted.</summary>
    public void Visit(MergedFile file)
    {
        int slash = file.Path.AsSpan().LastIndexOf((byte)'/');
        string? kind = KindOf(file.Path, file.Path.AsSpan(slash + 1));
        if (Found.Count >= MaxPackages)
        {
            return;
        }

        try
        {
            switch (kind)
            {
                case "npm" when file.SizeBytes <= SmallFileBytes:
                    ReadNpm(file);
                    break;
                case "pypi" when file.SizeBytes <= SmallFileBytes:
                    ReadPython(file);
                    break;
                case "gem" when file.SizeBytes <= SmallFileBytes:
                    ReadGem(file);
                    break;
                case "maven" when file.SizeBytes <= JarLimitBytes:
                    using (Stream content = file.OpenStream())
                    {
                        ReadJar(content, file.DisplayPath, file.Layer, depth: 0);
                    }

                    break;
                case "elf" when file.SizeBytes >= ElfMinBytes && (file.Stat.stx_mode & 0x49) != 0:
                    ReadGo(file);
                    break;
            }
        }
        catch (Exception failure) when (failure is IOException and not Evidence.BundleWriteException or InvalidDataException or NotSupportedException)
        {
            onGap($"package named by {file.DisplayPath}", DisplayText.Shorten(failure.Message, 300));
        }
    }

    private static string? KindOf(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("package.json"u8))
        {
            return IsOwnFolderOfModules(path) ? "npm" : null;
        }

        if (name.SequenceEqual("METADATA"u8))
        {
            return path.EndsWith(".dist-info/METADATA"u8) ? "pypi" : null;
        }

        if (name.SequenceEqual("PKG-INFO"u8))
        {
            return path.EndsWith(".egg-info/PKG-INFO"u8) ? "pypi" : null;
        }

        if (name.EndsWith(".egg-info"u8))
        {
            return "pypi";
        }

        if (name.EndsWith(".gemspec"u8))
        {
            return path.IndexOf("specifications/"u8) >= 0 ? "gem" : null;
        }

        if (name.EndsWith(".jar"u8) || name.EndsWith(".war"u8) || name.EndsWith(".ear"u8))
        {
            return "maven";
        }

        int dot = name.LastIndexOf((byte)'.');
        return dot > 0 && name.Length - dot <= 10 && TextEndings.Contains(Encoding.Latin1.GetString(name[(dot + 1)..])) ? null : "elf";
    }

    /// <summary>node_modules/x/package.json or node_modules/@scope/x/package.json: not the test data inside a package.</summary>
    private static bool IsOwnFolderOfModules(ReadOnlySpan<byte> path)
    {
        int at = path.LastIndexOf("node_modules/"u8);
        if (at < 0 || (at > 0 && path[at - 1] != '/'))
        {
            return false;
        }

        ReadOnlySpan<byte> rest = path[(at + 13)..];
        int slashes = rest.Count((byte)'/');
        return slashes == (rest.StartsWith("@"u8) ? 2 : 1);
    }

    private void ReadNpm(MergedFile file)
    {
        using JsonDocument document = ContainerInspect.Parse(file.ReadAll(SmallFileBytes));
        if (document.RootElement.Text("name") is { Length: > 0 } name)
        {
            Add("npm", name, document.RootElement.Text("version") ?? "", file.DisplayPath, file.Layer);
        }
    }

    private void ReadPython(MergedFile file)
    {
        Dictionary<string, string>? fields = Stanzas.Read(file.ReadAll(SmallFileBytes), "Name", "Version").FirstOrDefault();
        if (fields?.GetValueOrDefault("Name") is { Length: > 0 } name)
        {
            Add("pypi", name, fields.GetValueOrDefault("Version") ?? "", file.DisplayPath, file.Layer);
        }
    }

    private void ReadGem(MergedFile file)
    {
        string? name = null, version = null;
        foreach (string line in Stanzas.Text(file.ReadAll(SmallFileBytes)).Split('\n'))
        {
            name ??= Quoted(line, ".name = ");
            version ??= Quoted(line, ".version = ");
        }

        if (name is { Length: > 0 })
        {
            Add("gem", name, version ?? "", file.DisplayPath, file.Layer);
        }
    }

    private static string? Quoted(string line, string after)
    {
        int at = line.IndexOf(after, StringComparison.Ordinal);
        string[] parts = at < 0 ? [] : line[(at + after.Length)..].Split('"', 3);
        return parts.Length == 3 ? parts[1] : null;
    }

    private void ReadGo(MergedFile file)
    {
        if (GoBuildInfo.Read(file.ReadAt, file.SizeBytes) is not { } info)
        {
            return;
        }

        Add("golang", "stdlib", info.GoVersion.StartsWith("go", StringComparison.Ordinal) ? info.GoVersion[2..] : info.GoVersion, file.DisplayPath, file.Layer);
        foreach ((string path, string version) in info.Modules)
        {
            Add("golang", path, version, file.DisplayPath, file.Layer);
        }
    }

    private void ReadJar(Stream content, string shown, int layer, int depth)
    {
        RequireSaneDirectory(content);
        using ZipArchive jar = new(content, ZipArchiveMode.Read, leaveOpen: true);
        bool isNamed = false;
        Dictionary<string, string>? manifest = null;
        foreach (ZipArchiveEntry entry in jar.Entries)
        {
            if (entry.FullName.StartsWith("META-INF/maven/", StringComparison.Ordinal) && entry.FullName.EndsWith("/pom.properties", StringComparison.Ordinal))
            {
                Dictionary<string, string> properties = Properties(ReadEntry(entry));
                if (properties.GetValueOrDefault("artifactId") is { Length: > 0 } artifact)
                {
                    Add("maven", properties.GetValueOrDefault("groupId") is { Length: > 0 } group ? $"{group}:{artifact}" : artifact, properties.GetValueOrDefault("version") ?? "", shown, layer);
                    isNamed = true;
                }
            }
            else if (entry.FullName == "META-INF/MANIFEST.MF")
            {
                manifest = Stanzas.Read(ReadEntry(entry), "Implementation-Title", "Implementation-Version", "Bundle-SymbolicName", "Bundle-Version").FirstOrDefault();
            }
            else if (depth == 0 && entry.FullName.EndsWith(".jar", StringComparison.Ordinal) && entry.Length <= MaxInnerJarBytes)
            {
                using MemoryStream inner = new(ReadEntry(entry, MaxInnerJarBytes), writable: false);
                try
                {
                    ReadJar(inner, $"{shown}!/{DisplayText.Escape(entry.FullName)}", layer, depth + 1);
                }
                catch (InvalidDataException failure)
                {
                    onGap($"package named by {shown}!/{DisplayText.Escape(entry.FullName)}", DisplayText.Shorten(failure.Message, 300));
                }
            }
        }

        if (!isNamed)
        {
            string file = shown[(shown.LastIndexOf('/') + 1)..];
            (string name, string version) = FromFileName(file);
            Add("maven", manifest?.GetValueOrDefault("Bundle-SymbolicName")?.Split(';')[0].Trim() is { Length: > 0 } bundle ? bundle : name,
                manifest?.GetValueOrDefault("Implementation-Version") ?? manifest?.GetValueOrDefault("Bundle-Version") ?? version, shown, layer);
        }
    }

    /// <summary>The in-box reader takes the whole directory into memory: its size is looked at first (APPNOTE 4.3.16, end of central directory).</summary>
    private static void RequireSaneDirectory(Stream content)
    {
        byte[] tail = new byte[(int)Math.Min(content.Length, 22 + 65535)];
        content.Position = content.Length - tail.Length;
        content.ReadExactly(tail);
        int end = tail.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        if (end < 0 || end + 22 > tail.Length)
        {
            throw new InvalidDataException("no end of a zip directory");
        }

        int entries = BitConverter.ToUInt16(tail, end + 10);
        uint directoryBytes = BitConverter.ToUInt32(tail, end + 12);
        if (entries > MaxZipEntries || entries == ushort.MaxValue || directoryBytes > 64 * 1024 * 1024)
        {
            throw new InvalidDataException("its zip directory is larger than the limit");
        }

        content.Position = 0;
    }

    private static byte[] ReadEntry(ZipArchiveEntry entry, int limitBytes = SmallFileBytes)
    {
        using Stream content = entry.Open();
        try
        {
            return content.ReadAtMost(limitBytes);
        }
        catch (IOException failure)
        {
            throw new InvalidDataException($"{DisplayText.Escape(entry.FullName)}: {failure.Message}", failure);
        }
    }

    private static Dictionary<string, string> Properties(byte[] content)
    {
        Dictionary<string, string> properties = [];
        foreach (string line in Stanzas.Text(content).Split('\n').Take(1000))
        {
            int equals = line.IndexOf('=');
            if (equals > 0 && line[0] != '#')
            {
                properties.TryAdd(line[..equals].Trim(), line[(equals + 1)..].Trim());
            }
        }

        return properties;
    }

    /// <summary>commons-io-2.11.0.jar: the version begins at the first hyphen before a digit.</summary>
    private static (string Name, string Version) FromFileName(string file)
    {
        string stem = file[..Math.Max(0, file.LastIndexOf('.'))];
        for (int i = 1; i + 1 < stem.Length; i++)
        {
            if (stem[i] == '-' && char.IsAsciiDigit(stem[i + 1]))
            {
                return (stem[..i], stem[(i + 1)..]);
            }
        }

        return (stem, "");
    }

    private void Add(string kind, string name, string version, string evidence, int layer) =>
        Found.Add(new() { Kind = kind, Name = name, Version = version, Evidence = evidence, Layer = layer });
}
