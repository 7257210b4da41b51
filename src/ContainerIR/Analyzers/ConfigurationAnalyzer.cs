using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>What the container was allowed, where it takes more than one row to say so, or a list of its own; the rest are rule files.</summary>
internal sealed partial class ConfigurationAnalyzer : IAnalyzer
{
    private static readonly Rule EntersTheHost = RuleList.Of("CIR-024");
    private static readonly Rule Secrets = RuleList.Of("CIR-043");

    public string Name => "configuration";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        JsonElement inspect = scene.Inspect;
        string command = string.Join(' ', inspect.Texts("Args").Prepend(inspect.Text("Path") ?? ""));
        bool hasRootOfHost = inspect.Items("Mounts").SelectMany(mount => RiskMarks.OfMount(mount, engineRoot: null))
            .Any(each => each.Mark.Id == "sensitive-mount" && each.Mark.Text.StartsWith("/ -> ", StringComparison.Ordinal));
        if (hasRootOfHost && EntersHost().IsMatch(command))
        {
            yield return new Finding(EntersTheHost, EntersTheHost.Severity, [SeenValue.OfRaw("command", command), SeenValue.OfRaw("mount", "source /")], scene.InspectPlace);
        }

        string[] secrets =
            [.. inspect.Object("Config").Texts("Env").Select(pair => pair.Split('=', 2)).Where(pair => pair is [_, { Length: > 0 }] && SecretName().IsMatch(pair[0])).Select(pair => pair[0])];
        if (secrets.Length > 0)
        {
            yield return new Finding(Secrets, Secrets.Severity, [.. secrets.Select(name => SeenValue.OfRaw("Config.Env name", name))], scene.InspectPlace);
        }
    }

    [GeneratedRegex(@"\b(chroot|nsenter|crontab)\b|/spool/cron", RegexOptions.NonBacktracking)]
    private static partial Regex EntersHost();

    [GeneratedRegex(@"^AWS_(ACCESS|SECRET|SESSION)|(PASSWORD|PASSWD|TOKEN|SECRET|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();
}
