using System.Security.Cryptography;
using System.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;

namespace ContainerIR.Collectors.Packages;

/// <summary>A file that is not as its package brought it.</summary>
internal sealed record ChangedFile
{
    /// <summary>Without leading slash, as the package names it.</summary>
    public required byte[] Path { get; init; }

    /// <summary>Its package.</summary>
    public required FoundPackage Package { get; init; }

    /// <summary><c>changed</c>, <c>deleted</c> (the container deleted it), <c>not-regular</c>, <c>unreadable</c>.</summary>
    public required string State { get; init; }

    /// <summary>Digest the package names.</summary>
    public required ExpectedFile Expected { get; init; }

    /// <summary>Digest found; null where there is none.</summary>
    public string? Actual { get; init; }

    /// <summary>SHA-256 of what is there; null where there is none.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Its size.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Layer that shows it.</summary>
    public int Layer { get; init; }

    /// <summary>Whether it is where programs and libraries of the system are.</summary>
    public bool IsSystemProgram { get; init; }

    /// <summary>Why it is unreadable.</summary>
    public string? Error { get; init; }
}

/// <summary>
/// Compares the files of packages with the digests their databases name. Where the image had the package in the same version, the image's copy of the digests
/// counts: the container's own could have been written by whoever changed the file.
/// </summary>
internal sealed class FileIntegrity(LayerStack stack, Action<string, string> onGap) : IDisposable
{
    private const long MaxBytes = 4L * 1024 * 1024 * 1024;
    private const int MaxChanged = 100_000;

    private static readonly string[] ProgramFolders = ["bin/", "sbin/", "lib", "usr/bin/", "usr/sbin/", "usr/lib", "usr/libexec/"];

    private readonly MergedTree container = new(stack, 0);
    private readonly MergedTree image = new(stack, 1);
    private readonly byte[] buffer = MergedFile.NewBuffer();
    private readonly List<ChangedFile> changed = [];
    private long bytesLeft = MaxBytes;
    private bool isBudgetSaid;

    /// <summary>Files that are not as they were brought.</summary>
    public IReadOnlyList<ChangedFile> Changed => changed;

    /// <summary>Files compared.</summary>
    public long Checked { get; private set; }

    /// <summary>Files that the image itself lacks: left out when it was built.</summary>
    public long MissingInImage { get; private set; }

    /// <summary>Checks all packages.</summary>
    public void Check(IEnumerable<(FoundPackage Package, DatabasePackage Entry)> packages, CancellationToken ct)
    {
        Dictionary<string, (string To, string By)> diversions = Diversions();
        foreach ((FoundPackage package, DatabasePackage entry) in packages)
        {
            ct.ThrowIfCancellationRequested();
            IEnumerable<ExpectedFile> files = entry.Files;
            if (package.Kind == "deb")
            {
                files = files.Concat(Sums(package));
            }

            foreach (ExpectedFile file in files)
            {
                bool isDiverted = diversions.TryGetValue(Encoding.Latin1.GetString(file.Path), out (string To, string By) diversion) && diversion.By != package.Name;
                Check(package, file, isDiverted ? Encoding.Latin1.GetBytes(diversion.To) : file.Path);
                if (changed.Count >= MaxChanged)
                {
                    onGap("files that differ from their packages", $"more than {MaxChanged}: the rest was not compared");
                    return;
                }
            }
        }
    }

    public void Dispose()
    {
        container.Dispose();
        image.Dispose();
    }

    private List<ExpectedFile> Sums(FoundPackage package)
    {
        try
        {
            return DpkgDatabase.Sums(package.IsAddedAtRunTime ? container : image, package.Name, package.Architecture) ?? [];
        }
        catch (IOException failure)
        {
            onGap($"digests of the files of {package.Name}", failure.Message);
            return [];
        }
    }

    private void Check(FoundPackage package, ExpectedFile expected, byte[] path)
    {
        using MergedFile? file = container.Open(path);
        if (file is null)
        {
            CheckMissing(package, expected, path);
            return;
        }

        if (bytesLeft < file.SizeBytes && file.Layer != 0)
        {
            if (!isBudgetSaid)
            {
                onGap("digests of files of packages", $"after {MaxBytes} bytes only files of the writable layer are compared");
            }

            isBudgetSaid = true;
            return;
        }

        bytesLeft -= file.SizeBytes;
        Checked++;
        try
        {
            string actual = Hash(file, expected.Algorithm);
            if (actual != expected.Hex)
            {
                Add(package, expected, "changed", file, actual, Hash(file, "sha256"), null);
            }
        }
        catch (HostFileException failure)
        {
            Add(package, expected, "unreadable", file, null, null, failure.Message);
        }
    }

    private void CheckMissing(FoundPackage package, ExpectedFile expected, byte[] path)
    {
        int layer = container.LayerOf(path, out _);
        using MergedFile? before = package.IsAddedAtRunTime ? null : image.Open(path);
        if (layer >= 0 && (before is not null || layer == 0))
        {
            // A link or a folder where a file was.
            Add(package, expected, "not-regular", null, null, null, null, layer);
        }
        else if (before is not null || package.IsAddedAtRunTime)
        {
            Add(package, expected, "deleted", null, null, null, null);
        }
        else
        {
            MissingInImage++;
        }
    }

    private void Add(FoundPackage package, ExpectedFile expected, string state, MergedFile? file, string? actual, string? sha256, string? error, int layer = 0) => changed.Add(new()
    {
        Path = expected.Path,
        Package = package,
        State = state,
        Expected = expected,
        Actual = actual,
        Sha256 = sha256,
        SizeBytes = file?.SizeBytes ?? 0,
        Layer = file?.Layer ?? layer,
        IsSystemProgram = !expected.IsConfiguration && ProgramFolders.Any(folder => expected.Path.AsSpan().StartsWith(Encoding.ASCII.GetBytes(folder))),
        Error = error,
    });

    /// <summary>dpkg-divert(1): three lines each, the path, where it went, the package whose own file stays.</summary>
    private Dictionary<string, (string To, string By)> Diversions()
    {
        Dictionary<string, (string, string)> diversions = [];
        using MergedFile? file = image.Open("var/lib/dpkg/diversions");
        if (file is not null)
        {
            try
            {
                string[] lines = Encoding.Latin1.GetString(file.ReadAll(16 * 1024 * 1024)).Split('\n');
                for (int i = 0; i + 2 < lines.Length; i += 3)
                {
                    diversions[lines[i].Trim('/')] = (lines[i + 1].Trim('/'), lines[i + 2]);
                }
            }
            catch (HostFileException failure)
            {
                onGap(file.DisplayPath, failure.Message);
            }
        }

        return diversions;
    }

    private string Hash(MergedFile file, string algorithm)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(algorithm switch
        {
            "md5" => HashAlgorithmName.MD5,
            "sha1" => HashAlgorithmName.SHA1,
            "sha384" => HashAlgorithmName.SHA384,
            "sha512" => HashAlgorithmName.SHA512,
            _ => HashAlgorithmName.SHA256,
        });
        file.ReadThrough(buffer, bytes => hash.AppendData(bytes.Span));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
