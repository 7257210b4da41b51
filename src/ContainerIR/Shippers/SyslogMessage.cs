using System.Globalization;
using System.Text;
using ContainerIR.Analyzers;
using ContainerIR.Exporters;
using ContainerIR.Rows;

namespace ContainerIR.Shippers;

/// <summary>
/// A syslog message (RFC 5424) in its frame (RFC 6587 section 3.4.1 and RFC 5425: octet counting). The stable id and the reference to the evidence are
/// structured data; the text is the event, or CEF.
/// </summary>
internal static class SyslogMessage
{
    /// <summary>Facility 13 (log audit): RFC 5424 section 6.2.1.</summary>
    private const int Facility = 13 * 8;

    /// <summary>RFC 5425 section 4.3.1: a receiver should take 8192.</summary>
    private const int MaxBytes = 8000;

    private const int MaxHostCharacters = 255;
    private const long EndOf2099Ns = 4_102_444_800_000_000_000;

    public static void Frame(Stream body, ShippedEvent each, bool isCef)
    {
        byte[] message = ToBytes(each, isCef);
        body.Write(Encoding.ASCII.GetBytes(message.Length.ToString(CultureInfo.InvariantCulture) + " "));
        body.Write(message);
    }

    public static byte[] ToBytes(ShippedEvent each, bool isCef)
    {
        EvidenceEvent e = each.Event;
        string host = string.Concat((each.Bundle.Record.Host ?? "").Take(MaxHostCharacters).Where(c => c is > ' ' and < '\u007f'));
        StringBuilder head = new();
        head.Append(CultureInfo.InvariantCulture, $"<{Facility + LevelOf(e)}>1 {Time(e.AtNs)} {(host.Length > 0 ? host : "-")} cir - {e.Source} [containerir@32473");
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)
            [
                ("id", each.Id), ("bundle", each.Bundle.Record.BundleId), ("root", each.Bundle.RootSha256), ("container", each.Bundle.Record.ContainerId ?? ""), ("item", e.Item),
                ("row", e.Row.ToString(CultureInfo.InvariantCulture)), ("meaning", e.Meaning), ("timeNs", e.AtNs.ToString(CultureInfo.InvariantCulture)),
                .. Facts(e.Finding),
            ])
        {
            head.Append(' ').Append(name).Append("=\"").Append(Value(value)).Append('"');
        }

        head.Append("] ");
        string text = isCef ? CefMessage.ToText(each) : e.Message;
        return [.. Encoding.UTF8.GetBytes(head.ToString()), 0xef, 0xbb, 0xbf, .. Cut(text, MaxBytes - head.Length - 3)];
    }

    /// <summary>Severity of RFC 5424 section 6.2.1: informational, but for a finding nobody expected.</summary>
    public static int LevelOf(EvidenceEvent e) => e.Finding is not { SuppressedBy: null } finding ? 6 : finding.Severity switch
    {
        Severity.Critical => 2,
        Severity.High => 3,
        Severity.Medium => 4,
        Severity.Low => 5,
        _ => 6,
    };

    private static (string, string)[] Facts(Finding? finding) => finding is null
        ? []
        : [("rule", finding.Rule.Id), ("severity", FindingWords.Of(finding.Severity)), ("suppressed", finding.SuppressedBy is null ? "false" : "true")];

    /// <summary>
    /// RFC 5424 section 6.2.3: at most six digits of a second. An instant a file claims outside of 1970 to 2099 is NILVALUE: receivers take a message with
    /// such a year for no RFC 5424 message at all (rsyslog does). <c>timeNs</c> has it in any case.
    /// </summary>
    public static string Time(long ns) => ns is >= 0 and < EndOf2099Ns ? Rfc3339.Format(ns)[..26] + "Z" : "-";

    private static string Value(string value)
    {
        // Section 6.3.3: quote, backslash and bracket are escaped.
        StringBuilder escaped = new();
        foreach (char c in Evidence.Text.DisplayText.Shorten(value, 200))
        {
            _ = c is '"' or '\\' or ']' ? escaped.Append('\\').Append(c) : escaped.Append(c);
        }

        return escaped.ToString();
    }

    private static ReadOnlySpan<byte> Cut(string text, int max)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length <= max)
        {
            return bytes;
        }

        // Never in the middle of a character (RFC 5424 section 6.1).
        int end = max;
        while ((bytes[end] & 0xc0) == 0x80)
        {
            end--;
        }

        return bytes.AsSpan(0, end);
    }
}
