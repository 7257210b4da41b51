using System.Globalization;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;

namespace ContainerIR.Cli.Commands;

/// <summary>A case at a glance, as text for a person.</summary>
internal static class CaseText
{
    private const int MaxGaps = 10;
    private const string Indent = "    ";

    // Where there is no terminal, a hostile command line of a megabyte still makes no line nobody can read. case.db and the items have all of it.
    private const int WidthInFiles = 240;

    public static void Write(TextWriter writer, CaseOverview overview, int? width)
    {
        writer.WriteLine($"Case {overview.Id}, opened {Quantities.Instant(overview.CreatedAt)}{By(overview.Examiner)}");
        if (overview.Reason is { } reason)
        {
            writer.WriteLine($"  {reason}");
        }

        writer.WriteLine($"  {overview.Folder}");
        WriteCasebook(writer, overview.Casebook);
        if (overview.Bundles.Count == 0)
        {
            writer.WriteLine();
            writer.WriteLine($"No bundle yet. Next: cir acquire CONTAINER --case {overview.Id}");
        }

        foreach (BundleOverview bundle in overview.Bundles)
        {
            writer.WriteLine();
            WriteBundle(writer, bundle, width);
        }

        foreach (string name in overview.NotIndexed)
        {
            writer.WriteLine();
            writer.WriteLine($"Not in the index: {name} (interrupted, or put there by hand; cir case rebuild {overview.Id} says why)");
        }
    }

    private static void WriteCasebook(TextWriter writer, CasebookOverview casebook)
    {
        if (casebook.ClosedAt is { } closed)
        {
            writer.WriteLine($"  CLOSED {Quantities.Instant(closed)}: {casebook.ClosedBecause}");
        }

        foreach (IGrouping<string, CaseTag> tags in casebook.Tags.GroupBy(tag => tag.About))
        {
            writer.WriteLine($"  tags {string.Join(", ", tags.Select(tag => tag.Tag))}{(tags.Key.Length > 0 ? $"  ({tags.Key})" : "")}");
        }

        foreach (CaseExhibit exhibit in casebook.Exhibits)
        {
            writer.WriteLine($"  exhibit {exhibit.Number}  {exhibit.Bundle}");
        }

        foreach (CaseNote note in casebook.Notes)
        {
            writer.WriteLine($"  note {Quantities.Instant(note.At)}, {note.By}{(note.About.Length > 0 ? $", on {note.About}" : "")}: {note.Text}");
        }
    }

    public static void WriteBundle(TextWriter writer, BundleOverview bundle, int? width)
    {
        writer.WriteLine($"Bundle {bundle.Folder}");
        Field(writer, "container", $"{bundle.ContainerName ?? "?"}  {Short(bundle.ContainerId)}  image {bundle.ImageName ?? "?"}", width);
        Field(writer, "acquired", $"{At(bundle.OpenedAt)}{By(bundle.Examiner)}{(bundle.Host is { } host ? $", on {host}" : "")}", width);
        string incomplete = bundle.IncompleteItems > 0 ? $", {bundle.IncompleteItems} not complete" : "";
        Field(writer, "evidence", $"{Quantities.Count(bundle.Items, "item")}, {Quantities.Bytes(bundle.RawBytes)}{incomplete}, {Quantities.Count(bundle.Gaps.Count, "gap")}", width);
        writer.WriteLine($"  {"root",-10} sha256 {bundle.RootSha256}");
        foreach (GapRow gap in bundle.Gaps.Take(MaxGaps))
        {
            Line(writer, $"{Indent}gap  {gap.Collector}: {gap.Sought}: {gap.Reason}", width);
        }

        More(writer, bundle.Gaps.Count, MaxGaps);
        WriteFindings(writer, bundle, width);
        WriteDiff(writer, bundle, width);
        WriteProcesses(writer, bundle, width);
        WriteSockets(writer, "Connections", bundle.Peers, bundle.PeerCount, width);
        WriteSockets(writer, "Listening", bundle.Listeners, bundle.ListenerCount, width);
        WriteTimeline(writer, bundle, width);
        foreach (string note in bundle.Notes)
        {
            Line(writer, $"  Not indexed: {note}", width);
        }
    }

    private static void WriteFindings(TextWriter writer, BundleOverview bundle, int? width)
    {
        writer.WriteLine();
        if (bundle.Score is not { } score)
        {
            writer.WriteLine("  Findings: not judged yet; cir case rebuild judges it.");
            return;
        }

        string counts = string.Join(", ", bundle.FindingsBySeverity.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value:N0} {pair.Key}")));
        string rest = bundle.NotJudged == 0 ? "" : $"; {Quantities.Count(bundle.NotJudged, "thing")} not judged (cir triage names them)";
        Line(writer, $"  Findings: {(counts.Length == 0 ? "none" : counts)}; score {score} of 100{rest}", width);
        if (bundle.Findings.Count == 0)
        {
            return;
        }

        Table table = new(new("SEVERITY"), new("RULE"), new("WHAT", MinCells: 16), new("ATT&CK"), new("SEEN", MinCells: 16), new("ITEM", MinCells: 8));
        foreach (JudgedFinding finding in bundle.Findings)
        {
            table.Add(
                finding.SuppressedBy is null ? finding.Severity : "suppressed", finding.Rule, finding.Title, finding.Attack.Count > 0 ? finding.Attack[0] : "", string.Join(", ", finding.Seen),
                finding.Row is { } row ? string.Create(CultureInfo.InvariantCulture, $"{finding.Item}:{row}") : finding.Item);
        }

        table.Write(writer, width ?? WidthInFiles, Indent);
        More(writer, bundle.FindingsBySeverity.Values.Sum() + bundle.FindingsLeftOut, bundle.Findings.Count);
    }

    private static void WriteDiff(TextWriter writer, BundleOverview bundle, int? width)
    {
        if (bundle.DiffByVerdict.Count == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine($"  Changed against the image: {string.Join(", ", bundle.DiffByVerdict.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value:N0} {pair.Key}")))}");
        Table table = new(new("VERDICT"), new("KIND"), new("SIZE", Right: true), new("MODIFIED"), new("PATH", MinCells: 20));
        foreach (DiffRow row in bundle.Diff)
        {
            table.Add(row.Verdict, row.Kind, row.SizeBytes is { } size ? Quantities.Bytes(size) : "", At(row.ModifiedAt, ""), row.Path);
        }

        table.Write(writer, width ?? WidthInFiles, Indent);
        More(writer, bundle.DiffByVerdict.Values.Sum(), bundle.Diff.Count);
    }

    private static void WriteProcesses(TextWriter writer, BundleOverview bundle, int? width)
    {
        if (bundle.ProcessCount == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine($"  {Quantities.Count(bundle.ProcessCount, "process", "processes")}");
        Table table = new(new("PID", Right: true), new("PARENT", Right: true), new("UID", Right: true), new("STARTED"), new("COMMAND", MinCells: 10), new("EXECUTABLE", MinCells: 8), new("SIGNS", MinCells: 6));
        foreach (ProcessOverviewRow row in bundle.Processes)
        {
            table.Add(
                Quantities.Number(row.Pid), Quantities.Number(row.ParentPid), Quantities.Number(row.Uid), At(row.StartedAt, ""), row.Command,
                row.Executable ?? "", row.Signs);
        }

        table.Write(writer, width ?? WidthInFiles, Indent);
        More(writer, bundle.ProcessCount, bundle.Processes.Count);
    }

    private static void WriteSockets(TextWriter writer, string title, IReadOnlyList<SocketOverviewRow> sockets, long total, int? width)
    {
        if (total == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine($"  {title}: {total.ToString("N0", CultureInfo.InvariantCulture)}");
        Table table = new(new("PROTO"), new("STATE"), new("LOCAL", MinCells: 12), new("REMOTE", MinCells: 12), new("PEER", MinCells: 6), new("PID", Right: true), new("PROCESS", MinCells: 10));
        foreach (SocketOverviewRow row in sockets)
        {
            table.Add(row.Protocol, row.State ?? "", row.Local, row.Remote ?? "", row.Peer ?? "", Quantities.Number(row.Pid), row.Process ?? "");
        }

        table.Write(writer, width ?? WidthInFiles, Indent);
        More(writer, total, sockets.Count);
    }

    private static void WriteTimeline(TextWriter writer, BundleOverview bundle, int? width)
    {
        if (bundle.Timeline.Count == 0)
        {
            return;
        }

        writer.WriteLine();
        string counts = string.Join(", ", bundle.TimelineBySource.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value:N0} {pair.Key}")));
        Line(writer, $"  Timeline: {counts}; the last before the seal:", width);
        Table table = new(new("WHEN"), new("SOURCE"), new("MEANING", MinCells: 8), new("WHAT", MinCells: 20));
        foreach (TimelineRow row in bundle.Timeline)
        {
            table.Add(Quantities.Instant(row.At), row.Source, row.Meaning, row.Message);
        }

        table.Write(writer, width ?? WidthInFiles, Indent);
    }

    private static void Field(TextWriter writer, string name, string value, int? width) => Line(writer, $"  {name,-10} {value}", width);

    private static void Line(TextWriter writer, string text, int? width) => writer.WriteLine(Cells.Fit(text, width ?? WidthInFiles));

    private static void More(TextWriter writer, long total, int shown)
    {
        if (total > shown)
        {
            writer.WriteLine($"{Indent}… {(total - shown).ToString("N0", CultureInfo.InvariantCulture)} more (case.db has all)");
        }
    }

    private static string By(string? examiner) => examiner is null ? "" : $" by {examiner}";

    private static string Short(string? id) => id is null ? "?" : id.Length > 12 ? id[..12] : id;

    private static string At(DateTimeOffset? at, string unknown = "?") => at is { } instant ? Quantities.Instant(instant) : unknown;
}
