using System.Globalization;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>
/// The columns of a Timesketch import. <c>message</c>, <c>timestamp</c> (microseconds), <c>datetime</c> (RFC 3339) and <c>timestamp_desc</c> are asked for by
/// its importer; the others are ours. All text is in display form; <c>time_ns</c> keeps the nanoseconds that microseconds lose.
/// </summary>
internal static class TimesketchFields
{
    public static IReadOnlyList<string> Names { get; } =
    [
        "message", "timestamp", "datetime", "timestamp_desc", "data_type", "source", "host", "container_id", "container_name", "bundle_id", "item", "row", "event_id",
        "time_ns", "path", "sha256", "verdict", "pid", "command", "src_ip", "dst_ip", "dst_port", "rule", "severity", "suppressed_by",
    ];

    /// <summary>Values in the order of the names; empty where the event has none.</summary>
    public static string[] Of(VerifiedBundle bundle, EvidenceEvent e)
    {
        long micros = Math.DivRem(e.AtNs, 1000, out long rest) - (rest < 0 ? 1 : 0);
        return
        [
            e.Message,
            Number(micros),
            Rfc3339.Format(micros * 1000)[..26] + "+00:00",
            e.Meaning,
            "containerir:" + e.Source,
            e.Source,
            DisplayText.Escape(bundle.Record.Host ?? ""),
            DisplayText.Escape(bundle.Record.ContainerId ?? ""),
            DisplayText.Escape(bundle.Record.ContainerName ?? ""),
            DisplayText.Escape(bundle.Record.BundleId),
            e.Item,
            Number(e.Row),
            e.IdIn(bundle.Record.BundleId),
            Number(e.AtNs),
            e.File?.DisplayPath ?? e.Process?.ExecutablePath ?? "",
            e.Object?.Sha256 ?? e.Process?.ExecutableSha256 ?? "",
            e.File is { } file ? Diffs.DiffWords.Of(file.Verdict) : "",
            e.Process is { } process ? Number(process.Pid) : e.Socket?.FirstOwner is { } owner ? Number(owner.Pid) : "",
            e.Process is { } named ? EvidenceEvents.CommandOf(named) : "",
            e.Socket?.LocalAddress ?? "",
            e.Socket is { RemotePort: > 0 } far ? far.RemoteAddress : "",
            e.Socket is { RemotePort: > 0 } port ? Number(port.RemotePort) : "",
            e.Finding?.Rule.Id ?? "",
            e.Finding is { } finding ? FindingWords.Of(finding.Severity) : "",
            e.Finding?.SuppressedBy ?? "",
        ];
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
