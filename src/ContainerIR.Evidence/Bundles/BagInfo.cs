using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Bundles;

/// <summary><c>bag-info.txt</c> (RFC 8493 section 2.2.2). Written and read without line folding: every value is one line of ASCII.</summary>
internal sealed record BagInfo(string Name, Guid BundleId, string CaseId, long PayloadBytes, long PayloadFiles, DateTimeOffset At, string Agent, SealPolicy Policy)
{
    public const int MaxBytes = 16 * 1024;

    public string ToText()
    {
        StringBuilder text = new();
        Line("Bag-Software-Agent", Agent);
        Line("Bagging-Date", At.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Line("ContainerIR-Bundle-Id", BundleId.ToString("D"));
        Line("ContainerIR-Case", CaseId);
        Line("ContainerIR-Schema", BundleLayout.Schema);
        Line("ContainerIR-Seal-Policy", Policy.ToString());
        Line("External-Identifier", Name);
        Line("Payload-Oxum", string.Create(CultureInfo.InvariantCulture, $"{PayloadBytes}.{PayloadFiles}"));
        return text.ToString();

        void Line(string label, string value)
        {
            string shown = DisplayText.Shorten(value, 400);
            text.Append(label).Append(": ").Append(Encoding.ASCII.GetString(Encoding.ASCII.GetBytes(shown))).Append('\n');
        }
    }

    /// <summary>Labels and values; null where a line has no label or a label stands twice.</summary>
    public static IReadOnlyDictionary<string, string>? Parse(string text)
    {
        Dictionary<string, string> values = [];
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon < 1 || !values.TryAdd(line[..colon], line[(colon + 2)..]))
            {
                return null;
            }
        }

        return values;
    }
}
