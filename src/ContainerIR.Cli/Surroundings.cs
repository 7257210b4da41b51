using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cases;
using ContainerIR.Linux;
using ContainerIR.Playbooks.Actions;
using ContainerIR.Rows;

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

    /// <summary>Reads a line a person typed; null at the end of the input.</summary>
    public Func<string?> AskLine { get; init; } = static () => Console.In.ReadLine();

    /// <summary>All actions of playbooks: those that look, copy and tell, and those that contain.</summary>
    public Func<OwnActionParts, IReadOnlyList<IAction>> Actions { get; init; } = static own =>
    {
        IReadOnlyList<IAction> others = ActionList.Make(new ActionParts(own.Home, own.Clock) { Endpoint = own.Endpoint, ChangesFolder = own.ChangesFolder });
        return [.. OwnActions.Make(own, others), .. others];
    };

    /// <summary>Where this host's journal of changes is: one place a host, unless CIR_CHANGES names another.</summary>
    public string ChangesFolder => Environment("CIR_CHANGES") is { Length: > 0 } folder ? folder : ChangeJournal.DefaultFolder;

    /// <summary>Judges a bundle for a playbook.</summary>
    public TriageRun Triage { get; init; } = static (bundle, rules, ct) => Task.Run(() => TriageVerdict.Of(Analyzers.Triage.Run(bundle, ct), rules), ct);

    /// <summary>Undoes a change by its id, at the end of an exercise. Connections that outlived it go on: the container is a practice one.</summary>
    public Func<ActionParts, string, CancellationToken, Task<ActionOutcome>> UndoChange { get; init; } = static async (parts, id, ct) =>
    {
        UndoResult undone = await new ChangeUndo(parts).RunAsync(id, new UndoChoices(ResetSockets: false), ct);
        return new ActionOutcome(undone.Undone, undone.Summary, undone.Commands, null, null, new Dictionary<string, string>(), []);
    };

    /// <summary>The append-only timeline of a case.</summary>
    public Func<CaseHome, string, IPlaybookTimeline> OpenTimeline { get; init; } = static (home, id) => new Casebook(home, id);

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
