using System.Globalization;
using System.Text;
using static ContainerIR.Reports.ReportWords;

namespace ContainerIR.Reports;

/// <summary>The report as Markdown (CommonMark with tables). Whatever could be markup in text of the evidence is written as a character reference.</summary>
internal static class MarkdownReport
{
    public static string Write(ReportContent content)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"# {Of(content.Title)}: evidence report\n\nMade {Instant(content.MadeAt)} by {Of(content.Tool)} from {Count(content.Bundles.Count, "sealed bundle")}, verified immediately before.\n");
        Table(text, "Done against the rules", Columns("Reason given"), content.Overrides.Select(Row), level: 2);
        foreach (string name in content.NotSealed)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n**Not sealed, not in this report:** {Of(name)}\n");
        }

        foreach (BundleReport bundle in content.Bundles)
        {
            Write(text, bundle);
        }

        Table(text, "What was done about it", Columns("What came of it"), content.Actions.Select(Row), level: 2);

        Table(text, "Outcomes of NIST CSF 2.0 (SP 800-61r3)", ["Outcome", "Asks", "Served by"], Standards.CsfOutcomes.Select(each => new[] { each.Id, each.Asks, each.ServedBy }), level: 2);
        return text.ToString();
    }

    private static void Write(StringBuilder text, BundleReport bundle)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## Container {Of(bundle.Container)} {Of(OfPlace(bundle))}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"On {Day(bundle.OpenedAt)}, {Of(bundle.Examiner)} copied {(bundle.Disk is null ? "the state" : "what a disk still held")} of this container, made from the template {Of(bundle.Image)}. Sealed at {Instant(bundle.SealedAt)}; every one of {Count(bundle.PayloadFiles, "sealed file")} was checked and is unchanged.\n\n");
        text.Append(CultureInfo.InvariantCulture, $"- Bundle: {Of(bundle.Name)}\n- Signed root, SHA-256 of tagmanifest-sha256.txt: {bundle.RootSha256}\n- Reason: {Of(bundle.Reason ?? "not given")}\n");
        Table(text, $"Findings (score {Whole(bundle.Score)} of 100)", ["Severity", "Finding", "Seen", "Where", "Why it matters", "Next step"], bundle.Findings.Where(each => each.SuppressedBy is null).Select(Row));
        Table(text, "Findings that are expected (allow-list)", ["Severity", "Finding", "Seen", "Where", "Why it matters", "Expected because"], bundle.Findings.Where(each => each.SuppressedBy is not null).Select(each => (string[])[.. Row(each)[..5], each.SuppressedBy!]));
        Table(text, "What was taken", ["Source", "What it is", "Pieces", "Size", "Missing"], bundle.Ledger.Select(each => new[] { each.Name, each.Meaning, Number(each.Items.Count), Bytes(each.RawBytes), Number(each.Gaps.Count + each.Incomplete) }));
        Table(text, "Sought and not obtained", ["Source", "What", "Why not"], bundle.Ledger.SelectMany(ledger => ledger.Gaps.Select(gap => new[] { ledger.Name, gap.Sought, gap.Reason })));
        Table(text, "Every piece", ["Piece", "Read from", "Status", "Size", "SHA-256"], bundle.Ledger.SelectMany(ledger => ledger.Items).Select(each => new[] { each.Path, each.Source, each.Error is null ? each.Status : $"{each.Status}: {each.Error}", Bytes(each.RawBytes), each.Sha256 }));
        Table(text, $"Programs ({Number(bundle.ProcessTotal)})", ["Program", "Number", "Parent", "User", "Started (UTC)", "Unusual"], bundle.Processes.Select(each => new[]
        {
            new string('·', Math.Min(each.Depth, 12)) + each.Command, Whole(each.Pid), Whole(each.ParentPid), each.Uid is { } uid ? Whole(uid) : "", each.StartedAt is { } at ? Instant(at)[..19] : "", string.Join(", ", each.Signs),
        }));
        Table(text, $"Connections ({Number(bundle.ConnectionTotal)})", ["Kind", "Own end", "Other end", "Which is", "Program"], bundle.Connections.Select(each => new[] { $"{each.Protocol} {each.State}", $"{each.Local} {each.LocalPort}", $"{each.Remote} {each.RemotePort}", each.Peer ?? "unknown", each.Process ?? "" }));
        Table(text, "Waiting for callers", ["Kind", "Own end", "Program"], bundle.Listeners.Select(each => new[] { each.Protocol, $"{each.Local} {each.LocalPort}", each.Process ?? "" }));
        Table(text, "Last moments before the seal", ["When (UTC)", "Says", "What"], bundle.Moments.Select(each => new[] { each.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture), $"{each.Source}: {each.Meaning}", each.Message }));
        foreach (VerdictGroup group in bundle.Changes)
        {
            Table(text, $"Files {group.Verdict} ({Number(group.Total)})", ["File", "Kind", "Size", "Changed (UTC)", "SHA-256", "Rule, or unusual"], group.Latest.Select(each => new[] { each.Path, each.Kind, each.SizeBytes is { } size ? Bytes(size) : "", each.ChangedAt ?? "", each.Sha256 ?? "", string.Join(", ", each.Rules.Concat(each.Signs)) }));
        }

        if (bundle.ImageLayers is { } image)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nImage {Of(image.Id)}, built on {Of(OfBase(image))}\n");
            Table(text, "Layers, the lowest first", ["Layer", "Whose", "Made by", "Files", "Size", "Still as built"], image.Layers.Select(each => new[]
            {
                Whole(each.Number), each.Owner, each.MadeBy ?? "not recorded", each.Files is { } files ? Number(files) : "", each.SizeBytes is { } size ? Bytes(size) : "", each.Integrity ?? "not checked",
            }));
            Table(text, "Build instructions, the last first", ["Made", "By", "Size"], image.History.Select(each => new[] { each.CreatedAt ?? "", each.CreatedBy, Bytes(each.SizeBytes) }));
        }

        Table(text, "Custody", ["Section", "Field", "Value"], bundle.Custody.SelectMany(section => section.Lines.Select(line => new[] { section.Name, line.Label, line.Value })));
        Table(text, "What the copying changed", ["When", "By", "What"], bundle.Effects.Select(each => new[] { each.At, each.Collector, each.What }));
        Table(text, "Verification", ["Checked", "Result", "Looked at"], bundle.Checks.Select(each => new[] { each.Name, each.Ok ? "good" : "not good", each.Detail }));
        Table(text, "Records (PCI DSS 4.0.1, 10.2.2)", ["User", "Type of event", "Date and time", "Success or failure", "Origination", "Affected resource"], bundle.Audit.Select(each => new[] { each.User, each.EventType, each.At, each.Outcome, each.Origination, each.AffectedResource }));
    }

    private static string[] Columns(string result) => ["When (UTC)", "Who", "What", "On", "Outcome", result];

    private static string[] Row(DecisionLine each) =>
        [Instant(each.At), $"{each.Who} ({each.Authentication}; {each.Origin})", each.Playbook.Length > 0 ? $"{each.What} (playbook {each.Playbook})" : each.What, each.Target, each.Outcome, each.Result];

    private static string[] Row(FindingLine each) =>
        [each.Severity, $"{each.Rule} {each.Title}", string.Join("; ", each.Seen.Select(seen => $"{seen.Label}: {seen.Value}")), each.Row is { } row ? $"{each.Item} row {row}" : each.Item, each.Why, each.NextStep];

    private static void Table(StringBuilder text, string title, string[] names, IEnumerable<string[]> rows, int level = 3)
    {
        bool isOpen = false;
        foreach (string[] row in rows)
        {
            if (!isOpen)
            {
                text.Append('\n').Append('#', level).Append(' ').Append(Of(title)).Append("\n\n| ").AppendJoin(" | ", names).Append(" |\n|").Insert(text.Length, "---|", names.Length).Append('\n');
                isOpen = true;
            }

            text.Append("| ").AppendJoin(" | ", row.Select(Of)).Append(" |\n");
        }
    }

    private static string Whole(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A character reference is never markup (CommonMark 2.5); the display form has no line end.</summary>
    private static string Of(string text)
    {
        StringBuilder escaped = new();
        foreach (char c in text)
        {
            if (c is '<' or '>' or '&' or '|' or '`' or '*' or '_' or '[' or ']' or '\\' or '#' or '~' or '!' or '$' or '@' or ':' or '"' or '\'')
            {
                escaped.Append(CultureInfo.InvariantCulture, $"&#{(int)c};");
            }
            else
            {
                escaped.Append(c);
            }
        }

        return escaped.ToString();
    }
}
