using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>Sockets: a row each, with the first process that holds it.</summary>
internal static class SocketIndex
{
    public static void Read(Stream content, IndexWriter writer, CancellationToken ct)
    {
        foreach ((long number, SocketRow row) in RowLineReader.Read(content, writer, SocketRow.Parse, ct))
        {
            SocketOwner? owner = row.Owners.Count > 0 ? row.Owners[0] : null;
            bool hasLocal = row.LocalAddress.Length > 0, hasRemote = row.RemoteAddress.Length > 0;
            writer.Sockets.Add(writer.BundleId).Add(writer.ItemId).Add(number).Add(row.Protocol).Add(row.State.Length > 0 ? row.State : null)
                .Add(hasLocal ? row.LocalAddress : null).Add(hasLocal ? row.LocalPort : (long?)null)
                .Add(hasRemote ? row.RemoteAddress : null).Add(hasRemote ? row.RemotePort : (long?)null)
                .Add(row.Peer).Add(row.Name).Add(row.Inode).Add(row.Uid).Add(owner?.Pid).Add(owner?.ExecutablePath).Add(row.IsHostSide ? 1 : 0).Run();
            writer.Rows++;
        }
    }
}
