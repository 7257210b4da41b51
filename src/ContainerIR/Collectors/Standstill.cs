using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>Holds a container still while a collector copies, as far as its policy and what watches the container allow, and puts on record what that was and cost.</summary>
/// <param name="freeze">Whether it may.</param>
/// <param name="otherwise">What it means where the container does not stand still, for the gap.</param>
/// <param name="runtime">Engine, asked only for what watches the container's health.</param>
/// <param name="freezer">Freezes.</param>
/// <param name="clock">Time.</param>
/// <param name="maxFrozen">After so long it is thawed, whatever is left to copy.</param>
internal sealed class Standstill(FreezePolicy freeze, string otherwise, IContainerRuntime runtime, Freezer freezer, TimeProvider clock, TimeSpan maxFrozen)
{
    private const int MaxInspectBytes = 16 * 1024 * 1024;

    private FreezeWarnings warnings = FreezeWarnings.None;

    /// <summary>Freezes, or says in the report why not; dispose what it gives to thaw.</summary>
    public async Task<HeldContainer> BeginAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        warnings = freeze == FreezePolicy.Never ? FreezeWarnings.None : await ReadWarningsAsync(container, sink, ct);
        bool isPaused = container.State == ContainerState.Paused;
        if (freeze == FreezePolicy.Always || isPaused || (freeze == FreezePolicy.Auto && !warnings.IsSupervised))
        {
            if (!isPaused)
            {
                // On record before it happens: should we not live to tell.
                sink.AddEffect(string.Create(CultureInfo.InvariantCulture, $"about to hold all tasks of the container still, for at most {maxFrozen.TotalSeconds:0.###} s"));
                foreach (string warning in warnings.Texts)
                {
                    sink.AddEffect("while it stands still: " + warning);
                }
            }

            return await freezer.FreezeAsync(container.Id, container.InitPid, isPaused, maxFrozen, ct);
        }

        FreezeReport report = new()
        {
            Reason = freeze == FreezePolicy.Never ? "not asked for (freeze never)" : "a supervisor could restart it while it stands still (freeze auto)",
        };
        return new HeldContainer(report, null, null, null, clock);
    }

    /// <summary>Effects and gaps of it.</summary>
    public void Tell(FreezeReport report, IEvidenceSink sink)
    {
        if (report.StartedAt is { } startedAt && report.EndedAt is { } endedAt)
        {
            sink.AddEffect(string.Create(
                CultureInfo.InvariantCulture,
                $"all tasks of the container were held by {report.ControlPath} for {report.Held.TotalMilliseconds:0.0} ms, from {startedAt:O} to {endedAt:O} ({report.Outcome})"));
        }

        if (report.Outcome == FreezeOutcome.NotFrozen && freeze != FreezePolicy.Never)
        {
            sink.AddGap("a standstill of the container", $"{report.Reason}: {otherwise}");
        }

        if (report.Outcome == FreezeOutcome.Freezing)
        {
            sink.AddGap($"a standstill of {report.Unfrozen.Count} tasks of the container", $"{report.Reason}; they are named in freeze.json");
        }

        if (report.WasThawedByOthers)
        {
            sink.AddGap("a standstill of the container to the end", "it was thawed before the copy was complete (time limit, or somebody else)");
        }
    }

    /// <summary>Writes <c>freeze.json</c>.</summary>
    public Task AddReportAsync(FreezeReport report, IEvidenceSink sink, CancellationToken ct) => sink.AddJsonAsync("freeze.json", "the cgroup freezer", json => Write(json, report), ct);

    private async Task<FreezeWarnings> ReadWarningsAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            await using Stream document = await runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, container.Id, ct);
            using JsonDocument inspect = JsonDocument.Parse(document.ReadAtMost(MaxInspectBytes));
            return FreezeWarnings.Of(inspect.RootElement);
        }
        catch (Exception failure) when (failure is IOException or OperatorException or JsonException)
        {
            sink.AddGap("what watches the container's health", failure.Message);
            return FreezeWarnings.None;
        }
    }

    private void Write(Utf8JsonWriter json, FreezeReport report)
    {
        json.WriteString("schema", "containerir-freeze-report/1");
        json.WriteString("policy", freeze.ToString().ToLowerInvariant());
        json.WriteString("outcome", report.Outcome switch
        {
            FreezeOutcome.Frozen => "frozen",
            FreezeOutcome.Freezing => "freezing",
            FreezeOutcome.AlreadyFrozen => "already-frozen",
            _ => "not-frozen",
        });
        json.WriteString("reason", report.Reason);
        json.WriteString("control", report.ControlPath);
        json.WriteString("method", report.ControlPath is null ? null : report.IsUnified ? "cgroup2 cgroup.freeze" : "cgroup1 freezer.state");
        json.WriteString("requested_at", report.StartedAt?.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("thawed_at", report.EndedAt?.ToString("O", CultureInfo.InvariantCulture));
        json.WriteNumber("requested_mono_ns", report.RequestedNanoseconds);
        json.WriteNumber("standstill_mono_ns", report.FrozenNanoseconds);
        json.WriteNumber("thawed_mono_ns", report.ThawedNanoseconds);
        json.WriteNumber("held_ms", report.Held.TotalMilliseconds);
        json.WriteNumber("limit_ms", report.Limit.TotalMilliseconds);
        json.WriteNumber("guard_pid", report.GuardPid);
        json.WriteBoolean("thawed_by_others", report.WasThawedByOthers);
        json.WriteStartArray("unfrozen_tasks");
        foreach (UnfrozenTask task in report.Unfrozen)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", task.Pid);
            json.WriteNumber("tid", task.Tid);
            json.WriteString("comm", DisplayText.Escape(task.Comm));
            json.WriteString("state", task.State.ToString());
            json.WriteString("waits_in", DisplayText.Escape(task.WaitsIn));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("warnings");
        foreach (string warning in warnings.Texts)
        {
            json.WriteStringValue(warning);
        }

        json.WriteEndArray();
    }
}
