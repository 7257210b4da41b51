using System.Globalization;
using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Exporters;
using ContainerIR.Reports;

namespace ContainerIR.Playbooks.Actions;

/// <summary>Writes the report of the case: the same as <c>cir report</c>.</summary>
internal sealed class ReportAction(OwnActionParts parts) : ReadingAction
{
    public override string Name => "report";

    public override string Title => "Writes the report of the case";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("formats", ParameterKind.List, "Forms of the report.", Default: "md", Choices: ["md", "html", "json"])];

    public override async Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct)
    {
        HandoutSource source = await HandoutSource.OpenAsync(parts.Home, call.CaseId, Analyzers.AllowList.None, ct);
        if (source.Refused.Count > 0)
        {
            return Outcome(false, $"{source.Refused.Count} bundles are not as they were sealed: no report is made of them");
        }

        string folder = Path.Combine(parts.Home.FolderOf(call.CaseId), "reports");
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string stem = $"{call.CaseId}-{parts.Clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        List<string> refs = [];
        foreach (string format in call.With["formats"].Split(',').Distinct())
        {
            WrittenReport report = await ReportRun.RunAsync(source, Path.Combine(folder, $"{stem}.{format}"), ToolFacts.Agent, parts.Clock, ct);
            refs.Add($"report:{Path.GetFileName(report.File)}:sha256:{report.Sha256}");
        }

        return Outcome(true, $"{refs.Count} written to {folder}", null, refs);
    }
}
