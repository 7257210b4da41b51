using System.Buffers.Text;
using System.Net;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>One direction of a tracked flow.</summary>
internal sealed record FlowTuple(IPAddress? Source, IPAddress? Destination, int SourcePort, int DestinationPort, ulong? Packets, ulong? Bytes);

/// <summary>
/// A line of /proc/net/nf_conntrack (net/netfilter/nf_conntrack_standalone.c): the flow as it was opened and as its answers come. Where both do
/// not mirror each other an address was translated.
/// </summary>
internal sealed record TrackedFlow(string Protocol, string State, long? SecondsLeft, FlowTuple Original, FlowTuple Reply, bool IsAssured, bool IsUnreplied, ulong? Mark)
{
    /// <summary>Whether answers do not come from where the flow was sent, or not to where it came from.</summary>
    public bool IsTranslated => !Equals(Original.Source, Reply.Destination) || !Equals(Original.Destination, Reply.Source)
        || Original.SourcePort != Reply.DestinationPort || Original.DestinationPort != Reply.SourcePort;

    /// <summary>Whether one of these addresses takes part.</summary>
    public bool Touches(IReadOnlySet<IPAddress> addresses)
    {
        return Has(Original.Source) || Has(Original.Destination) || Has(Reply.Source) || Has(Reply.Destination);

        bool Has(IPAddress? address) => address is not null && addresses.Contains(address);
    }

    /// <summary>Parses; null when not of this form. ipv4 2 tcp 6 431999 ESTABLISHED src=… dst=… sport=… dport=… [UNREPLIED] src=… … [ASSURED] mark=0 use=2</summary>
    public static TrackedFlow? Parse(ReadOnlySpan<byte> line)
    {
        Span<Range> fields = stackalloc Range[64];
        int count = ByteFields.Split(line, fields);
        if (count < 8)
        {
            return null;
        }

        string protocol = Encoding.ASCII.GetString(line[fields[2]]);
        long? left = Utf8Parser.TryParse(line[fields[4]], out long seconds, out int used) && used == line[fields[4]].Length ? seconds : null;
        string state = "";
        bool isAssured = false, isUnreplied = false;
        ulong? mark = null;
        Side[] sides = [new(), new()];
        int side = -1;
        for (int i = 4; i < count; i++)
        {
            ReadOnlySpan<byte> field = line[fields[i]];
            int equals = field.IndexOf((byte)'=');
            if (equals < 0)
            {
                isAssured |= field.SequenceEqual("[ASSURED]"u8);
                isUnreplied |= field.SequenceEqual("[UNREPLIED]"u8);
                if (side < 0 && field.Length > 0 && char.IsAsciiLetterUpper((char)field[0]))
                {
                    state = Encoding.ASCII.GetString(field);
                }

                continue;
            }

            ReadOnlySpan<byte> key = field[..equals], value = field[(equals + 1)..];
            if (key.SequenceEqual("src"u8))
            {
                side++;
            }

            if (key.SequenceEqual("mark"u8))
            {
                mark = ByteFields.TryDecimal(value, out ulong number) ? number : null;
            }
            else if (side is 0 or 1)
            {
                sides[side].Take(key, value);
            }
        }

        return side < 1 ? null : new TrackedFlow(protocol, state, left, sides[0].Tuple(), sides[1].Tuple(), isAssured, isUnreplied, mark);
    }

    private sealed class Side
    {
        private IPAddress? source, destination;
        private int sourcePort, destinationPort;
        private ulong? packets, bytes;

        public void Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (key.SequenceEqual("src"u8))
            {
                source = Address(value);
            }
            else if (key.SequenceEqual("dst"u8))
            {
                destination = Address(value);
            }
            else if (ByteFields.TryDecimal(value, out ulong number))
            {
                if (key.SequenceEqual("sport"u8))
                {
                    sourcePort = (int)Math.Min(number, 65535);
                }
                else if (key.SequenceEqual("dport"u8))
                {
                    destinationPort = (int)Math.Min(number, 65535);
                }
                else if (key.SequenceEqual("packets"u8))
                {
                    packets = number;
                }
                else if (key.SequenceEqual("bytes"u8))
                {
                    bytes = number;
                }
            }
        }

        public FlowTuple Tuple() => new(source, destination, sourcePort, destinationPort, packets, bytes);

        private static IPAddress? Address(ReadOnlySpan<byte> text) => text.Length <= 45 && IPAddress.TryParse(Encoding.ASCII.GetString(text), out IPAddress? address) ? address : null;
    }
}
