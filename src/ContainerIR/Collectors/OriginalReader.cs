using System.Runtime.InteropServices;
using ContainerIR.Diffs;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Tar;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Collectors;

/// <summary>Reads the originals of changed and deleted objects from the lower layers: facts, hash, and the bytes into before.tar until that is full.</summary>
/// <param name="stack">The layers.</param>
/// <param name="reader">Reads content; null to take metadata alone.</param>
/// <param name="before">Where bytes go; null for nowhere.</param>
/// <param name="maxBeforeBytes">Size before.tar may have.</param>
internal sealed class OriginalReader(LayerStack stack, ContentReader? reader, PaxWriter? before, long maxBeforeBytes)
{
    private readonly XattrList xattrs = new();

    /// <summary>Originals whose bytes are in before.tar.</summary>
    public long Stored { get; private set; }

    /// <summary>Originals that found no room in it.</summary>
    public long NotStored { get; private set; }

    /// <summary>Bytes of those.</summary>
    public long NotStoredBytes { get; private set; }

    /// <summary>Extended attributes of the object last read.</summary>
    public XattrList Xattrs => xattrs;

    /// <summary>Takes the facts of an object, and the hash of its content where it is a file.</summary>
    /// <param name="hit">The object.</param>
    /// <param name="path">Its path without leading slash; null for the entry's own.</param>
    /// <param name="facts">Gets the facts.</param>
    /// <param name="withContent">False to leave a file's content unread: what <see cref="Store"/> reads later.</param>
    /// <param name="ct">Looked at for every buffer.</param>
    public void Read(LowerHit hit, byte[]? path, OriginalFacts facts, bool withContent, CancellationToken ct)
    {
        facts.Clear();
        (facts.IsPresent, facts.Path, facts.Layer, facts.Stat, facts.Error) = (true, path, hit.Layer, hit.Stat, hit.Error);
        facts.Error ??= xattrs.Read(hit.Descriptor, isPathDescriptor: true);
        if (Nodes.Type(hit.Stat) == Libc.S_IFLNK)
        {
            int length = Nodes.ReadLink(hit.Descriptor, facts.Link);
            facts.LinkBytes = Math.Max(length, 0);
            facts.Error ??= length < 0 ? Libc.Describe(Marshal.GetLastPInvokeError()) : null;
        }

        if (withContent && Nodes.IsRegular(hit.Stat))
        {
            ReadContent(hit, facts, null, default, ct);
        }
    }

    /// <summary>Puts an object whose facts were read into before.tar.</summary>
    public void Store(LowerHit hit, ReadOnlySpan<byte> path, OriginalFacts facts, CancellationToken ct)
    {
        if (Nodes.IsRegular(hit.Stat))
        {
            ReadContent(hit, facts, before, path, ct);
        }
        else if (before is not null && Nodes.Type(hit.Stat) != Libc.S_IFSOCK && HasRoom(0))
        {
            WriteHeader(path, facts, null);
        }
    }

    private void ReadContent(LowerHit hit, OriginalFacts facts, PaxWriter? tar, ReadOnlySpan<byte> path, CancellationToken ct)
    {
        if (reader is null || (tar is not null && facts.Content.IsPresent && !HasRoom(facts.Content.StoredBytes(facts.Stat))))
        {
            return;
        }

        bool hasRoom = facts.Content.IsPresent;
        int descriptor = Nodes.Reopen(hit.DataDescriptor, stack.Lowers[hit.Layer].ReadFlags);
        StatX data = default;
        if (descriptor < 0 || !Nodes.Stat(descriptor, ref data))
        {
            facts.Error ??= "cannot be opened for reading: " + Libc.Describe(Marshal.GetLastPInvokeError());
            Nodes.Close(descriptor);
            return;
        }

        try
        {
            ContentReader.Map(descriptor, data, facts.Content);
            PaxWriter? into = tar is not null && (hasRoom || HasRoom(facts.Content.StoredBytes(data))) ? tar : null;
            if (into is not null)
            {
                // Below a metacopy, the size is the data's and all else the visible object's.
                facts.Stat.stx_size = data.stx_size;
                WriteHeader(path, facts, facts.Content.IsSparse ? facts.Content.Map : null);
            }

            reader.Read(descriptor, (long)data.stx_size, into, facts.Content, ct);
            facts.Error ??= facts.Content.Error;
        }
        finally
        {
            Nodes.Close(descriptor);
        }
    }

    private bool HasRoom(long bytes)
    {
        if (before!.Offset + bytes <= maxBeforeBytes)
        {
            Stored++;
            return true;
        }

        NotStored++;
        NotStoredBytes += bytes;
        return false;
    }

    private void WriteHeader(ReadOnlySpan<byte> path, OriginalFacts facts, SparseMap? map)
    {
        facts.BeforeOffset = before!.Offset;
        before.WriteHeader(new PaxEntry
        {
            Path = path,
            Type = PaxEntry.TypeOf(facts.Stat),
            Stat = ref facts.Stat,
            LinkTarget = facts.Link.AsSpan(0, facts.LinkBytes),
            SizeBytes = (long)facts.Stat.stx_size,
            Sparse = map,
            Xattrs = xattrs,
        });
    }
}
