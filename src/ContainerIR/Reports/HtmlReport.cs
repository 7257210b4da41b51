using System.Globalization;
using System.Text;
using static ContainerIR.Reports.Markup;
using static ContainerIR.Reports.ReportWords;

namespace ContainerIR.Reports;

/// <summary>One HTML file: no script, nothing loaded from anywhere (its own policy forbids both), readable in any browser and on paper.</summary>
internal static class HtmlReport
{
    public static string Write(ReportContent content)
    {
        StringBuilder html = new();
        html.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">")
            .Append("<meta name=\"referrer\" content=\"no-referrer\"><title>").Append(Attribute(content.Title)).Append(" – evidence report</title><style>").Append(HtmlStyle.Css).Append("</style></head><body>");
        WriteTop(html, content);
        html.Append("<main>");
        DecisionsHtml.WriteOverrides(html, content.Overrides);
        WriteSummary(html, content);
        Each(html, content, "findings", "What stands out", "What our rules conclude from the copies, worst first. Each names the values it rests on and the place in the bundle where they stand.", FindingsHtml.Write);
        DecisionsHtml.WriteActions(html, content);
        WriteCoverage(html, content);
        Section(html, "connections", "Who it talked to", "Network connections that were open at the moment of the copy. Arrows point from the side that called, as far as waiting programs and port numbers tell. Orange: an address on the public Internet.");
        html.Append(FlowDiagram.Draw(content.Bundles));
        foreach (BundleReport bundle in content.Bundles)
        {
            WriteConnections(html, bundle, content.Bundles.Count > 1);
        }

        Each(html, content, "programs", "Programs that were running", "Each program with the one that started it above it. A label marks what is unusual; it is a fact to look into, not a verdict.", WriteProcesses);
        Each(html, content, "timeline", "When things happened", "Times are UTC. For files only times are used that a program inside the container cannot set by itself. Heights are logarithmic.", WriteTimeline);
        Each(html, content, "files", "Files that were changed", "Compared with the template (image) the container was made from.", WriteChanges);
        Each(html, content, "image", "The template it was made from", "An image is a stack of layers; each was made by one build instruction.", WriteImage);
        Each(html, content, "custody", "Custody", "Who copied what, when, where, with what authority and with which program, as it was sealed.", WriteCustody);
        Each(html, content, "verify", "How to check this yourself", "You need neither our program nor our word. These are standard tools; run them in the bundle's folder.", WriteVerification);
        WriteStandards(html, content);
        WriteGlossary(html);
        html.Append("</main><footer><p>Made ").Append(Of(Instant(content.MadeAt))).Append(" by ").Append(Of(content.Tool))
            .Append(" from sealed bundles that were verified immediately before. This report is derived: the bundles are the evidence. Names and texts from the container are shown escaped (<code>\\n</code>, <code>\\u{202e}</code>) and may be cut, and values that look like passwords are shown as <code>***</code>; the exact bytes stand in the bundle.</p></footer></body></html>\n");

        // Text of the evidence holds no tag: each table gets a frame to scroll in on a narrow screen.
        return html.Replace("<table", "<div class=\"wide\"><table").Replace("</table>", "</table></div>").ToString();
    }

    private static void WriteTop(StringBuilder html, ReportContent content)
    {
        html.Append("<header class=\"top\"><p class=\"kicker\">Evidence report</p><h1>").Append(Of(content.Title)).Append("</h1>");
        html.Append("<p class=\"note\">").Append(Count(content.Bundles.Count, "sealed bundle")).Append(" · made ").Append(Of(Instant(content.MadeAt))).Append("</p><nav>");
        foreach ((string id, string title) in (ReadOnlySpan<(string, string)>)
            [
                ("summary", "Summary"), ("findings", "What stands out"), ("actions", "What was done about it"), ("coverage", "What was taken, and what was not"), ("connections", "Who it talked to"), ("programs", "Programs that were running"),
                ("timeline", "When things happened"), ("files", "Files that were changed"), ("image", "The template it was made from"), ("custody", "Custody"),
                ("verify", "How to check this yourself"), ("standards", "Records for auditors"), ("words", "Words used"),
            ])
        {
            html.Append("<a href=\"#").Append(id).Append("\">").Append(title).Append("</a>");
        }

        html.Append("</nav></header>");
    }

    private static void WriteSummary(StringBuilder html, ReportContent content)
    {
        Section(html, "summary", "Summary", null);
        html.Append("<p class=\"lead\">A container is a program with all its files, kept apart from the rest of a server. ").Append(content.Bundles.Count == 1 ? "One was copied as evidence. The copy was" : $"{Number(content.Bundles.Count)} copies of containers were made as evidence. Each was")
            .Append(" sealed with a digital signature when it was made, and every byte of it was checked again before this report was written. The report says what was found; it does not say who did it or why.</p>");
        if (content.CaseReason is { } why)
        {
            html.Append("<p>Reason for the case: ").Append(Of(why)).Append("</p>");
        }

        foreach (BundleReport bundle in content.Bundles)
        {
            long gaps = bundle.Ledger.Sum(ledger => ledger.Gaps.Count), incomplete = bundle.Ledger.Sum(ledger => ledger.Incomplete), items = bundle.Ledger.Sum(ledger => ledger.Items.Count);
            long changed = bundle.Changes.Where(group => group.Verdict is "added" or "modified" or "deleted" or "renamed").Sum(group => group.Total);
            Heading(html, bundle, content.Bundles.Count > 1);
            html.Append("<p>On ").Append(Day(bundle.OpenedAt)).Append(", ").Append(Of(bundle.Examiner)).Append(bundle.Disk is null ? " copied the state of the container <b>" : " copied what a disk still held of the container <b>").Append(Of(bundle.Container))
                .Append("</b>, made from the template <b>").Append(Of(bundle.Image));
            if (bundle.Disk is { } disk)
            {
                html.Append("</b>. The container software whose disk it is did not run: programs, connections and memory were gone. The disk was read at <code>").Append(Of(disk)).Append("</code> on the examiner's machine <b>").Append(Of(bundle.Host)).Append("</b>. ");
            }
            else
            {
                html.Append("</b>, on the server <b>").Append(Of(bundle.Host)).Append("</b>. ");
            }

            html.Append("It was sealed at ").Append(Of(Instant(bundle.SealedAt))).Append(".</p>");
            if (bundle.Reason is { } reason && reason != content.CaseReason)
            {
                html.Append("<p>Reason given: ").Append(Of(reason)).Append("</p>");
            }

            html.Append("<div class=\"tiles\">");
            Tile(html, "Unchanged", $"every one of {Count(bundle.PayloadFiles, "sealed file")} checked", "good");
            Tile(html, Number(items), $"pieces of evidence, {Bytes(bundle.Ledger.Sum(ledger => ledger.RawBytes))}", "");
            Tile(html, Number(gaps + incomplete), gaps + incomplete == 0 ? "things missing: everything sought was obtained" : gaps + incomplete == 1 ? "thing sought and not fully obtained" : "things sought and not fully obtained", gaps + incomplete == 0 ? "good" : "care");
            Tile(html, Number(changed), "files added, changed, moved or deleted", "");
            html.Append("</div>");
            long marked = bundle.Processes.Count(process => process.Signs.Count > 0), outside = bundle.Connections.Count(each => each.Peer?.StartsWith("public", StringComparison.Ordinal) == true);
            html.Append("<p>").Append(bundle.HasTaken("processes")
                ? $"At that moment {Count(bundle.ProcessTotal, "program")} {(bundle.ProcessTotal == 1 ? "was" : "were")} running in it{(marked > 0 ? $", {Number(marked)} of them with something unusual about {(marked == 1 ? "it" : "them")}" : "")}."
                : "Which programs were running is not known: none was copied.");
            html.Append(' ').Append(bundle.HasTaken("network")
                ? $"{Count(bundle.ConnectionTotal, "network connection")} {(bundle.ConnectionTotal == 1 ? "was" : "were")} open{(outside > 0 ? $", {Number(outside)} of them to the public Internet" : "")}."
                : "Which network connections were open is not known: none was copied.").Append("</p>");
            FindingsHtml.WriteSentence(html, bundle);
        }

        foreach (string name in content.NotSealed)
        {
            html.Append("<p><span class=\"badge care\">not sealed</span> ").Append(Of(name)).Append(" belongs to the case, but its acquisition did not end: it is not in this report.</p>");
        }
    }

    private static void WriteCoverage(StringBuilder html, ReportContent content)
    {
        Section(html, "coverage", "What was taken, and what was not", "Everything that was sought, in the order it was copied: what disappears first was copied first. Nothing is left out silently; what could not be had is listed with its reason.");
        foreach (BundleReport bundle in content.Bundles)
        {
            Heading(html, bundle, content.Bundles.Count > 1);
            html.Append("<table><thead><tr><th style=\"width:15%\">Source</th><th>What it is</th><th class=\"n\" style=\"width:9%\">Pieces</th><th class=\"n\" style=\"width:12%\">Size</th><th style=\"width:22%\">Result</th></tr></thead><tbody>");
            foreach (CollectorLedger ledger in bundle.Ledger)
            {
                int missing = ledger.Gaps.Count + ledger.Incomplete;
                html.Append("<tr><td>").Append(Of(ledger.Name)).Append("</td><td>").Append(Of(ledger.Meaning)).Append("</td><td class=\"n\">").Append(Number(ledger.Items.Count)).Append("</td><td class=\"n\">").Append(Bytes(ledger.RawBytes))
                    .Append("</td><td>").Append(missing == 0 ? "<span class=\"badge good\">complete</span>" : $"<span class=\"badge care\">{Count(missing, "thing")} missing</span>").Append("</td></tr>");
            }

            html.Append("</tbody></table>");
            List<(string Collector, GapLine Gap)> gaps = [.. bundle.Ledger.SelectMany(ledger => ledger.Gaps.Select(gap => (ledger.Name, gap)))];
            if (gaps.Count > 0)
            {
                html.Append("<h3>Sought and not obtained</h3><table><thead><tr><th style=\"width:15%\">Source</th><th>What</th><th>Why not</th></tr></thead><tbody>");
                foreach ((string collector, GapLine gap) in gaps)
                {
                    html.Append("<tr class=\"gap\"><td>").Append(Of(collector)).Append("</td><td class=\"mono\">").Append(Of(gap.Sought)).Append("</td><td>").Append(Of(gap.Reason)).Append("</td></tr>");
                }

                html.Append("</tbody></table>");
            }

            html.Append("<details open><summary>Every piece with its digest</summary><table><thead><tr><th>Piece and where it was read</th><th class=\"n\" style=\"width:11%\">Size</th><th style=\"width:11%\">Status</th><th style=\"width:43%\">SHA-256</th></tr></thead><tbody>");
            foreach (ItemLine item in bundle.Ledger.SelectMany(ledger => ledger.Items))
            {
                html.Append("<tr><td><span class=\"mono\">").Append(Of(item.Path)).Append("</span><br><span class=\"small\">").Append(Of(item.Source)).Append("</span></td><td class=\"n\">").Append(Bytes(item.RawBytes)).Append("</td><td>").Append(Of(item.Status))
                    .Append(item.Error is { } error ? $"<br><span class=\"small\">{Of(error)}</span>" : "").Append("</td><td class=\"digest\">").Append(Of(item.Sha256)).Append("</td></tr>");
            }

            html.Append("</tbody></table></details>");
            if (bundle.LeftOut.Count > 0)
            {
                html.Append("<p class=\"note\">Lines this report could not read: ").Append(Of(string.Join("; ", bundle.LeftOut.Take(20)))).Append("</p>");
            }
        }
    }

    private static void WriteConnections(StringBuilder html, BundleReport bundle, bool isNamed)
    {
        Heading(html, bundle, isNamed);
        if (bundle.Connections.Count + bundle.Listeners.Count == 0)
        {
            html.Append("<p class=\"note\">").Append(bundle.HasTaken("network") ? "None was open." : "They were not copied: see what was not obtained.").Append("</p>");
            return;
        }

        html.Append("<table><thead><tr><th style=\"width:14%\">Kind</th><th>Its own end</th><th>Other end</th><th>Which is</th><th>Program</th></tr></thead><tbody>");
        foreach (ConnectionLine each in bundle.Connections.OrderByDescending(each => each.Peer?.StartsWith("public", StringComparison.Ordinal) == true))
        {
            html.Append("<tr><td>").Append(Of(each.Protocol)).Append("<br><span class=\"small\">").Append(Of(each.State)).Append("</span></td><td class=\"mono\">").Append(Of($"{each.Local} {each.LocalPort}")).Append("</td><td class=\"mono\">").Append(Of($"{each.Remote} {each.RemotePort}"))
                .Append("</td><td>").Append(Of(each.Peer ?? "unknown")).Append("</td><td class=\"mono\">").Append(Of(each.Process ?? "none known")).Append("</td></tr>");
        }

        foreach (ListenerLine each in bundle.Listeners)
        {
            html.Append("<tr><td>").Append(Of(each.Protocol)).Append("<br><span class=\"small\">waits for callers</span></td><td class=\"mono\">").Append(Of($"{each.Local} {each.LocalPort}")).Append("</td><td></td><td></td><td class=\"mono\">").Append(Of(each.Process ?? "none known")).Append("</td></tr>");
        }

        html.Append("</tbody></table>");
        More(html, bundle.ConnectionTotal - bundle.Connections.Count, "connection");
    }

    private static void WriteProcesses(StringBuilder html, BundleReport bundle)
    {
        if (bundle.Processes.Count == 0)
        {
            html.Append("<p class=\"note\">").Append(bundle.HasTaken("processes") ? "None was running." : "They were not copied: see what was not obtained.").Append("</p>");
            return;
        }

        html.Append("<table class=\"tree\"><thead><tr><th>Program</th><th class=\"n\" style=\"width:9%\">Number</th><th class=\"n\" style=\"width:9%\">User</th><th style=\"width:18%\">Started (UTC)</th><th style=\"width:24%\">Unusual</th></tr></thead><tbody>");
        foreach (ProcessLine process in bundle.Processes)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"mono\" style=\"--d:{Math.Min(process.Depth, 12)}\">").Append(process.Depth > 0 ? "└ " : "").Append(Of(process.Command));
            if (process.Executable is { } path && !process.Command.StartsWith(path, StringComparison.Ordinal))
            {
                html.Append("<br><span class=\"small\">").Append(Of(path)).Append("</span>");
            }

            html.Append(CultureInfo.InvariantCulture, $"</td><td class=\"n\">{process.Pid}</td><td class=\"n\">{process.Uid}</td><td>").Append(process.StartedAt is { } at ? Instant(at)[..19] : "").Append("</td><td>");
            Badges(html, process.Signs);
            html.Append("</td></tr>");
        }

        html.Append("</tbody></table>");
        More(html, bundle.ProcessTotal - bundle.Processes.Count, "program");
    }

    private static void WriteTimeline(StringBuilder html, BundleReport bundle)
    {
        html.Append(ActivityDiagram.Draw(bundle.Chart));
        if (bundle.Moments.Count == 0)
        {
            return;
        }

        html.Append("<h3>The last of each kind before the seal</h3><table><thead><tr><th style=\"width:23%\">When (UTC)</th><th>What</th><th style=\"width:32%\">Says</th></tr></thead><tbody>");
        foreach (MomentLine moment in bundle.Moments)
        {
            html.Append("<tr><td class=\"mono\">").Append(moment.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)).Append("</td><td>").Append(Of(moment.Message)).Append("</td><td class=\"small\">").Append(Of($"{moment.Source}: {moment.Meaning.Replace("+", ", ", StringComparison.Ordinal)}")).Append("</td></tr>");
        }

        html.Append("</tbody></table><p class=\"note\">The bundle holds ").Append(Count(bundle.EventTotal, "dated fact")).Append(" in all.</p>");
    }

    private static void WriteChanges(StringBuilder html, BundleReport bundle)
    {
        long total = bundle.Changes.Sum(group => group.Total);
        if (total == 0)
        {
            html.Append("<p class=\"note\">").Append(bundle.HasTaken("rootfs-diff") ? "None." : "They were not copied: see what was not obtained.").Append("</p>");
            return;
        }

        html.Append("<div class=\"bars\">");
        for (int i = 0; i < bundle.Changes.Count; i++)
        {
            html.Append(CultureInfo.InvariantCulture, $"<span style=\"background:{ColorOf(bundle.Changes[i].Verdict)};flex:{Math.Max(bundle.Changes[i].Total, (total / 100) + 1)}\"></span>");
        }

        html.Append("</div>");
        for (int i = 0; i < bundle.Changes.Count; i++)
        {
            VerdictGroup group = bundle.Changes[i];
            html.Append(CultureInfo.InvariantCulture, $"<h3><span style=\"color:{ColorOf(bundle.Changes[i].Verdict)}\">■</span> ").Append(Of(group.Verdict)).Append(" · ").Append(Number(group.Total)).Append("</h3><p class=\"small\">").Append(Of(group.Meaning)).Append("</p>");
            if (group.Latest.Count == 0)
            {
                continue;
            }

            html.Append("<table><thead><tr><th>File</th><th style=\"width:12%\">Kind</th><th class=\"n\" style=\"width:11%\">Size</th><th style=\"width:19%\">Changed (UTC)</th><th style=\"width:21%\">Rule, or unusual</th></tr></thead><tbody>");
            foreach (ChangeLine change in group.Latest)
            {
                html.Append("<tr><td class=\"mono\">").Append(Of(change.Path)).Append("</td><td>").Append(Of(change.Kind)).Append("</td><td class=\"n\">").Append(change.SizeBytes is { } size ? Bytes(size) : "").Append("</td><td>").Append(change.ChangedAt is { } at ? Attribute(at[..19].Replace('T', ' ')) : "").Append("</td><td>");
                Badges(html, [.. change.Rules, .. change.Signs]);
                html.Append("</td></tr>");
            }

            html.Append("</tbody></table>");
            More(html, group.Total - group.Latest.Count, "entry", "entries");
        }
    }

    private static string ColorOf(string verdict) => verdict switch
    {
        "deleted" => "#a1362f",
        "modified" => "#b3541e",
        "added" => "#2b5c82",
        "renamed" => "#6b4c8f",
        "whiteout-of-nothing" or "unreadable" => "#8a6d1d",
        _ => "#a9b4be",
    };

    private static void WriteImage(StringBuilder html, BundleReport bundle)
    {
        if (bundle.ImageLayers is not { } image)
        {
            html.Append("<p class=\"note\">The image was not taken: see what was not obtained.</p>");
            return;
        }

        html.Append("<dl>");
        Line(html, "Names now", image.Name);
        Line(html, "Identity", image.Id);
        Line(html, "Made", image.Created ?? "unknown");
        Line(html, "Digests in registries", image.Digests.Count == 0 ? "none: it was built here or never pushed" : string.Join(", ", image.Digests));
        Line(html, "The name used still means this image", image.NameStillPointsHere switch { true => "yes", false => "no: the name was moved to another image, or taken away", null => "unknown" });
        Line(html, "Built on", OfBase(image));
        html.Append("</dl>");
        WriteLayers(html, image);
        html.Append("<h3>Every build instruction, the last first</h3><table><thead><tr><th style=\"width:21%\">Made</th><th>By the build instruction</th><th class=\"n\" style=\"width:12%\">Size</th></tr></thead><tbody>");
        foreach (BuildStep layer in image.History)
        {
            html.Append("<tr><td>").Append(Of(layer.CreatedAt ?? "unknown")).Append("</td><td class=\"mono\">").Append(Of(layer.CreatedBy.Length > 0 ? layer.CreatedBy : "not recorded: its files were imported")).Append("</td><td class=\"n\">").Append(Bytes(layer.SizeBytes)).Append("</td></tr>");
        }

        html.Append("</tbody></table>");
    }

    /// <summary>Whose files are whose: the stack as a reader sees it, the container's own on top.</summary>
    private static void WriteLayers(StringBuilder html, ImageReport image)
    {
        if (image.Layers.Count == 0)
        {
            return;
        }

        html.Append("<h3>Whose files are whose</h3><p class=\"note\">The stack from the top. What a higher layer has hides what a lower one has. The container's own layer is the only one that can change while it runs; it is in the section on changed files.</p>")
            .Append("<table><thead><tr><th style=\"width:9%\">Layer</th><th style=\"width:18%\">Whose</th><th>Made by the build instruction</th><th class=\"n\" style=\"width:9%\">Files</th><th class=\"n\" style=\"width:11%\">Size</th><th style=\"width:14%\">Still as built</th></tr></thead><tbody>")
            .Append("<tr class=\"own\"><td>top</td><td><span class=\"badge care\">this container</span></td><td>written since the container was made, by whatever ran in it</td><td></td><td></td><td></td></tr>");
        foreach (LayerLine layer in image.Layers.Reverse())
        {
            (string badge, string whose) = layer.Owner switch { "base" => ("", "base image"), "application" => ("blue", "application"), _ => ("", "not known") };
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{layer.Number}</td><td><span class=\"badge {badge}\">{whose}</span></td><td><span class=\"mono\">").Append(Of(layer.MadeBy ?? "not recorded")).Append("</span><br><span class=\"digest\">").Append(Of(layer.Digest))
                .Append("</span></td><td class=\"n\">").Append(layer.Files is { } files ? Number(files) : "").Append("</td><td class=\"n\">").Append(layer.SizeBytes is { } size ? Bytes(size) : "").Append("</td><td>")
                .Append(layer.Integrity switch { "intact" => "<span class=\"badge good\">yes</span>", "edited" => "<span class=\"badge care\">no: edited on the server</span>", _ => "not checked" }).Append("</td></tr>");
        }

        html.Append("</tbody></table>");
    }

    private static void WriteCustody(StringBuilder html, BundleReport bundle)
    {
        foreach (CustodySection section in bundle.Custody)
        {
            html.Append("<h3>").Append(section.Name).Append("</h3><dl>");
            foreach (CustodyLine line in section.Lines)
            {
                Line(html, line.Label, line.Value);
            }

            html.Append("</dl>");
        }

        html.Append("<h3>What the copying itself changed</h3>");
        if (bundle.Effects.Count == 0)
        {
            html.Append("<p>No change is recorded.</p>");
        }
        else
        {
            html.Append("<table><thead><tr><th style=\"width:25%\">When</th><th style=\"width:15%\">By</th><th>What</th></tr></thead><tbody>");
            foreach (EffectLine effect in bundle.Effects)
            {
                html.Append("<tr><td>").Append(Of(Second(effect.At))).Append("</td><td>").Append(Of(effect.Collector)).Append("</td><td>").Append(Of(effect.What)).Append("</td></tr>");
            }

            html.Append("</tbody></table>");
        }

        if (bundle.Certification is { } text)
        {
            html.Append("<h3>Certification</h3><p>").Append(Of(text)).Append("</p>");
        }
    }

    private static void WriteVerification(StringBuilder html, BundleReport bundle)
    {
        html.Append("<p>Everything in the bundle <code>").Append(Of(bundle.Name)).Append("</code> hangs from one number, the SHA-256 of its file <code>tagmanifest-sha256.txt</code>. If it is this number, and the commands below say nothing bad, not one byte has changed. Who signed is told by the certificate: compare its SHA-256 below with what the signer tells you by another way.</p><pre>").Append(bundle.RootSha256)
            .Append("</pre><pre>sha256sum tagmanifest-sha256.txt\nopenssl cms -verify -cades -binary -inform DER -in seal/0001-responder.p7s \\\n  -content tagmanifest-sha256.txt -CAfile seal/certs.pem -out /dev/null\nsha256sum --check --strict --quiet tagmanifest-sha256.txt\nsha256sum --check --strict --quiet manifest-sha256.txt\nsha512sum --check --strict --quiet manifest-sha512.txt</pre>");
        html.Append("<table><thead><tr><th style=\"width:16%\">Checked</th><th style=\"width:12%\">Result</th><th>Looked at</th></tr></thead><tbody>");
        foreach (CheckLine check in bundle.Checks)
        {
            html.Append("<tr><td>").Append(Of(check.Name)).Append("</td><td>").Append(check.Ok ? "<span class=\"badge good\">good</span>" : "<span class=\"badge care\">not good</span>").Append("</td><td>").Append(Of(check.Detail)).Append("</td></tr>");
        }

        html.Append("</tbody></table>");
        foreach (SignerLine signer in bundle.Signers)
        {
            html.Append("<dl>");
            Line(html, "Signed by", signer.Subject);
            Line(html, "Signed at", Instant(signer.SignedAt));
            Line(html, "Certificate SHA-256", signer.CertificateSha256);
            Line(html, "Trust", signer.Trust);
            html.Append("</dl>");
        }
    }

    private static void WriteStandards(StringBuilder html, ReportContent content)
    {
        Section(html, "standards", "Records for auditors", "The fields PCI DSS 4.0.1 asks for in requirement 10.2.2, for each action of the acquisition; then where this report serves outcomes of NIST CSF 2.0 as NIST SP 800-61r3 uses them.");
        foreach (BundleReport bundle in content.Bundles)
        {
            Heading(html, bundle, content.Bundles.Count > 1);
            html.Append("<table><thead><tr><th>User</th><th>Type of event</th><th style=\"width:17%\">Date and time (UTC)</th><th style=\"width:13%\">Success or failure</th><th style=\"width:15%\">Origination</th><th style=\"width:22%\">Affected resource</th></tr></thead><tbody>");
            foreach (AuditRecord record in bundle.Audit)
            {
                html.Append("<tr><td>").Append(Of(record.User)).Append("</td><td>").Append(Of(record.EventType)).Append("</td><td>").Append(Of(Second(record.At))).Append("</td><td>").Append(Of(record.Outcome)).Append("</td><td>").Append(Of(record.Origination))
                    .Append("</td><td>").Append(Of(record.AffectedResource)).Append("</td></tr>");
            }

            html.Append("</tbody></table>");
        }

        html.Append("<table><thead><tr><th style=\"width:16%\">Outcome</th><th>Asks</th><th>Served by</th></tr></thead><tbody>");
        foreach ((string id, string asks, string by) in Standards.CsfOutcomes)
        {
            html.Append("<tr><td>").Append(id).Append("</td><td>").Append(asks).Append("</td><td>").Append(by).Append("</td></tr>");
        }

        html.Append("</tbody></table>");
    }

    private static void WriteGlossary(StringBuilder html)
    {
        Section(html, "words", "Words used", null);
        html.Append("<dl>");
        foreach ((string word, string meaning) in Standards.Words)
        {
            Line(html, word, meaning);
        }

        html.Append("</dl>");
    }

    private static void Section(StringBuilder html, string id, string title, string? intro)
    {
        html.Append("<h2 id=\"").Append(id).Append("\">").Append(title).Append("</h2>");
        if (intro is not null)
        {
            html.Append("<p class=\"note\">").Append(intro).Append("</p>");
        }
    }

    private static void Each(StringBuilder html, ReportContent content, string id, string title, string intro, Action<StringBuilder, BundleReport> write)
    {
        Section(html, id, title, intro);
        foreach (BundleReport bundle in content.Bundles)
        {
            Heading(html, bundle, content.Bundles.Count > 1);
            write(html, bundle);
        }
    }

    private static void Heading(StringBuilder html, BundleReport bundle, bool isNamed)
    {
        if (isNamed)
        {
            html.Append("<h3>").Append(Of(bundle.Container)).Append(" <span class=\"small\">").Append(Of(OfPlace(bundle))).Append(", ").Append(Of(Instant(bundle.OpenedAt))).Append("</span></h3>");
        }
    }

    private static void Tile(StringBuilder html, string figure, string words, string kind) =>
        html.Append("<div class=\"tile ").Append(kind).Append("\"><b>").Append(figure).Append("</b><span>").Append(words).Append("</span></div>");

    private static void Line(StringBuilder html, string label, string value) => html.Append("<dt>").Append(Of(label)).Append("</dt><dd>").Append(Of(value)).Append("</dd>");

    private static void Badges(StringBuilder html, IReadOnlyList<string> signs)
    {
        foreach (string sign in signs)
        {
            html.Append("<span class=\"badge care\">").Append(Of(sign)).Append("</span>");
        }
    }

    private static void More(StringBuilder html, long more, string noun, string? plural = null)
    {
        if (more > 0)
        {
            html.Append("<p class=\"note\">And ").Append(Number(more)).Append(" further ").Append(more == 1 ? noun : plural ?? noun + "s").Append(": the bundle has all of them.</p>");
        }
    }
}
