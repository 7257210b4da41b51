using System.Text.RegularExpressions;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>What command lines say. A command line is the process's own word: these rules find the careless, not the careful.</summary>
internal sealed partial class CommandAnalyzer : IAnalyzer
{
    private static readonly Rule Miner = RuleList.Of("CIR-001");
    private static readonly Rule ReleaseAgent = RuleList.Of("CIR-015");
    private static readonly Rule KernelPaths = RuleList.Of("CIR-016");
    private static readonly Rule Tool = RuleList.Of("CIR-037");
    private static readonly Rule Download = RuleList.Of("CIR-038");
    private static readonly Rule Tunnel = RuleList.Of("CIR-039");
    private static readonly Rule Module = RuleList.Of("CIR-050");
    private const string OnlyWords = "only a command line speaks of it; nothing shows that it was done";
    private static readonly string[] Tunnels = ["chisel", "frpc", "frps", "gost", "ngrok", "tor", "cloudflared", "ligolo", "rathole", "bore"];
    private static readonly string[] TextTools = ["grep", "egrep", "fgrep", "rg", "sed", "awk", "less", "more", "vi", "vim", "nano", "cat", "tail", "head", "find", "strings"];

    internal static readonly string[] OffensiveTools =
        ["nmap", "masscan", "zgrab", "zgrab2", "pnscan", "cdk", "deepce.sh", "peirates", "linpeas.sh", "chisel", "frpc", "gost", "ngrok", "amicontained", "botb", "hydra"];

    public string Name => "command";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        ConfiguredCommand own = new(scene.Inspect);
        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            bool isOfImage = scene.DriftOf(process) is null && !process.IsDeleted && !process.IsInMemory;
            if (isOfImage && TextTools.Contains(process.Role))
            {
                continue;
            }

            string line = process.CommandLine;
            if (SpeaksOfPool(process) || process.Role is "xmrig" or "xmr-stak" or "cpuminer" or "minerd")
            {
                yield return new Finding(Miner, Miner.Severity, process.Seen(), process.Place);
            }

            if (line.Contains("release_agent", StringComparison.Ordinal))
            {
                yield return new Finding(ReleaseAgent, Severity.High, process.Seen(), process.Place, OnlyWords);
            }

            if (KernelHelpers().IsMatch(line))
            {
                yield return new Finding(KernelPaths, Severity.High, process.Seen(), process.Place, OnlyWords);
            }

            if (OffensiveTools.Contains(process.Role))
            {
                yield return isOfImage
                    ? new Finding(Tool, Severity.Low, process.Seen(), process.Place, "it came with the image")
                    : new Finding(Tool, Tool.Severity, process.Seen(), process.Place);
            }

            if (TunnelWords().IsMatch(line) || Tunnels.Contains(process.Role))
            {
                yield return isOfImage
                    ? new Finding(Tunnel, Severity.Low, process.Seen(), process.Place, "a program of the image: VPN and proxy images look so")
                    : new Finding(Tunnel, Tunnel.Severity, process.Seen(), process.Place);
            }

            if (process.IsInterpreter && DownloadAndRun().IsMatch(line))
            {
                yield return own.IsCommand(process)
                    ? new Finding(Download, Severity.Low, process.Seen(), process.Place, "it is the container's own command")
                    : new Finding(Download, Download.Severity, process.Seen(), process.Place);
            }

            if (process.Role is "insmod" or "modprobe")
            {
                yield return new Finding(Module, Module.Severity, process.Seen(), process.Place);
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

    [GeneratedRegex(@"(^|/)(ssh|autossh|dbclient)\b.* -[a-zA-Z0-9]*[RDw] ?[0-9:.]+|[a-z2-7]{16,56}\.onion\b", RegexOptions.NonBacktracking)]
    private static partial Regex TunnelWords();

    [GeneratedRegex(@"/proc/sys/kernel/(core_pattern|modprobe)\b|/uevent_helper\b", RegexOptions.NonBacktracking)]
    private static partial Regex KernelHelpers();

    [GeneratedRegex(@"\b(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(/bin/)?(ba|da|a)?sh\b|\bbase64\s+(-d|-D|--decode)\b[^|;&]*\|\s*(/bin/)?(ba|da|a)?sh\b|/dev/tcp/[^/\s]+/[0-9]+", RegexOptions.NonBacktracking)]
    private static partial Regex DownloadAndRun();

    // The first process whose arguments are the configured ones is what the owner chose, not what somebody typed later.
    private sealed class ConfiguredCommand(System.Text.Json.JsonElement inspect)
    {
        private readonly List<string> command =
            [.. new[] { inspect.Text("Path") ?? "" }.Concat(inspect.Texts("Args")).Select(Evidence.Text.DisplayText.Escape)];

        public bool IsCommand(SeenProcess process) => process.InnerPid == 1 && process.Arguments.SequenceEqual(command);
    }
}
