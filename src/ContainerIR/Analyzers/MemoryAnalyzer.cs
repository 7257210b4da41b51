using System.Globalization;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>What processes do with memory and processors: code that came from no file, and all of a processor for a program the image does not have.</summary>
internal sealed class MemoryAnalyzer : IAnalyzer
{
    private const long SmallBytes = 64 * 1024;
    private const double TicksPerSecond = 100;
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(10);
    private static readonly Rule Maps = RuleList.Of("CIR-047");
    private static readonly Rule Work = RuleList.Of("CIR-003");

    // Compilers at run time write what they execute.
    private static readonly string[] Compilers =
        ["java", "node", "nodejs", "deno", "bun", "dotnet", "mono", "php", "php-fpm", "ruby", "luajit", "postgres", "chrome", "chromium", "firefox", "electron", "pwsh", "pypy", "pypy3", "julia", "beam.smp", "erl", "wasmtime", "qemu"];

    public string Name => "memory";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        double? bootSeconds = scene.Document("host", "host.json").Root.Object("clock").Number("boottime_ns") / 1e9;
        double limit = ProcessorLimit(scene);
        foreach (SeenProcess process in scene.Processes)
        {
            ct.ThrowIfCancellationRequested();
            bool isCompiler = !scene.IsBroughtIn(process) && (Compilers.Contains(process.Role) || process.Role.StartsWith("qemu-", StringComparison.Ordinal) || process.Role.StartsWith("php", StringComparison.Ordinal));
            if (!isCompiler && process.WritableExecutableBytes > SmallBytes)
            {
                yield return new Finding(
                    Maps, Maps.Severity, process.Seen(new SeenValue("writable_executable_bytes", process.WritableExecutableBytes.ToString(CultureInfo.InvariantCulture))), process.Place);
            }
            else if (!isCompiler && process.DeletedLibraries.Count > 0)
            {
                List<SeenValue> seen = process.Seen([.. process.DeletedLibraries.Take(20).Select(path => SeenValue.Of("deleted_library", path))]);
                yield return scene.HasPackageChange
                    ? new Finding(Maps, Severity.Low, seen, process.Place, "a package manager ran: libraries upgraded under a running program look so")
                    : new Finding(Maps, Maps.Severity, seen, process.Place);
            }

            double used = process.UsedTicks / TicksPerSecond, lived = (bootSeconds ?? 0) - (process.StartTicks / TicksPerSecond);
            if (bootSeconds is not null && scene.IsBroughtIn(process) && lived >= Short.TotalSeconds && used >= 0.8 * limit * lived)
            {
                yield return new Finding(
                    Work, Work.Severity,
                    process.Seen(new("processor_seconds", used.ToString("F2", CultureInfo.InvariantCulture)), new("lived_seconds", lived.ToString("F2", CultureInfo.InvariantCulture)), new("limit_processors", limit.ToString("F2", CultureInfo.InvariantCulture))),
                    process.Place);
            }
        }
    }

    // What one thread can get: a processor, or the container's part of one.
    private static double ProcessorLimit(Scene scene)
    {
        double nano = (scene.Inspect.Object("HostConfig").Number("NanoCpus") ?? 0) / 1e9;
        double quota = scene.Inspect.Object("HostConfig").Number("CpuQuota") ?? 0, period = scene.Inspect.Object("HostConfig").Number("CpuPeriod") is > 0 and var given ? given : 100_000;
        double limit = nano > 0 ? nano : quota > 0 ? quota / period : 1;
        return Math.Clamp(limit, 0.01, 1);
    }
}
