using System.Globalization;
using System.Text;
using ContainerIR.Exporters;

namespace ContainerIR.Shippers;

/// <summary>ArcSight Common Event Format 0: in the header backslash and bar are escaped, in the extension backslash and equals sign.</summary>
internal static class CefMessage
{
    private const int MaxValue = 1023;

    public static string ToText(ShippedEvent each)
    {
        EvidenceEvent e = each.Event;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"CEF:0|ContainerIR|cir|1|{Header(e.Source)}|{Header(e.Finding is { } found ? $"{found.Rule.Id} {found.Rule.Title}" : e.Source + " " + e.Meaning)}|{SeverityOf(e)}|");
        Add("externalId", each.Id);
        Add("rt", Math.DivRem(e.AtNs, 1_000_000).Quotient.ToString(CultureInfo.InvariantCulture));
        Add("msg", e.Message);
        Add("dvchost", Evidence.Text.DisplayText.Escape(each.Bundle.Record.Host ?? ""));
        Add("filePath", e.File?.DisplayPath);
        Add("fileHash", e.Object?.Sha256);
        Add("sproc", e.Process is { } process ? EvidenceEvents.CommandOf(process) : null);
        Add("spid", e.Process?.Pid.ToString(CultureInfo.InvariantCulture));
        Add("src", e.Socket?.LocalAddress);
        Add("spt", e.Socket?.LocalPort.ToString(CultureInfo.InvariantCulture));
        Add("dst", e.Socket is { RemotePort: > 0 } far ? far.RemoteAddress : null);
        Add("dpt", e.Socket is { RemotePort: > 0 } port ? port.RemotePort.ToString(CultureInfo.InvariantCulture) : null);
        Add("cs1Label", "bundleRootSha256");
        Add("cs1", each.Bundle.RootSha256);
        Add("outcome", e.Finding is { SuppressedBy: not null } ? "suppressed" : null);
        return text.ToString().TrimEnd();

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                string cut = value.Length <= MaxValue ? value : value[..(char.IsHighSurrogate(value[MaxValue - 1]) ? MaxValue - 1 : MaxValue)];
                text.Append(name).Append('=').Append(cut.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal)).Append(' ');
            }
        }
    }

    /// <summary>0 to 10.</summary>
    private static int SeverityOf(EvidenceEvent e) => e.Finding is not { SuppressedBy: null } finding ? 1 : finding.Severity switch
    {
        Analyzers.Severity.Critical => 10,
        Analyzers.Severity.High => 8,
        Analyzers.Severity.Medium => 5,
        Analyzers.Severity.Low => 3,
        _ => 1,
    };

    private static string Header(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);
}
