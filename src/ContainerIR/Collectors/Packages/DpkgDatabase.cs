using System.Text;
using ContainerIR.Linux.Overlays;

namespace ContainerIR.Collectors.Packages;

/// <summary>Debian's package database: /var/lib/dpkg/status, status.d of images without dpkg, and the md5sums beside it (dpkg(1), deb-md5sums).</summary>
internal static class DpkgDatabase
{
    public const string StatusPath = "var/lib/dpkg/status";
    public const string StatusFolder = "var/lib/dpkg/status.d";
    private const int FileLimitBytes = 32 * 1024 * 1024;

    /// <summary>Packages that are installed according to a status file.</summary>
    public static List<DatabasePackage> Parse(byte[] status)
    {
        List<DatabasePackage> packages = [];
        foreach (Dictionary<string, string> fields in Stanzas.Read(status, "Package", "Status", "Version", "Architecture", "Source", "Conffiles"))
        {
            // status.d has no Status: what is there is installed.
            string state = fields.GetValueOrDefault("Status") ?? "install ok installed";
            if (fields.TryGetValue("Package", out string? name) && name.Length > 0 && IsPresent(state))
            {
                packages.Add(new(name, fields.GetValueOrDefault("Version") ?? "", fields.GetValueOrDefault("Architecture"), fields.GetValueOrDefault("Source"),
                    [.. Configuration(fields.GetValueOrDefault("Conffiles") ?? "")]));
            }
        }

        return packages;
    }

    /// <summary>Lines of an md5sums file: 32 hex digits, two blanks, a path without leading slash.</summary>
    public static IEnumerable<ExpectedFile> ParseSums(byte[] content)
    {
        int start = 0;
        while (start < content.Length)
        {
            int end = Array.IndexOf(content, (byte)'\n', start);
            end = end < 0 ? content.Length : end;
            ReadOnlySpan<byte> line = content.AsSpan(start, end - start);
            start = end + 1;
            if (line.Length > 34 && line[32] == ' ' && IsHex(line[..32]))
            {
                yield return new(line[34..].Trim((byte)'/').ToArray(), "md5", Encoding.ASCII.GetString(line[..32]).ToLowerInvariant(), IsConfiguration: false);
            }
        }
    }

    /// <summary>The md5sums of a package in a tree; null when it has none.</summary>
    public static List<ExpectedFile>? Sums(MergedTree tree, string name, string? architecture)
    {
        foreach (string path in new[] { $"var/lib/dpkg/info/{name}.md5sums", $"var/lib/dpkg/info/{name}:{architecture}.md5sums", $"{StatusFolder}/{name}.md5sums" })
        {
            if (name.Contains('/'))
            {
                return null;
            }

            using MergedFile? file = tree.Open(path);
            if (file is not null)
            {
                return [.. ParseSums(file.ReadAll(FileLimitBytes))];
            }
        }

        return null;
    }

    private static bool IsPresent(string status)
    {
        string last = status[(status.LastIndexOf(' ') + 1)..];
        return last is "installed" or "unpacked" or "half-configured" or "triggers-awaited" or "triggers-pending" or "half-installed";
    }

    // " /etc/x 0123…": the digest of the file as the package brought it. "obsolete" and "newconffile" follow where they apply.
    private static IEnumerable<ExpectedFile> Configuration(string lines)
    {
        foreach (string line in lines.Split('\n'))
        {
            string[] words = line.Trim().Split(' ');
            if (words.Length >= 2 && words[0].StartsWith('/') && words[1].Length == 32 && words.Length == 2)
            {
                yield return new(Encoding.UTF8.GetBytes(words[0].Trim('/')), "md5", words[1].ToLowerInvariant(), IsConfiguration: true);
            }
        }
    }

    private static bool IsHex(ReadOnlySpan<byte> text)
    {
        foreach (byte one in text)
        {
            if (!char.IsAsciiHexDigit((char)one))
            {
                return false;
            }
        }

        return true;
    }
}
