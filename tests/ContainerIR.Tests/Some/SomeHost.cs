using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cases;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Tests.Some;

/// <summary>
/// The host of the real engine, with a change journal and a home of a test's own. What is looked at or run on the host is run in the engine's network
/// namespace, never in that of the tests.
/// </summary>
internal sealed class SomeHost : IDisposable
{
    public const string CaseId = "SOME-1";
    private readonly string folder = Directory.CreateTempSubdirectory("cir-host-").FullName;

    public SomeHost()
    {
        Home = new CaseHome(folder + "/home");
        using CaseStore made = CaseStore.Create(Home, CaseId, new CaseFacts(null, null), TimeProvider.System);
    }

    public string Folder => folder;

    public CaseHome Home { get; }

    public ActionParts Parts => new(Home, TimeProvider.System) { ChangesFolder = folder + "/changes" };

    public ChangeUndo Undoing => new(Parts);

    public static int EnginePid => (EngineProcess.Find(RealEngine.Endpoint) ?? throw new InvalidOperationException("the engine's process was not found")).Pid;

    /// <summary>Runs a program in the engine's network namespace.</summary>
    public static string OnHost(params string[] command) => RealEngine.Run("nsenter", ["-t", $"{EnginePid}", "-n", .. command]);

    /// <summary>Runs a program of the host in the network namespace of a container, as an intruder with CAP_NET_ADMIN would.</summary>
    public static string InNetworkOf(TestContainer container, params string[] command) => RealEngine.Run("nsenter", ["-t", $"{container.InitPid}", "-n", .. command]);

    /// <summary>
    /// All of a container that an action might alter: the engine's whole word, the rules that bear on it, its links, addresses and routes inside, the other end
    /// of its veth, its limits. What other tests do on the same engine is left out.
    /// </summary>
    public static string Snapshot(TestContainer container)
    {
        List<string> parts = [RealEngine.Docker("inspect", container.Id)];
        int pid = container.InitPid;
        if (pid > 0)
        {
            using NamespaceHandle space = NamespaceHandle.OfProcess(pid);
            bool isHosts = VethEnds.IsHosts(space.Inode, pid);
            string ip = container.Inspect("{{.NetworkSettings.IPAddress}}");
            HashSet<string> ends = [.. (isHosts ? [] : VethEnds.Find(space, pid)).Select(end => end.Other is { } other ? $"{other.Index}: " : "-")];
            parts.AddRange(OnHost("nft", "-s", "list", "ruleset").Split('\n').Where(line => line.Contains(container.Id[..12], StringComparison.Ordinal) || (ip.Length > 0 && line.Contains(ip + " ", StringComparison.Ordinal))));
            parts.Add(OnHost("nft", "list", "tables").Split('\n').Count(line => line.Contains(container.Id[..12], StringComparison.Ordinal)).ToString(System.Globalization.CultureInfo.InvariantCulture));
            parts.AddRange(OnHost("ip", "-o", "link").Split('\n').Where(line => ends.Any(end => line.StartsWith(end, StringComparison.Ordinal))));
            foreach (string[] command in isHosts ? (string[][])[] : [["ip", "-o", "link"], ["ip", "-o", "-4", "addr"], ["ip", "route", "show", "table", "all"], ["nft", "list", "ruleset"]])
            {
                parts.Add(InNetworkOf(container, command));
            }

            foreach ((string controller, string file) in (ReadOnlySpan<(string, string)>)[("cpu", "cpu.cfs_quota_us"), ("cpu", "cpu.cfs_period_us"), ("cpu", "cpu.max"), ("pids", "pids.max")])
            {
                if (CgroupFiles.Find(pid, container.Id, controller) is { } group && File.Exists(Path.Combine(group.Folder, file)))
                {
                    parts.Add($"{file} {CgroupFiles.Read(Path.Combine(group.Folder, file))}");
                }
            }
        }

        return string.Join('\n', parts);
    }

    public IAction Action(string name, ActionParts? parts = null) => ActionList.Make(parts ?? Parts).First(each => each.Name == name);

    /// <summary>Runs an action with its defaults and these values (<c>name=value</c>).</summary>
    public Task<ActionOutcome> Do(string name, string container, params string[] values) => Do(Parts, name, container, null, values);

    public async Task<ActionOutcome> Do(ActionParts parts, string name, string container, string? reason, params string[] values)
    {
        IAction action = Action(name, parts);
        return await action.RunAsync(CallOf(action, container, reason, values), CancellationToken.None);
    }

    public static ActionCall CallOf(IAction action, string container, string? reason, params string[] values)
    {
        Dictionary<string, string> with = action.Parameters.Where(each => each.Default is not null).ToDictionary(each => each.Name, each => each.Default!);
        foreach (string[] pair in values.Select(value => value.Split('=', 2)))
        {
            with[pair[0]] = pair[1];
        }

        return new ActionCall(container, with, CaseId, "a responder", reason);
    }

    public Task<UndoResult> Undo(string? id, bool? reset = null) => Undoing.RunAsync(id!, new UndoChoices(reset), CancellationToken.None);

    /// <summary>What a look shows of a change now.</summary>
    public async Task<ChangeLook> Look(string id) => await Undoing.LookAsync(Parts.Journal.Load(id), CancellationToken.None);

    /// <summary>Takes everything back and goes.</summary>
    public void Dispose()
    {
        foreach (Change change in Parts.Journal.List(out _).Where(ChangeJournal.IsOpen))
        {
            Undo(change.Id, false).GetAwaiter().GetResult();
        }

        Directory.Delete(folder, recursive: true);
    }
}
