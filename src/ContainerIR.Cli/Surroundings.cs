using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Linux;

namespace ContainerIR.Cli;

/// <summary>Runs one acquisition: <c>Acquirer.RunAsync</c>.</summary>
internal delegate Task<AcquisitionResult> AcquireRun(
    AcquisitionRequest request, AcquisitionParts parts, IProgress<AcquisitionProgress>? progress, CancellationToken ct);

/// <summary>All that a command takes from the process it runs in.</summary>
internal sealed record Surroundings
{
    /// <summary>Results: what a machine or a pipe reads.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Words for people: notices, progress, problems.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Columns of the terminal behind <see cref="Out"/>; null when it is none.</summary>
    public required Func<int?> OutWidth { get; init; }

    /// <summary>Columns of the terminal behind <see cref="Error"/>; null when it is none.</summary>
    public required Func<int?> ErrorWidth { get; init; }

    /// <summary>Asks a person for a secret without showing it; null when nobody can be asked.</summary>
    public required Func<string, string>? AskSecret { get; init; }

    /// <summary>Environment variables.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>Whether the process may read what only root may.</summary>
    public required bool IsRoot { get; init; }

    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Runs acquisitions.</summary>
    public required AcquireRun Acquire { get; init; }

    /// <summary>Where records of frozen containers are.</summary>
    public string FrozenFolder { get; init; } = FreezeState.DefaultFolder;

    /// <summary>Opens the standard output for bytes that are no text.</summary>
    public Func<Stream> OpenOut { get; init; } = Console.OpenStandardOutput;

    /// <summary>The real ones.</summary>
    public static Surroundings OfThisProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        OutWidth = () => Console.IsOutputRedirected ? null : TerminalWidth(),
        ErrorWidth = () => Console.IsErrorRedirected ? null : TerminalWidth(),
        AskSecret = Console.IsInputRedirected ? null : SecretPrompt.Ask,
        Environment = System.Environment.GetEnvironmentVariable,
        IsRoot = System.Environment.IsPrivilegedProcess,
        Clock = TimeProvider.System,
        Acquire = Acquirer.RunAsync,
    };

    /// <summary>The home the options and the environment choose.</summary>
    public CaseHome Home(string? option) => CaseHome.Choose(option, Environment, IsRoot);

    /// <summary>A line of words for people.</summary>
    public void Say(string line) => Error.WriteLine(line);

    private static int TerminalWidth()
    {
        try
        {
            return Console.WindowWidth is > 0 and int width ? width : 80;
        }
        catch (IOException)
        {
            // A terminal that does not tell its size (serial console).
            return 80;
        }
    }
}
