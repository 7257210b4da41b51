using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>What the container was allowed, from the engine's document of it.</summary>
internal sealed partial class ConfigurationAnalyzer : IAnalyzer
{
    private const int ManyRestarts = 5;

    private static readonly Dictionary<string, string> RuleOfMark = new()
    {
        ["engine-socket"] = "CIR-018",
        ["privileged"] = "CIR-020",
        ["cap-add"] = "CIR-021",
        ["sensitive-mount"] = "CIR-022",
        ["shared-propagation"] = "CIR-022",
        ["host-pid"] = "CIR-023",
        ["host-network"] = "CIR-023",
        ["host-ipc"] = "CIR-023",
        ["host-uts"] = "CIR-023",
        ["host-userns"] = "CIR-023",
    };

    private static readonly string[] Dangerous = ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF", "SYS_BOOT"];

    public string Name => "configuration";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        JsonElement inspect = scene.Inspect, configuration = inspect.Object("Config");
        IReadOnlyList<RiskMark> marks = inspect.ValueKind == JsonValueKind.Object ? RiskMarks.Of(inspect, engineRoot: null, hasDigest: null) : [];
        foreach (RiskMark mark in marks.Where(mark => RuleOfMark.ContainsKey(mark.Id)))
        {
            bool isHarmless = mark.Id == "cap-add" && !Dangerous.Contains(mark.Text) && !(mark.Text == "NET_ADMIN" && marks.Any(other => other.Id == "host-network"));
            bool isReadOnly = mark.Id == "sensitive-mount" && mark.Text.EndsWith("(ro)", StringComparison.Ordinal);
            if (!isHarmless)
            {
                Rule rule = RuleList.Of(RuleOfMark[mark.Id]);
                yield return new Finding(rule, isReadOnly ? Severity.Medium : rule.Severity, [SeenValue.OfRaw(mark.Id, mark.Text)], scene.InspectPlace, isReadOnly ? "mounted read-only" : null);
            }
        }

        if (configuration.Text("WorkingDir") is { } directory && DescriptorDirectory().IsMatch(directory))
        {
            yield return new Finding(RuleList.Of("CIR-010"), Severity.Critical, [SeenValue.OfRaw("Config.WorkingDir", directory)], scene.InspectPlace);
        }

        string command = string.Join(' ', inspect.Texts("Args").Prepend(inspect.Text("Path") ?? ""));
        if (marks.Any(mark => mark.Id == "sensitive-mount" && mark.Text.StartsWith("/ -> ", StringComparison.Ordinal)) && EntersHost().IsMatch(command))
        {
            yield return new Finding(RuleList.Of("CIR-024"), Severity.Critical, [SeenValue.OfRaw("command", command), SeenValue.OfRaw("mount", "source /")], scene.InspectPlace);
        }

        string[] secrets = [.. configuration.Texts("Env").Select(pair => pair.Split('=', 2)).Where(pair => pair is [_, { Length: > 0 }] && SecretName().IsMatch(pair[0])).Select(pair => pair[0])];
        if (secrets.Length > 0)
        {
            yield return new Finding(RuleList.Of("CIR-043"), Severity.Low, [.. secrets.Select(name => SeenValue.OfRaw("Config.Env name", name))], scene.InspectPlace);
        }

        if (inspect.Number("RestartCount") is >= ManyRestarts and var restarts)
        {
            yield return new Finding(RuleList.Of("CIR-062"), Severity.Info, [new SeenValue("RestartCount", restarts.ToString(CultureInfo.InvariantCulture))], scene.InspectPlace);
        }
    }

    [GeneratedRegex(@"^/proc/(self|[0-9]+|thread-self)/fd(/|$)", RegexOptions.NonBacktracking)]
    private static partial Regex DescriptorDirectory();

    [GeneratedRegex(@"\b(chroot|nsenter|crontab)\b|/spool/cron", RegexOptions.NonBacktracking)]
    private static partial Regex EntersHost();

    [GeneratedRegex(@"^AWS_(ACCESS|SECRET|SESSION)|(PASSWORD|PASSWD|TOKEN|SECRET|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();
}
