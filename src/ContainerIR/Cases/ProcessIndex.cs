using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>Processes: a row each, and their starts in the timeline.</summary>
internal static class ProcessIndex
{
    public static void Read(Stream content, IndexWriter writer, CancellationToken ct)
    {
        foreach ((long number, ProcessRow row) in RowLineReader.Read(content, writer, ProcessRow.Parse, ct))
        {
            string command = string.Join(' ', row.CommandLine);
            writer.BeginProcess(number).Add(row.Pid).Add(row.ParentPid)
                .Add(row.NamespacePids.Count > 0 ? row.NamespacePids[^1] : null).Add(row.UserIds.Count > 0 ? row.UserIds[0] : null).Add(row.Comm)
                .Add(row.ExecutablePath).Add(row.IsExecutableDeleted ? 1 : 0).Add(Digest.Parse(row.ExecutableSha256)).Add(command)
                .Add(row.StartedAt is { } at ? Instant.ToNanoseconds(at) : null).Add(string.Join(' ', row.Signs));
            writer.EndProcess(command, row.ExecutablePath, row.Comm);
            foreach (string pair in row.Environment)
            {
                writer.AddText(TextKinds.Environment, pair, number);
            }

            if (row.StartedAt is { } started)
            {
                string what = command.Length > 0 ? command : $"[{row.Comm}]";
                writer.AddToTimeline(Instant.ToNanoseconds(started), "started", TimelineSources.Process, $"pid {row.Pid} of {row.ParentPid}: {what}", number);
            }
        }
    }
}
