using System.Buffers.Binary;

namespace ContainerIR.Collectors.Traffic;

/// <summary>A question: name in uncompressed wire form (RFC 1035 section 3.1).</summary>
internal sealed record DnsQuestion(byte[] Name, ushort Type);

/// <summary>A record of the answer section; <paramref name="Value"/> is a name in wire form where the type is one of names, else the record's bytes.</summary>
internal sealed record DnsAnswer(byte[] Name, ushort Type, uint TtlSeconds, byte[] Value, bool ValueIsName);

/// <summary>
/// The questions and answers of one DNS message (RFC 1035). Names in it are whatever the sender wrote: pointers may only go back, a name has at most
/// 255 bytes, and no section is read beyond its bound.
/// </summary>
internal sealed class DnsMessage
{
    private const int MostQuestions = 8;
    private const int MostAnswers = 64;
    private const int MostNameBytes = 255;
    private const int MostPointers = 32;
    private const int MostValueBytes = 1024;

    private DnsMessage(ushort id, ushort flags) => (Id, Flags) = (id, flags);

    public ushort Id { get; }

    public ushort Flags { get; }

    public bool IsResponse => (Flags & 0x8000) != 0;

    public int Opcode => (Flags >> 11) & 15;

    public int ResponseCode => Flags & 15;

    public List<DnsQuestion> Questions { get; } = [];

    public List<DnsAnswer> Answers { get; } = [];

    /// <summary>Whether something was left out: the message is broken, cut, or has more records than are read.</summary>
    public bool IsIncomplete { get; private set; }

    /// <summary>Reads as much of a message as makes sense.</summary>
    /// <returns>False when the bytes are too few or cannot be DNS: no question and no answer can be read.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, out DnsMessage parsed)
    {
        parsed = new DnsMessage(0, 0);
        if (message.Length < 12)
        {
            return false;
        }

        parsed = new DnsMessage(BinaryPrimitives.ReadUInt16BigEndian(message), BinaryPrimitives.ReadUInt16BigEndian(message[2..]));
        int questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        int answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        int at = 12;
        parsed.IsIncomplete = !parsed.ReadQuestions(message, ref at, questions) || !parsed.ReadAnswers(message, ref at, answers);
        return parsed.Questions.Count + parsed.Answers.Count > 0 || !parsed.IsIncomplete;
    }

    private static bool TryReadName(ReadOnlySpan<byte> message, ref int at, out byte[] name)
    {
        Span<byte> wire = stackalloc byte[MostNameBytes];
        int length = 0;
        int position = at;
        int lowest = at;
        bool jumped = false;
        name = [];
        for (int pointers = 0; ;)
        {
            if (position >= message.Length)
            {
                return false;
            }

            int label = message[position];
            if (label >= 0xc0)
            {
                // A pointer only to what stands before all read so far: no loop is possible.
                int target = position + 1 < message.Length ? ((label & 0x3f) << 8) | message[position + 1] : int.MaxValue;
                if (target >= lowest || ++pointers > MostPointers)
                {
                    return false;
                }

                at = jumped ? at : position + 2;
                (jumped, position, lowest) = (true, target, target);
                continue;
            }

            if (label > 63 || length + 1 + label > MostNameBytes || position + 1 + label > message.Length)
            {
                return false;
            }

            message.Slice(position, 1 + label).CopyTo(wire[length..]);
            length += 1 + label;
            position += 1 + label;
            if (label == 0)
            {
                at = jumped ? at : position;
                name = wire[..length].ToArray();
                return true;
            }
        }
    }

    private bool ReadQuestions(ReadOnlySpan<byte> message, ref int at, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (i == MostQuestions || !TryReadName(message, ref at, out byte[] name) || at + 4 > message.Length)
            {
                return false;
            }

            Questions.Add(new DnsQuestion(name, BinaryPrimitives.ReadUInt16BigEndian(message[at..])));
            at += 4;
        }

        return true;
    }

    private bool ReadAnswers(ReadOnlySpan<byte> message, ref int at, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (i == MostAnswers || !TryReadName(message, ref at, out byte[] name) || at + 10 > message.Length)
            {
                return false;
            }

            ushort type = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            uint ttl = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
            int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
            at += 10;
            if (at + length > message.Length)
            {
                return false;
            }

            // NS, CNAME, PTR, DNAME hold a name and nothing else.
            int inside = at;
            byte[] value = [];
            bool isName = type is 2 or 5 or 12 or 39 && TryReadName(message[..(at + length)], ref inside, out value);
            value = isName ? value : message.Slice(at, Math.Min(length, MostValueBytes)).ToArray();
            Answers.Add(new DnsAnswer(name, type, ttl, value, isName));
            at += length;
        }

        return true;
    }
}
