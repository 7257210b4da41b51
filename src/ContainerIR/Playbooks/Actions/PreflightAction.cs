using ContainerIR.Actions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Playbooks.Actions;

/// <summary>Whether we can work here: rights, room, engine, container, programs. Better to know it before the first change than in the middle.</summary>
internal sealed class PreflightAction(OwnActionParts parts, IReadOnlyList<IAction> others) : ReadingAction
{
    private static readonly string[] Places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public override string Name => "preflight";

    public override string Title => "Checks rights, free space, engine, container and programs before anything is done";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("min_free", ParameterKind.Size, "Free space wanted where the cases are.", Default: "1GiB")];

    public override async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        List<string> faults = [], facts = [];
        if (!parts.IsRoot)
        {
            faults.Add("not root: sockets, processes and changed files cannot be read");
        }

        // Checked against its kind before it came here.
        long wanted = Spans.TryParseSize(call.With["min_free"], out long bytes) ? bytes : 0;
        string place = Existing(parts.Home.Path);
        long free = new DriveInfo(place).AvailableFreeSpace;
        (free < wanted ? faults : facts).Add($"{free >> 20} MiB free of {wanted >> 20} MiB wanted in {DisplayText.Escape(place)}");
        try
        {
            await using IContainerRuntime runtime = parts.Connect();
            EngineFacts engine = await runtime.ReadFactsAsync(ct);
            facts.Add($"{engine.Kind} {DisplayText.Shorten(engine.Version, 60)}");
            if (call.Container.Length > 0)
            {
                ContainerRef container = await runtime.ResolveAsync(call.Container, ct);
                facts.Add($"{DisplayText.Shorten(container.Name, 100)} is {container.State.ToString().ToLowerInvariant()}");
            }
        }
        catch (OperatorException problem)
        {
            faults.Add($"{problem.Message} {problem.Remedy}");
        }

        string[] missing = [.. others.SelectMany(action => action.Needs).Distinct().Where(IsProgram).Where(program => !Places.Any(place => File.Exists(Path.Combine(place, program)))).Order(StringComparer.Ordinal)];
        if (missing.Length > 0)
        {
            facts.Add("programs not here: " + string.Join(", ", missing));
        }

        return faults.Count > 0 ? Outcome(false, string.Join("; ", faults)) : Outcome(true, string.Join("; ", facts));
    }

    // Before the first case its folder is not there yet: the disk it will be on is asked.
    private static string Existing(string folder) => Directory.Exists(folder) || Path.GetDirectoryName(folder) is not { } above ? folder : Existing(above);

    // Needs name programs by one word; "root" and sentences are for people.
    private static bool IsProgram(string need) => need is "nft" or "ip" or "ss" or "nsenter" or "iptables";
}
