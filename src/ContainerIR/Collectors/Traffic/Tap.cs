using ContainerIR.Linux;

namespace ContainerIR.Collectors.Traffic;

/// <summary>A network namespace a container's processes use.</summary>
/// <param name="Inode">Its identity while it lives.</param>
/// <param name="Path">A door to it below /proc: <c>/proc/PID/ns/net</c>, or <c>/proc/PID/fd/N</c> where only a descriptor keeps it.</param>
internal sealed record NamespaceDoor(ulong Inode, string Path);

/// <summary>An interface of the container, and where its traffic is read. Names are display forms.</summary>
internal sealed record Tap
{
    /// <summary>The interface as the container knows it.</summary>
    public required LinkEntry ContainerLink { get; init; }

    /// <summary>The container's network namespace.</summary>
    public required ulong ContainerNamespace { get; init; }

    /// <summary>The interface that is read: the other end of the pair, or the container's own.</summary>
    public required LinkEntry Link { get; init; }

    /// <summary>The namespace the reading socket stands in.</summary>
    public required ulong Namespace { get; init; }

    /// <summary>Whether the socket stands outside the container: nothing inside can see it.</summary>
    public bool IsHostSide => Namespace != ContainerNamespace;

    public string ContainerName => Evidence.Text.DisplayText.Escape(ContainerLink.Name);

    public string Name => Evidence.Text.DisplayText.Escape(Link.Name);

    /// <summary>Whether the container sent a packet that passed so; null where the interface does not tell.</summary>
    public bool? IsFromContainer(PacketPath path) => Link.IsLoopback ? null : path == PacketPath.Outgoing ^ IsHostSide;
}

/// <summary>A tap with its open ring, and what has been read from it.</summary>
internal sealed class OpenTap(Tap tap, PacketRing ring) : IDisposable
{
    public Tap Tap => tap;

    public PacketRing Ring => ring;

    public long Packets { get; private set; }

    public long Bytes { get; private set; }

    public long CapturedBytes { get; private set; }

    /// <summary>Packets longer than what a ring keeps of one.</summary>
    public long Truncated { get; private set; }

    public long FirstAtNs { get; private set; }

    public long LastAtNs { get; private set; }

    /// <summary>Whether the interface went down at least once.</summary>
    public bool WentDown { get; set; }

    /// <summary>When the interface ceased to exist; null while it does.</summary>
    public long? GoneAtNs { get; set; }

    public void Count(in CapturedPacket packet)
    {
        FirstAtNs = Packets == 0 ? packet.AtNs : FirstAtNs;
        LastAtNs = packet.AtNs;
        Packets++;
        Bytes += packet.OriginalBytes;
        CapturedBytes += packet.Bytes.Length;
        Truncated += packet.Bytes.Length < packet.OriginalBytes ? 1 : 0;
    }

    public void Dispose() => ring.Dispose();
}
