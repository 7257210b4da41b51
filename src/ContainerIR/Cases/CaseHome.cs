using ContainerIR.Evidence;

namespace ContainerIR.Cases;

/// <summary>The directory that holds all cases and the responder's keys of this machine.</summary>
/// <remarks>
/// <code>
/// HOME/cases/CASE/case.db     index and record of the case (SQLite)
/// HOME/cases/CASE/bundles/    its bundles; one kept elsewhere stands here as a symbolic link
/// HOME/keys/                  the responder identity
/// </code>
/// </remarks>
public sealed class CaseHome
{
    private const int LockMilliseconds = 30_000;

    /// <summary>Takes an existing directory or one to be made on first use.</summary>
    public CaseHome(string path) => Path = System.IO.Path.GetFullPath(path);

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Where the responder identity is kept.</summary>
    public string KeysFolder => System.IO.Path.Combine(Path, "keys");

    internal string CasesFolder => System.IO.Path.Combine(Path, "cases");

    /// <summary>
    /// The option, else <c>CIR_HOME</c>, else <c>/var/lib/containerir</c> for root, else <c>$XDG_DATA_HOME/containerir</c>, else
    /// <c>~/.local/share/containerir</c> (XDG Base Directory Specification).
    /// </summary>
    /// <exception cref="OperatorException">None of them is known.</exception>
    public static CaseHome Choose(string? option, Func<string, string?> environment, bool isRoot)
    {
        ArgumentNullException.ThrowIfNull(environment);
        if (NotEmpty(option) is { } given)
        {
            return new CaseHome(given);
        }

        if (NotEmpty(environment("CIR_HOME")) is { } set)
        {
            return new CaseHome(set);
        }

        if (isRoot)
        {
            return new CaseHome("/var/lib/containerir");
        }

        if (NotEmpty(environment("XDG_DATA_HOME")) is { } xdg)
        {
            return new CaseHome(System.IO.Path.Combine(xdg, "containerir"));
        }

        return NotEmpty(environment("HOME")) is { } user
            ? new CaseHome(System.IO.Path.Combine(user, ".local", "share", "containerir"))
            : throw new OperatorException("There is no place for cases: neither CIR_HOME nor HOME is set.", "Name one: --home DIR");
    }

    /// <summary>The folder of a case, whether it exists or not.</summary>
    /// <exception cref="OperatorException">The id is not one.</exception>
    public string FolderOf(string caseId) => System.IO.Path.Combine(CasesFolder, CaseId.Check(caseId));

    /// <summary>Makes a directory only its owner can enter.</summary>
    /// <summary>Keeps other processes from making what exists once in a home; they wait.</summary>
    /// <exception cref="OperatorException">Another holds it for half a minute, or the home cannot be written.</exception>
    public IDisposable Lock()
    {
        MakePrivate(Path);
        string file = System.IO.Path.Combine(Path, ".lock");
        FileStream? held = null;
        Exception? failure = null;
        SpinWait.SpinUntil(
            () =>
            {
                try
                {
                    held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                }
                catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
                {
                    failure = problem;
                }

                return held is not null || failure is UnauthorizedAccessException;
            },
            LockMilliseconds);
        return held ?? throw new OperatorException($"{file} cannot be had: {failure?.Message}", "Another cir makes the keys of this home, or it cannot be written. Try again.", failure);
    }

    internal static void MakePrivate(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{directory} cannot be made: {failure.Message}", "Run as root, or choose another place: --home DIR", failure);
        }
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
