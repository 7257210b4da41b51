using System.Diagnostics;
using System.Globalization;
using ContainerIR.Collectors;
using ContainerIR.Linux;
using ContainerIR.MemoryBench;
using ContainerIR.Runtimes;

// For tests/bench/memory.sh: one run of the memory collector, raw files with fsync instead of a bundle.
if (HiddenVerbs.TryRun(args, out int exitCode))
{
    return exitCode;
}

await using IContainerRuntime runtime = RuntimeConnector.Find(Environment.GetEnvironmentVariable("DOCKER_HOST"));
ContainerRef container = await runtime.ResolveAsync(args[0], CancellationToken.None);
MemoryCollector collector = new(
    MemoryScope.All, FreezePolicy.Auto, runtime, new Freezer(GuardLaunch.Self, TimeProvider.System), TimeProvider.System, TimeSpan.FromMinutes(5));

// Once unmeasured: the product is compiled ahead of time, this is not.
await collector.CollectAsync(container, new RawSink(Path.Combine(args[1], "warm")), CancellationToken.None);
Directory.Delete(Path.Combine(args[1], "warm"), recursive: true);
RawSink sink = new(args[1]);
GC.Collect();
long before = Status("VmRSS");
File.WriteAllText("/proc/self/clear_refs", "5");
long started = Stopwatch.GetTimestamp();
await collector.CollectAsync(container, sink, CancellationToken.None);
double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{milliseconds:0} ms for {sink.RawBytes >> 20} MiB; peak RSS {Status("VmHWM") / 1024} MiB, {(Status("VmHWM") - before) / 1024} over the start; gaps {sink.Gaps}; {string.Join("; ", sink.Effects)}"));
return 0;

static long Status(string name) => long.Parse(
    File.ReadLines("/proc/self/status").First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Split('\t')[^1],
    CultureInfo.InvariantCulture);
