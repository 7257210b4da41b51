using System.Text.RegularExpressions;

namespace ContainerIR.Analyzers;

/// <summary>
/// The command lines of miners. A command line is the process's own word: this finds the careless, not the careful. The other rules on command lines are rule
/// files; this one is code because CIR-002 asks the same of who holds a connection.
/// </summary>
internal sealed partial class CommandAnalyzer : IAnalyzer
{
    private static readonly Rule Miner = RuleList.Of("CIR-001");

    public string Name => "command";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            bool readsAboutIt = process.IsTextTool && !scene.IsBroughtIn(process);
            if (!readsAboutIt && (SpeaksOfPool(process) || process.Role is "xmrig" or "xmr-stak" or "cpuminer" or "minerd"))
            {
                yield return new Finding(Miner, Miner.Severity, process.Seen(), process.Place);
            }
        }
    }

    /// <summary>Whether its command line is a miner's.</summary>
    internal static bool SpeaksOfPool(SeenProcess process) => process.Arguments.Any(IsPool) || MinerOptions().IsMatch(process.CommandLine);

    private static bool IsPool(string argument) => Pool().IsMatch(argument);

    [GeneratedRegex(@"(^|[\s=""'])stratum2?(\+(tcp|ssl|tls))?://", RegexOptions.NonBacktracking)]
    private static partial Regex Pool();

    [GeneratedRegex(@"(^|\s)--(donate-level|randomx-[a-z]+|coin[ =](monero|xmr))\b", RegexOptions.NonBacktracking)]
    private static partial Regex MinerOptions();
}
