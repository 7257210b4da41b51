namespace ContainerIR.Analyzers;

/// <summary>What a path inside a container is for.</summary>
internal static class Paths
{
    private static readonly string[] PackageDatabases = ["/var/lib/dpkg/status", "/lib/apk/db/installed", "/usr/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/rpmdb.sqlite"];
    private static readonly string[] SystemPrograms = ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/"];
    private static readonly string[] Temporary = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/", "/var/run/"];
    private static readonly string[] BuildCaches = ["/.cache/", "/.npm/", "/.local/", "/.cargo/", "/.rustup/", "/.gradle/", "/.m2/", "/.nuget/", "/.git/", "/node_modules/.", "/tmp/pip-", "/tmp/go-build", "/tmp/npm-", "/.venv/", "/.pyenv/", "/.nvm/"];

    public static bool IsPackageDatabase(string path) => PackageDatabases.Contains(path);

    public static bool IsSystemProgram(string path) => StartsWithAny(path, SystemPrograms);

    /// <summary>Where packages put things: what a package manager that ran may have written.</summary>
    public static bool IsPackaged(string path) => IsSystemProgram(path) || StartsWithAny(path, ["/usr/", "/etc/", "/opt/"]);

    public static bool IsTemporary(string path) => StartsWithAny(path, Temporary);

    public static bool IsBuildCache(string path) => BuildCaches.Any(part => path.Contains(part, StringComparison.Ordinal));

    /// <summary>Whether a directory or the name itself is hidden, or made of blanks and dots.</summary>
    public static bool IsHidden(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Any(part => part[0] == '.' || part.All(c => c is ' ' or '.'));

    /// <summary>What kind of place a path is in, in the words of rule files; it may be in several.</summary>
    public static IEnumerable<string> PlacesOf(string path)
    {
        if (IsSystemProgram(path))
        {
            yield return "system";
        }

        if (IsPackaged(path))
        {
            yield return "packaged";
        }

        if (IsTemporary(path))
        {
            yield return "temporary";
        }

        if (IsHidden(path))
        {
            yield return "hidden";
        }

        if (IsBuildCache(path))
        {
            yield return "build-cache";
        }
    }

    public static bool StartsWithAny(string path, string[] prefixes) => prefixes.Any(prefix => path.StartsWith(prefix, StringComparison.Ordinal));
}
