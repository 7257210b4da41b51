using System.Globalization;
using System.Text;

namespace ContainerIR.Reports;

/// <summary>Who talked to whom, as inline SVG: those that came in at the left, the captured containers in the middle, those they reached at the right.</summary>
internal static class FlowDiagram
{
    private const int MaxPeers = 14;
    private const int Width = 900;
    private const int BoxHeight = 46;
    private const int Gap = 16;

    public static string Draw(IReadOnlyList<BundleReport> bundles)
    {
        // A peer with the address of another captured container is that container. Loopback is every container's own and goes nowhere.
        Dictionary<string, int> captured = [];
        for (int i = 0; i < bundles.Count; i++)
        {
            foreach (ConnectionLine connection in bundles[i].Connections.Where(each => !IsLoopback(each.Local)))
            {
                captured.TryAdd(connection.Local, i);
            }
        }

        List<Link> links = [];
        HashSet<(int From, int To)> between = [];
        for (int i = 0; i < bundles.Count; i++)
        {
            foreach (IGrouping<(string Remote, bool IsInbound), ConnectionLine> group in bundles[i].Connections.Where(each => !IsLoopback(each.Remote) && each.Remote != each.Local).GroupBy(each => (each.Remote, each.IsInbound)))
            {
                ConnectionLine first = group.First();
                if (captured.TryGetValue(first.Remote, out int other) && other != i)
                {
                    between.Add(first.IsInbound ? (other, i) : (i, other));
                    continue;
                }

                string ports = string.Join(", ", group.Select(each => $"{each.Protocol} {(each.IsInbound ? each.LocalPort : each.RemotePort)}").Distinct().Take(3));
                links.Add(new Link(i, first.Remote, first.Peer, first.IsInbound, ports, group.Count()));
            }
        }

        string[] inbound = [.. links.Where(link => link.IsInbound).Select(link => link.Address).Distinct()];
        string[] outbound = [.. links.Where(link => !link.IsInbound).Select(link => link.Address).Distinct().OrderByDescending(address => IsPublic(links.First(link => link.Address == address).Name))];
        int rows = Math.Max(Math.Max(Math.Min(inbound.Length, MaxPeers), Math.Min(outbound.Length, MaxPeers)), bundles.Count);
        int height = (Math.Max(1, rows) * (BoxHeight + Gap)) + 40;
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"flow\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"Connections between containers and their peers\">");
        svg.Append("<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"#7b8a99\"/></marker></defs>");
        foreach (Link link in links)
        {
            int place = Array.IndexOf(link.IsInbound ? inbound : outbound, link.Address);
            if (place >= MaxPeers)
            {
                continue;
            }

            int peer = Y(place, Math.Min((link.IsInbound ? inbound : outbound).Length, MaxPeers), height), center = Y(link.Bundle, bundles.Count, height);
            (int x1, int y1, int x2, int y2) = link.IsInbound ? (230, peer, 338, center) : (562, center, 668, peer);
            string stroke = IsPublic(link.Name) ? "#b3541e" : "#7b8a99";
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{x1} {y1}C{(x1 + x2) / 2} {y1} {(x1 + x2) / 2} {y2} {x2} {y2}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.6\" marker-end=\"url(#arrow)\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"edge\" x=\"{(x1 + x2) / 2}\" y=\"{((y1 + y2) / 2) - 5}\" text-anchor=\"middle\">{Markup.Attribute(Short(link.Ports, 20))}{(link.Count > 1 ? $" ×{link.Count}" : "")}</text>");
        }

        foreach ((int source, int target) in between)
        {
            (int y1, int y2) = (Y(source, bundles.Count, height), Y(target, bundles.Count, height));
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M561 {y1}C605 {y1} 605 {y2} 562 {y2}\" fill=\"none\" stroke=\"#2b5c82\" stroke-width=\"1.8\" marker-end=\"url(#arrow)\"/>");
        }

        for (int i = 0; i < Math.Min(inbound.Length, MaxPeers); i++)
        {
            Box(svg, 20, Y(i, Math.Min(inbound.Length, MaxPeers), height), 210, inbound[i], links.First(link => link.Address == inbound[i] && link.IsInbound).Name, isOurs: false);
        }

        for (int i = 0; i < Math.Min(outbound.Length, MaxPeers); i++)
        {
            Box(svg, 670, Y(i, Math.Min(outbound.Length, MaxPeers), height), 210, outbound[i], links.First(link => link.Address == outbound[i] && !link.IsInbound).Name, isOurs: false);
        }

        for (int i = 0; i < bundles.Count; i++)
        {
            Box(svg, 340, Y(i, bundles.Count, height), 220, bundles[i].Container, ReportWords.OfPlace(bundles[i]), isOurs: true);
        }

        svg.Append("</svg>");
        int more = Math.Max(0, inbound.Length - MaxPeers) + Math.Max(0, outbound.Length - MaxPeers);
        return svg + (more > 0 ? $"<p class=\"note\">And {ReportWords.Count(more, "further peer")}: see the table.</p>" : "");
    }

    private static void Box(StringBuilder svg, int x, int y, int width, string title, string? under, bool isOurs)
    {
        bool isPublic = !isOurs && IsPublic(under);
        string fill = isOurs ? "#2b5c82" : isPublic ? "#fdf3ec" : "#f5f7f9", line = isOurs ? "#2b5c82" : isPublic ? "#d9a27f" : "#c6d0d9", ink = isOurs ? "#fff" : "#1c2733", soft = isOurs ? "#d5e3ee" : isPublic ? "#8a4217" : "#5b6876";
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y - (BoxHeight / 2)}\" width=\"{width}\" height=\"{BoxHeight}\" rx=\"8\" fill=\"{fill}\" stroke=\"{line}\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 12}\" y=\"{y - 3}\" fill=\"{ink}\" class=\"name\">{Markup.Attribute(Short(title, width / 8))}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 12}\" y=\"{y + 14}\" fill=\"{soft}\" class=\"under\">{Markup.Attribute(Short(under ?? "unknown", width / 7))}</text>");
    }

    private static bool IsLoopback(string address) => address.StartsWith("127.", StringComparison.Ordinal) || address is "::1" or "::" or "0.0.0.0";

    private static bool IsPublic(string? peer) => peer is not null && peer.StartsWith("public", StringComparison.Ordinal);

    private static int Y(int index, int count, int height) => ((height - 20) * ((2 * index) + 1) / (2 * Math.Max(1, count))) + 10;

    private static string Short(string text, int max) => text.Length <= max ? text : text[..(char.IsHighSurrogate(text[max - 2]) ? max - 2 : max - 1)] + "…";

    private sealed record Link(int Bundle, string Address, string? Name, bool IsInbound, string Ports, int Count);
}
