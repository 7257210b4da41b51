using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Hosts;

/// <summary>The programs that run containers on this host, hashed and compared with the host's package database: a replaced runc is a way out of a container (CVE-2019-5736).</summary>
internal static class EngineBinaries
{
    private const int MaxBinaries = 64;
    private const int SumsLimitBytes = 16 * 1024 * 1024;
    private const string Info = "/var/lib/dpkg/info";

    private static readonly string[] Names = ["dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "runc", "crun", "docker-proxy", "docker-init", "docker", "ctr", "podman", "conmon"];
    private static readonly string[] Folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec/podman", "/usr/libexec/docker"];

    /// <summary>Writes an array of them.</summary>
    public static void Write(Utf8JsonWriter json, EngineProcess? engine, ContainerRef container, string prefix)
    {
        SortedDictionary<string, string> paths = new(StringComparer.Ordinal);
        foreach (string path in Folders.SelectMany(folder => Names.Select(name => $"{folder}/{name}")).Where(path => HostFile.TryStat(prefix + path, followLast: true) is not null))
        {
            paths[path] = "well-known place";
        }

        if (engine is not null)
        {
            AddProcess(paths, engine.Pid, "the engine");
        }

        if (container.HasProcesses && RuntimeBundle.ParentOf(container.InitPid) is > 1 and var shim)
        {
            AddProcess(paths, shim, "the parent of the container's first process");
        }

        Dictionary<string, (string Package, string Md5)> known = Packaged([.. paths.Keys], prefix);
        json.WriteStartArray("programs");
        foreach ((string path, string why) in paths.Take(MaxBinaries))
        {
            json.WriteStartObject();
            json.WriteString("path", DisplayText.Escape(path));
            json.WriteString("found_as", why);
            WriteFile(json, prefix + path, known.TryGetValue(path, out (string Package, string Md5) entry) ? entry : null);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteFile(Utf8JsonWriter json, string path, (string Package, string Md5)? known)
    {
        try
        {
            using HostFile file = HostFile.OpenLinked(path);
            using IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256), md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
            byte[] buffer = new byte[1024 * 1024];
            using Stream content = file.OpenStream();
            int count;
            while ((count = content.Read(buffer)) > 0)
            {
                sha256.AppendData(buffer, 0, count);
                md5.AppendData(buffer, 0, count);
            }

            string digest = Convert.ToHexStringLower(md5.GetHashAndReset());
            json.WriteNumber("size_bytes", file.Stat.stx_size);
            json.WriteString("modified", Rfc3339.Format((file.Stat.stx_mtime.tv_sec * 1_000_000_000) + file.Stat.stx_mtime.tv_nsec));
            json.WriteString("changed", Rfc3339.Format((file.Stat.stx_ctime.tv_sec * 1_000_000_000) + file.Stat.stx_ctime.tv_nsec));
            json.WriteString("sha256", Convert.ToHexStringLower(sha256.GetHashAndReset()));
            json.WriteString("md5", digest);
            json.WriteString("package", known?.Package);
            json.WriteString("state", known is null ? "of no package that dpkg knows" : known.Value.Md5 == digest ? "as packaged" : "CHANGED: not the file of its package");
        }
        catch (HostFileException failure)
        {
            json.WriteString("error", failure.Message);
        }
    }

    private static void AddProcess(SortedDictionary<string, string> paths, int pid, string why)
    {
        // A deleted program has no path any more; the processes collector keeps its bytes.
        if (HostFile.TryReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe")) is { } exe && Encoding.UTF8.GetString(exe) is var path && path.StartsWith('/') && !path.EndsWith(" (deleted)", StringComparison.Ordinal))
        {
            paths[path] = why;
        }
    }

    /// <summary>Which package names which digest for these paths: deb-md5sums of the host. /bin is /usr/bin where the host merged them.</summary>
    private static Dictionary<string, (string Package, string Md5)> Packaged(HashSet<string> paths, string prefix)
    {
        Dictionary<string, (string, string)> found = [];

        // Most lists name none of them: only those that do are taken apart.
        byte[][] names = [.. paths.Select(path => Encoding.UTF8.GetBytes(path[path.LastIndexOf('/')..] + '\n')).DistinctBy(Convert.ToHexString)];
        foreach (string name in HostDirectory.TextNames(prefix + Info).Where(name => name.EndsWith(".md5sums", StringComparison.Ordinal)))
        {
            try
            {
                byte[] sums = HostFile.ReadSmall($"{prefix}{Info}/{name}", SumsLimitBytes);
                if (!names.Any(wanted => sums.AsSpan().IndexOf(wanted) >= 0))
                {
                    continue;
                }

                foreach (Packages.ExpectedFile file in Packages.DpkgDatabase.ParseSums(sums))
                {
                    string path = "/" + Encoding.UTF8.GetString(file.Path);
                    if (paths.Contains(path) || (!path.StartsWith("/usr", StringComparison.Ordinal) && paths.Contains(path = "/usr" + path)))
                    {
                        found[path] = (name[..^8], file.Hex);
                    }
                }
            }
            catch (HostFileException)
            {
                // One list that cannot be read leaves its files without a package: they are said to be of none that dpkg knows.
            }
        }

        return found;
    }
}
