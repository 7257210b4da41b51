using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Traffic;

/// <summary>Why a capture ended.</summary>
internal enum TrafficEnd
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>Its time was over.</summary>
    Duration,

    /// <summary>The file is as large as was allowed.</summary>
    MaxBytes,

    /// <summary>It was told to.</summary>
    Stopped,

    /// <summary>The run was cancelled.</summary>
    Cancelled,

    /// <summary>No interface was left: the container's network is gone.</summary>
    InterfacesGone,
}

/// <summary>
/// The one thread that reads all rings: turns packets into pcapng blocks, counts flows and takes down DNS messages. It allocates nothing per packet
/// but for new flows and DNS rows.
/// </summary>
internal sealed unsafe class TapReader(IReadOnlyList<OpenTap> taps, TrafficOptions options, TimeProvider clock, TrafficQueue.Lane packets, TrafficQueue.Lane dnsRows) : IDisposable
{
    private const int PacketsPerTurn = 8192;
    private const int PollMilliseconds = 50;
    private const int DnsPort = 53;
    private const int CookedHeaderBytes = 20;

    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);

    private readonly ArrayBufferWriter<byte> line = new(4096);
    private readonly Utf8JsonWriter json = new(Stream.Null);
    private readonly long statisticsBytes = (long)taps.Count * PcapNgWriter.StatisticsBytes;
    private volatile int end;

    public FlowTable Flows { get; } = new(options.MaxFlows);

    /// <summary>DNS messages that were written as rows, that found no room, and payloads of port 53 that do not begin a readable message.</summary>
    public (long Written, long NotListed, long Unread) Dns { get; private set; }

    /// <summary>Packets that are not IP, or not to be understood.</summary>
    public long NotIP { get; private set; }

    public TrafficEnd End => (TrafficEnd)end;

    public long StartedAtNs { get; private set; }

    public long EndedAtNs { get; private set; }

    /// <summary>Asks for the end; the first reason counts.</summary>
    public void Stop(TrafficEnd why) => Interlocked.CompareExchange(ref end, (int)why, (int)TrafficEnd.None);

    /// <summary>Reads until told to end; then all that was received before.</summary>
    public void Run()
    {
        StartedAtNs = TrafficJson.Nanoseconds(clock.GetUtcNow());
        WriteHeaders();
        long started = clock.GetTimestamp();
        long flushed = started;
        while (End == TrafficEnd.None)
        {
            Wait();
            _ = ReadAll();
            if (clock.GetElapsedTime(flushed) >= FlushInterval)
            {
                packets.Flush(); // what has been seen must not wait in memory for more to come
                dnsRows.Flush();
                flushed = clock.GetTimestamp();
            }

            if (clock.GetElapsedTime(started) >= options.Duration)
            {
                Stop(TrafficEnd.Duration);
            }
        }

        // No further packet is let in; those of blocks not yet full come when the kernel retires them.
        EndedAtNs = TrafficJson.Nanoseconds(clock.GetUtcNow());
        foreach (OpenTap tap in taps)
        {
            tap.Ring.Close();
        }

        long closed = clock.GetTimestamp();
        while (End != TrafficEnd.MaxBytes && (ReadAll() || clock.GetElapsedTime(closed).TotalMilliseconds < 3 * PacketRing.RetireMilliseconds))
        {
            Wait();
        }

        WriteStatistics();
        packets.Flush();
        dnsRows.Flush();
    }

    public void Dispose() => json.Dispose();

    private static ushort LinkType(Tap tap) => tap.Link.IsEthernet ? PcapNgWriter.Ethernet : PcapNgWriter.LinuxCooked;

    private void WriteHeaders()
    {
        packets.Advance(PcapNgWriter.Section(
            packets.Room(4096),
            RuntimeInformation.OSArchitecture.ToString(),
            "Linux",
            $"ContainerIR {typeof(TapReader).Assembly.GetName().Version?.ToString(3)}"));
        foreach (OpenTap open in taps)
        {
            Tap tap = open.Tap;
            string description = $"{tap.ContainerName} of network namespace {tap.ContainerNamespace}" + (tap.IsHostSide ? ", read at its other end" : ", read inside");
            string comment = tap.IsHostSide
                ? $"Container side: interface {tap.ContainerName} (index {tap.ContainerLink.Index}) of network namespace {tap.ContainerNamespace}. Read at {tap.Name} "
                    + $"(index {tap.Link.Index}) of network namespace {tap.Namespace}. Inbound packets were sent by the container."
                : $"Interface {tap.ContainerName} (index {tap.ContainerLink.Index}) of network namespace {tap.ContainerNamespace}, read there. "
                    + (tap.Link.IsLoopback ? "Each packet stands here once." : "Outbound packets were sent by the container.");
            packets.Advance(PcapNgWriter.Interface(packets.Room(8192), LinkType(tap), tap.Name, description, comment, tap.Link.HardwareAddress));
        }
    }

    private void WriteStatistics()
    {
        for (int i = 0; i < taps.Count; i++)
        {
            (long received, long dropped) = taps[i].Ring.ReadCounters();
            packets.Advance(PcapNgWriter.Statistics(
                packets.Room(PcapNgWriter.StatisticsBytes), i, StartedAtNs, taps[i].GoneAtNs ?? EndedAtNs, received, dropped, taps[i].Packets));
        }
    }

    private void Wait()
    {
        PollFd* fds = stackalloc PollFd[taps.Count];
        for (int i = 0; i < taps.Count; i++)
        {
            fds[i] = new PollFd { fd = taps[i].GoneAtNs is null ? taps[i].Ring.Descriptor : -1, events = Libc.POLLIN };
        }

        _ = Libc.poll(fds, (nuint)taps.Count, PollMilliseconds);
        for (int i = 0; i < taps.Count; i++)
        {
            // An interface goes down before it goes away, and only the first is reported: from then on it is looked after.
            taps[i].WentDown |= (fds[i].revents & Libc.POLLERR) != 0;
            if (taps[i].WentDown && taps[i].GoneAtNs is null && taps[i].Ring.IsInterfaceGone())
            {
                taps[i].GoneAtNs = TrafficJson.Nanoseconds(clock.GetUtcNow());
            }
        }

        if (taps.All(tap => tap.GoneAtNs is not null))
        {
            Stop(TrafficEnd.InterfacesGone);
        }
    }

    private bool ReadAll()
    {
        bool any = false;
        for (int i = 0; i < taps.Count; i++)
        {
            for (int n = 0; n < PacketsPerTurn && End != TrafficEnd.MaxBytes && taps[i].Ring.TryNext(out CapturedPacket packet); n++)
            {
                any = true;
                Take(i, packet);
            }
        }

        return any;
    }

    private void Take(int id, in CapturedPacket packet)
    {
        OpenTap open = taps[id];
        if (open.Tap.Link.IsLoopback && packet.Path == PacketPath.Outgoing)
        {
            return; // it arrives, too
        }

        if (packets.TotalBytes + statisticsBytes + PcapNgWriter.PacketOverheadBytes + CookedHeaderBytes + packet.Bytes.Length > options.MaxBytes)
        {
            Stop(TrafficEnd.MaxBytes);
            end = (int)TrafficEnd.MaxBytes;
            return;
        }

        open.Count(packet);
        Write(id, open.Tap, packet);
        if (!(open.Tap.Link.IsEthernet
            ? PacketHeaders.TryParseEthernet(packet.Bytes, out PacketHeaders headers)
            : PacketHeaders.TryParseIP(packet.Bytes, 0, packet.Protocol, out headers)))
        {
            NotIP++;
            return;
        }

        Flows.Add(id, headers, open.Tap.IsFromContainer(packet.Path), packet.OriginalBytes, packet.AtNs);
        if (headers.PayloadBytes > 0 && (headers.SourcePort == DnsPort || headers.DestinationPort == DnsPort))
        {
            TakeDns(id, headers, packet);
        }
    }

    private void Write(int id, Tap tap, in CapturedPacket packet)
    {
        Span<byte> middle = stackalloc byte[CookedHeaderBytes];
        int head = 0;
        if (!tap.Link.IsEthernet)
        {
            // LINKTYPE_LINUX_SLL2: protocol, reserved, interface index, ARPHRD type, packet type, address length, address.
            ReadOnlySpan<byte> from = packet.LinkLayerAddress;
            middle.Clear();
            from.Slice(2, 2).CopyTo(middle);
            BinaryPrimitives.WriteInt32BigEndian(middle[4..], tap.Link.Index);
            BinaryPrimitives.WriteUInt16BigEndian(middle[8..], BinaryPrimitives.ReadUInt16LittleEndian(from[8..]));
            middle[10] = from[10];
            middle[11] = from[11];
            from.Slice(12, 8).CopyTo(middle[12..]);
        }
        else if (packet.VlanTag != 0 && packet.Bytes.Length >= 12)
        {
            middle = middle[..4];
            BinaryPrimitives.WriteUInt32BigEndian(middle, packet.VlanTag);
            head = 12;
        }
        else
        {
            middle = default;
        }

        Span<byte> room = packets.Room(PcapNgWriter.PacketOverheadBytes + CookedHeaderBytes + packet.Bytes.Length);
        packets.Advance(PcapNgWriter.Packet(
            room, id, packet.AtNs, PcapNgWriter.Flags(packet.Path), packet.OriginalBytes + (uint)middle.Length, packet.Bytes[..head], middle, packet.Bytes[head..]));
    }

    private void TakeDns(int id, in PacketHeaders headers, in CapturedPacket packet)
    {
        ReadOnlySpan<byte> payload = packet.Bytes.Slice(headers.PayloadOffset, headers.PayloadBytes);
        if (headers.Protocol == PacketHeaders.Tcp)
        {
            // RFC 1035 section 4.2.2: a length before each message. Only a message that begins with its segment is read; the rest is in the packets.
            int length = payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(payload) : 0;
            payload = length == 0 ? default : payload.Slice(2, Math.Min(length, payload.Length - 2));
        }

        if (!DnsMessage.TryParse(payload, out DnsMessage message))
        {
            Dns = Dns with { Unread = Dns.Unread + 1 };
            return;
        }

        line.ResetWrittenCount();
        json.Reset(line);
        TrafficJson.WriteDns(json, id, headers, message, packet.AtNs);
        json.Flush();
        if (Dns.Written >= options.MaxDnsRows || line.WrittenCount + 1 > TrafficQueue.BufferBytes)
        {
            Dns = Dns with { NotListed = Dns.NotListed + 1 };
            return;
        }

        Span<byte> room = dnsRows.Room(line.WrittenCount + 1);
        line.WrittenSpan.CopyTo(room);
        room[line.WrittenCount] = (byte)'\n';
        dnsRows.Advance(line.WrittenCount + 1);
        Dns = Dns with { Written = Dns.Written + 1 };
    }
}
