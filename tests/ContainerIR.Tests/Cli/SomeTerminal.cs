using ContainerIR.Cli;
using ContainerIR.Evidence;
using ContainerIR.Tests.Bundles;

namespace ContainerIR.Tests.Cli;

/// <summary>A terminal for tests: what was printed is text, what a person would type is given, the home is a folder that goes with it.</summary>
internal sealed class SomeTerminal : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly StringWriter output = new() { NewLine = "\n" };
    private readonly StringWriter error = new() { NewLine = "\n" };

    public string Folder => folder.Path;

    public string Home => Path.Combine(folder.Path, "home");

    public string Out => output.ToString();

    public string Error => error.ToString();

    public int? Width { get; set; }

    public bool IsRoot { get; set; } = true;

    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Where records of frozen containers are; nobody's.</summary>
    public string FrozenFolder { get; set; } = "/nonexistent";

    /// <summary>What a person types when asked; null when nobody can be asked.</summary>
    public Queue<string>? Typed { get; set; }

    public List<string> Questions { get; } = [];

    public AcquireRun Acquire { get; set; } = (_, _, _, _) => throw new OperatorException("nothing was to be acquired", "mend the test");

    /// <summary>Lines a person types to questions that are no secret.</summary>
    public Queue<string> Lines { get; } = [];

    public Func<ContainerIR.Playbooks.Actions.OwnActionParts, IReadOnlyList<ContainerIR.Actions.IAction>>? Actions { get; set; }

    public ContainerIR.Rows.IPlaybookTimeline Timeline { get; set; } = new ContainerIR.Playbooks.Runs.RunFileOnly();

    public Surroundings Surroundings => Actions is null ? Usual : Usual with { Actions = Actions };

    private Surroundings Usual => new()
    {
        Out = output,
        Error = error,
        OutWidth = () => Width,
        ErrorWidth = () => Width,
        AskSecret = Typed is null ? null : question =>
        {
            Questions.Add(question);
            return Typed.Dequeue();
        },
        Environment = name => name == "CIR_HOME" ? Home : Variables.GetValueOrDefault(name),
        IsRoot = IsRoot,
        Clock = TimeProvider.System,
        Acquire = Acquire,
        AskLine = () => Lines.TryDequeue(out string? line) ? line : null,
        OpenTimeline = (_, _) => Timeline,
        FrozenFolder = FrozenFolder,
    };

    /// <summary>Runs a command line; gives its exit code.</summary>
    public Task<int> RunAsync(params string[] arguments) => RunAsync(CancellationToken.None, arguments);

    public Task<int> RunAsync(CancellationToken ct, params string[] arguments) => ContainerIR.Cli.Cli.RunAsync(arguments, Surroundings, ct);

    public void Forget()
    {
        output.GetStringBuilder().Clear();
        error.GetStringBuilder().Clear();
    }

    public void Dispose() => folder.Dispose();
}
