using System.Globalization;
using ContainerIR.Actions.Changes;
using ContainerIR.Linux;

namespace ContainerIR.Actions;

/// <summary>Limits processor time and process count by the files of the container's own control group; what they said is on record. The engine is not told: its own update cannot be taken back.</summary>
internal sealed class ThrottleAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    private const long DefaultPeriod = 100_000;

    public override string Name => "throttle";

    public override string Title => "Limit processor time and number of processes";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "Its programs run slower, and may notice.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } =
    [
        new("cpu_percent", ParameterKind.Number, "Percent of one processor it may use, from 1."),
        new("pids", ParameterKind.Number, "Most processes and threads it may have, from 1."),
    ];

    public Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        List<(string Path, string Old, string New)> files = FilesOf(change.Facts);
        if (!files.Exists(file => File.Exists(file.Path)))
        {
            return Task.FromResult(new ChangeLook(ChangeCondition.Gone, "its control group is gone"));
        }

        List<string> other = [.. files.Where(file => CgroupFiles.Read(file.Path) != file.New).Select(file => $"{Path.GetFileName(file.Path)} is {CgroupFiles.Read(file.Path)}")];
        return Task.FromResult(other.Count == 0
            ? new ChangeLook(ChangeCondition.InForce, string.Join(", ", files.Select(file => $"{Path.GetFileName(file.Path)} {file.New} (was {file.Old})")))
            : new ChangeLook(ChangeCondition.NotInForce, string.Join(", ", other)));
    }

    public Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        List<IReadOnlyList<string>> commands = [];
        foreach ((string path, string old, _) in FilesOf(change.Facts))
        {
            if (File.Exists(path) && CgroupFiles.Read(path) != old)
            {
                CgroupFiles.Write(path, old);
                commands.Add(["tee", path, old]);
            }
        }

        return Task.FromResult(new UndoResult(true, "Its limits are as they were.", commands));
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        if (!scene.Container.HasProcesses)
        {
            return Planned(ActionPlan.Refused($"Container {scene.Container.ShortId} does not run: it has no control group to limit."));
        }

        List<string> faults = [];
        Dictionary<string, string> facts = [];
        try
        {
            if (Limit(call, "cpu_percent", faults) is { } percent)
            {
                PlanProcessor(scene, percent, facts, faults);
            }

            if (Limit(call, "pids", faults) is { } pids)
            {
                Add(CgroupFiles.Find(scene.Container.InitPid, scene.Container.Id, "pids")?.Folder, "pids.max", pids.ToString(CultureInfo.InvariantCulture), facts, faults);
            }
        }
        catch (IOException failure)
        {
            faults.Add(failure.Message);
        }

        if (facts.Count == 0 && faults.Count == 0)
        {
            faults.Add("Nothing to limit was named: --cpu-percent or --pids.");
        }

        if (Parts.Journal.Open(scene.Container.Id, Name) is [.., var open])
        {
            faults.Add($"It is throttled already, by change {open.Id} of case {open.CaseId}: undo that first.");
        }

        List<(string Path, string Old, string New)> files = FilesOf(facts);
        return Planned(new ActionPlan
        {
            Commands = [.. files.Select(file => (IReadOnlyList<string>)["tee", file.Path, file.New])],
            EvidenceCost = EvidenceCost,
            Faults = faults,
            Facts = facts,
            Apply = _ =>
            {
                foreach ((string Path, string Old, string New) file in files)
                {
                    CgroupFiles.Write(file.Path, file.New);
                }

                bool isSet = files.TrueForAll(file => CgroupFiles.Read(file.Path) == file.New);
                return Task.FromResult(new AppliedChange(
                    string.Join(", ", files.Select(file => $"{Path.GetFileName(file.Path)} is {CgroupFiles.Read(file.Path)}, was {file.Old}")) + ".", isSet)
                { Done = isSet });
            },
        });
    }

    private static long? Limit(ActionCall call, string name, List<string> faults)
    {
        string text = Value(call, name);
        if (text.Length == 0)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number is >= 1 and <= 1_000_000)
        {
            return number;
        }

        faults.Add($"'{name}' must be a whole number from 1.");
        return null;
    }

    private static void PlanProcessor(ActionScene scene, long percent, Dictionary<string, string> facts, List<string> faults)
    {
        if (CgroupFiles.Find(scene.Container.InitPid, scene.Container.Id, "cpu") is not { } group)
        {
            faults.Add("It has no control group of its own for the processor.");
            return;
        }

        // v2: "QUOTA PERIOD" in one file; v1: quota and period in two, the period is left.
        string file = group.IsUnified ? "cpu.max" : "cpu.cfs_quota_us";
        string[] words = CgroupFiles.Read(Path.Combine(group.Folder, group.IsUnified ? "cpu.max" : "cpu.cfs_period_us")).Split(' ');
        long period = long.TryParse(words[^1], CultureInfo.InvariantCulture, out long number) && number > 0 ? number : DefaultPeriod;
        long quota = Math.Max(1000, period * percent / 100);
        Add(group.Folder, file, group.IsUnified ? string.Create(CultureInfo.InvariantCulture, $"{quota} {period}") : quota.ToString(CultureInfo.InvariantCulture), facts, faults);
    }

    private static void Add(string? folder, string file, string text, Dictionary<string, string> facts, List<string> faults)
    {
        if (folder is null)
        {
            faults.Add($"It has no control group of its own with {file}.");
            return;
        }

        string path = Path.Combine(folder, file);
        facts["old:" + path] = CgroupFiles.Read(path);
        facts["new:" + path] = text;
    }

    private static List<(string Path, string Old, string New)> FilesOf(IReadOnlyDictionary<string, string> facts) =>
        [.. facts.Where(fact => fact.Key.StartsWith("old:/sys/fs/cgroup/", StringComparison.Ordinal) && !fact.Key.Contains("/../", StringComparison.Ordinal))
            .Select(fact => (fact.Key[4..], fact.Value, facts.GetValueOrDefault("new:" + fact.Key[4..]) ?? ""))];
}
