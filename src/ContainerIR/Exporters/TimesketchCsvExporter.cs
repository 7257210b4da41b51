using System.Text;

namespace ContainerIR.Exporters;

/// <summary>CSV (RFC 4180) for Timesketch: a line for each instant of each row of evidence.</summary>
internal sealed class TimesketchCsvExporter : IExporter
{
    public string Name => "timesketch-csv";

    public string Description => "CSV for Timesketch: everything that has an instant";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using DerivedFile csv = folder.Create("timesketch.csv");
        csv.Write(string.Join(',', TimesketchFields.Names) + "\r\n");
        StringBuilder line = new();
        foreach (EvidenceEvent e in EvidenceEvents.Read(bundle, ct))
        {
            line.Clear();
            foreach (string value in TimesketchFields.Of(bundle, e))
            {
                line.Append(line.Length > 0 ? "," : "").Append(Cell(value));
            }

            csv.Write(line.Append("\r\n").ToString());
        }
    }

    private static string Cell(string value)
    {
        // A table program takes a cell that begins so for a formula, and a container chooses its names: an apostrophe makes it text there.
        string shown = value.Length > 0 && (value[0] is '=' or '+' or '-' or '@') && !long.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out _) ? "'" + value : value;
        return shown.AsSpan().ContainsAny(",\"") || shown != value ? $"\"{shown.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : shown;
    }
}
