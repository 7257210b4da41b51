using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>Sockets: a row each, with the first process that holds it, and when they were last used in the timeline.</summary>
internal static class SocketIndex
{
    // Ten years: what is more is no age.
    private const long MaxAgeMilliseconds = 10L * 366 * 24 * 3600 * 1000;

    public static void Read(Stream content, IndexWriter writer, CancellationToken ct)
    {
        foreach ((long number, SocketRow row) in RowLineReader.Read(content, writer, SocketRow.Parse, ct))
        {
            SocketOwner? owner = row.Owners.Count > 0 ? row.Owners[0] : null;
            bool hasLocal = row.LocalAddress.Length > 0, hasRemote = row.RemoteAddress.Length > 0 && !IsNobody(row);
            writer.Sockets.Add(writer.BundleId).Add(writer.ItemId).Add(number).Add(row.Protocol).Add(row.State.Length > 0 ? row.State : null)
                .Add(hasLocal ? row.LocalAddress : null).Add(hasLocal ? row.LocalPort : (long?)null)
                .Add(hasRemote ? row.RemoteAddress : null).Add(hasRemote ? row.RemotePort : (long?)null)
                .Add(row.Peer).Add(row.Name).Add(row.Inode).Add(row.Uid).Add(owner?.Pid).Add(owner?.ExecutablePath).Add(row.IsHostSide ? 1 : 0).Run();
            writer.Rows++;
            AddUse(row, row.LastSentMilliseconds, "last-sent", number, writer);
            AddUse(row, row.LastReceivedMilliseconds, "last-received", number, writer);
        }
    }

    // The kernel says how long ago, as seen when the table was read.
    private static void AddUse(SocketRow row, long? milliseconds, string meaning, long number, IndexWriter writer)
    {
        // A listener never sends; the kernel then counts from its own boot.
        if (milliseconds is { } age and >= 0 and < MaxAgeMilliseconds && row.RemotePort > 0)
        {
            string owner = row.Owners.Count > 0 ? $" pid {row.Owners[0].Pid} {row.Owners[0].ExecutablePath}" : "";
            writer.AddToTimeline(
                writer.ItemOpenedAtNs - (age * 1_000_000), meaning, TimelineSources.Socket,
                $"{row.Protocol} {row.State} {row.LocalAddress}:{row.LocalPort} -> {row.RemoteAddress}:{row.RemotePort}{owner}", number);
        }
    }

    // The kernel writes an unconnected socket's other end as zeros.
    private static bool IsNobody(SocketRow row) => row.RemotePort == 0 && row.RemoteAddress is "0.0.0.0" or "::";
}
