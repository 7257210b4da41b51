using System.Globalization;
using System.Text;

namespace ContainerIR.Reports;

/// <summary>How much happened when, as inline SVG: a lane for each kind of evidence, heights by the logarithm so that one event can be seen beside thousands.</summary>
internal static class ActivityDiagram
{
    private const int Left = 150;
    private const int Width = 900;
    private const int LaneHeight = 40;
    private const int Ticks = 5;

    private static readonly (string Lane, string Words, string Color)[] Lanes =
    [
        ("engine", "Container software", "#2b5c82"), ("process", "Programs started", "#6b4c8f"), ("log", "Output written", "#3b7a57"), ("file", "Files changed", "#b3541e"), ("custody", "This acquisition", "#7b8a99"),
    ];

    public static string Draw(TimelineChart chart)
    {
        if (chart.From is not { } from || chart.Until is not { } until)
        {
            return "<p class=\"note\">Nothing with a time was taken.</p>";
        }

        StringBuilder svg = new();
        int height = (Lanes.Length * LaneHeight) + 34;
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"chart\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"Activity over time\">");
        for (int i = 0; i < Lanes.Length; i++)
        {
            ChartLane? lane = chart.Lanes.FirstOrDefault(each => each.Name == Lanes[i].Lane);
            int floor = ((i + 1) * LaneHeight) - 4;
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"0\" y=\"{floor - 14}\" class=\"lane\">{Lanes[i].Words}</text><text x=\"0\" y=\"{floor - 1}\" class=\"under\" fill=\"#5b6876\">{ReportWords.Number(lane?.Total ?? 0)}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {floor}H{Width}\" stroke=\"#dfe5ea\"/>");
            if (lane is not { Total: > 0 })
            {
                continue;
            }

            double step = (double)(Width - Left) / lane.Counts.Count, most = Math.Log(1 + lane.Counts.Max());
            for (int column = 0; column < lane.Counts.Count; column++)
            {
                if (lane.Counts[column] > 0)
                {
                    double tall = Math.Max(3, (LaneHeight - 12) * Math.Log(1 + lane.Counts[column]) / most);
                    svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Left + (column * step):0.#}\" y=\"{floor - tall:0.#}\" width=\"{Math.Max(2, step - 1):0.#}\" height=\"{tall:0.#}\" fill=\"{Lanes[i].Color}\"><title>{lane.Counts[column]}</title></rect>");
                }
            }
        }

        bool isShort = until - from < TimeSpan.FromDays(2);
        for (int tick = 0; tick <= Ticks; tick++)
        {
            DateTimeOffset at = from + ((until - from) * tick / Ticks);
            double x = Left + ((Width - Left) * (double)tick / Ticks);
            string anchor = tick == 0 ? "start" : tick == Ticks ? "end" : "middle";
            string text = at.UtcDateTime.ToString(isShort ? "d MMM HH:mm:ss" : "d MMM yyyy", CultureInfo.InvariantCulture);
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{x:0.#} {height - 30}v5\" stroke=\"#7b8a99\"/><text x=\"{x:0.#}\" y=\"{height - 12}\" text-anchor=\"{anchor}\" class=\"under\" fill=\"#5b6876\">{text}</text>");
        }

        return svg.Append("</svg>").ToString();
    }
}
