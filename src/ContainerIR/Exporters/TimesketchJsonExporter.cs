namespace ContainerIR.Exporters;

/// <summary>JSON Lines for Timesketch: the columns of the CSV, those that are empty left out.</summary>
internal sealed class TimesketchJsonExporter : IExporter
{
    public string Name => "timesketch-jsonl";

    public string Description => "JSON Lines for Timesketch: everything that has an instant";

    public void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct)
    {
        using JsonLinesFile lines = new(folder.Create("timesketch.jsonl"));
        foreach (EvidenceEvent e in EvidenceEvents.Read(bundle, ct))
        {
            string[] values = TimesketchFields.Of(bundle, e);
            lines.Write(json =>
            {
                for (int i = 0; i < values.Length; i++)
                {
                    if (TimesketchFields.Names[i] is "timestamp" or "row" or "time_ns" or "pid" or "dst_port" && values[i].Length > 0)
                    {
                        json.WritePropertyName(TimesketchFields.Names[i]);
                        json.WriteRawValue(values[i]);
                    }
                    else if (values[i].Length > 0)
                    {
                        json.WriteString(TimesketchFields.Names[i], values[i]);
                    }
                }
            });
        }
    }
}
