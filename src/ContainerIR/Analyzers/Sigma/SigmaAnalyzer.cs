using System.Text.RegularExpressions;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>Holds compiled rules against the normalised rows of a bundle. What a rule could not do is told to <paramref name="note"/>.</summary>
internal sealed class SigmaAnalyzer(IReadOnlyList<SigmaRule> rules, Action<string> note) : IAnalyzer
{
    /// <summary>A rule whose expressions ran into their time limit so often is ended for this bundle.</summary>
    private const int MaxTimeouts = 10;

    private readonly Dictionary<SigmaRule, int> timeouts = [];

    public string Name => "sigma";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        ILookup<string, SigmaRule> byView = rules.ToLookup(rule => rule.View);
        HashSet<string> views = [.. byView.Select(group => group.Key)];
        foreach (SigmaRow row in new SigmaRows(scene).Read(views, ct))
        {
            foreach (SigmaRule rule in row.Views.SelectMany(view => byView[view]))
            {
                if (Judge(rule, row) is { } finding)
                {
                    yield return finding;
                }
            }
        }
    }

    private Finding? Judge(SigmaRule rule, SigmaRow row)
    {
        if (timeouts.GetValueOrDefault(rule) >= MaxTimeouts)
        {
            return null;
        }

        try
        {
            if (!rule.Condition.Holds(row))
            {
                return null;
            }

            SigmaLowering? lowering = rule.Lowerings.FirstOrDefault(each => each.When.Holds(row) && each.To < rule.Meaning.Severity);
            return new Finding(rule.Meaning, lowering?.To ?? rule.Meaning.Severity, Seen(rule, row), row.Place, lowering?.Because);
        }
        catch (RegexMatchTimeoutException)
        {
            int count = timeouts[rule] = timeouts.GetValueOrDefault(rule) + 1;
            note(count < MaxTimeouts
                ? $"rule {rule.Meaning.Id}: {row.Place.Item} row {row.Place.Row}: an expression took too long; the row was not judged by it"
                : $"rule {rule.Meaning.Id}: ended after {MaxTimeouts} rows whose judgement took too long");
            return null;
        }
    }

    // What says which row it is, then what the rule asks for.
    private static List<SeenValue> Seen(SigmaRule rule, SigmaRow row)
    {
        string[] identity =
        [
            "ProcessId", "Image", "CommandLine", "TargetFilename", "verdict", "mode", "size", "mtime", "ctime", "DestinationIp", "DestinationPort", "source", "destination", "name", "image", "uid", "sha256",
        ];
        const int mostValues = 10;
        bool isOwn = RuleList.All.Contains(rule.Meaning), isFile = row.Views.Contains(SigmaFields.File);
        return [.. identity.Concat(rule.Fields).Distinct().SelectMany(field => row[field].Take(mostValues).Select(value => value.Seen(isOwn ? Plain(field, isFile) : field)))];

        // Who brought a Sigma rule reads Sigma's names; findings of ours have the words of the evidence's own rows.
        static string Plain(string field, bool isFile) => field switch
        {
            "ProcessId" => "pid",
            "Image" => "exe",
            "CommandLine" => "cmdline",
            "TargetFilename" => "path",
            "DestinationIp" => "remote_address",
            "DestinationPort" => "remote_port",
            "sha256" when !isFile => "exe_sha256",
            _ => field,
        };
    }
}
