using System.Text.Json;
using ContainerIR.Acquisitions;

namespace ContainerIR.Cli.Commands;

/// <summary>What <c>cir acquire --json</c> prints.</summary>
internal sealed record AcquisitionJson(
    string BundlePath, string RootSha256, string CaseId, double DurationSeconds, IReadOnlyList<ItemJson> Items, IReadOnlyList<GapJson> Gaps, string? IndexProblem, string? TimestampFault)
{
    public static AcquisitionJson From(AcquisitionResult result) => new(
        result.BundlePath,
        result.RootSha256,
        result.CaseId,
        Math.Round(result.Duration.TotalSeconds, 3),
        [
            .. result.Items.Select(item => new ItemJson(
                item.Path, item.Collector, item.Source, JsonNamingPolicy.KebabCaseLower.ConvertName(item.Status.ToString()), item.StoredBytes, item.RawBytes, item.Sha256, item.RawSha256, item.Error)),
        ],
        [.. result.Gaps.Select(gap => new GapJson(gap.Collector, gap.Sought, gap.Reason, gap.At))],
        result.IndexProblem,
        result.TimestampFault);
}

/// <summary>An item of the bundle.</summary>
internal sealed record ItemJson(
    string Path, string Collector, string Source, string Status, long StoredBytes, long RawBytes, string Sha256, string RawSha256, string? Error);

/// <summary>Something sought and not obtained.</summary>
internal sealed record GapJson(string Collector, string Sought, string Reason, DateTimeOffset At);
