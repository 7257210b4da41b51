using System.Buffers.Binary;
using System.Text;

namespace ContainerIR.Collectors.Images;

/// <summary>
/// A COSE_Sign1 message (RFC 9052 section 4.2) as notation writes it: algorithm, content type and times in the protected header, certificates (x5chain, RFC 9360)
/// in the unprotected one. CBOR (RFC 8949) only as far as that needs.
/// </summary>
internal static class CoseEnvelope
{
    private const int MaxDepth = 16;
    private const int MaxCertificates = 32;
    private const ulong Sign1Tag = 18;
    private const string AlgorithmLabel = "1";
    private const string CriticalLabel = "2";
    private const string ContentTypeLabel = "3";
    private const string ChainLabel = "33";

    /// <summary>Parses it.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static SignatureEnvelope Parse(byte[] content)
    {
        Reader reader = new(content);
        if (reader.Head(out ulong tag) != Major.Tag || tag != Sign1Tag || reader.Head(out ulong parts) != Major.Array || parts != 4)
        {
            throw new InvalidDataException("no COSE_Sign1");
        }

        byte[] protectedHeader = reader.Bytes();
        string algorithm = "", contentType = "";
        IReadOnlyList<string> critical = [];
        DateTimeOffset? at = null;
        Reader header = new(protectedHeader);
        header.Map((string label, ref Reader value) =>
        {
            switch (label)
            {
                case AlgorithmLabel:
                    // IANA COSE Algorithms.
                    algorithm = value.Number() switch { -7 => "ES256", -35 => "ES384", -36 => "ES512", -37 => "PS256", -38 => "PS384", -39 => "PS512", var other => $"COSE {other}" };
                    break;
                case ContentTypeLabel:
                    contentType = value.Text();
                    break;
                case CriticalLabel:
                    critical = value.Labels();
                    break;
                case "io.cncf.notary.signingTime":
                    at = value.EpochTime();
                    break;
                default:
                    value.Skip(0);
                    break;
            }
        });
        List<byte[]> certificates = [];
        reader.Map((string label, ref Reader value) =>
        {
            if (label != ChainLabel)
            {
                value.Skip(0);
            }
            else if (value.Next == Major.Bytes)
            {
                certificates.Add(value.Bytes());
            }
            else if (value.Head(out ulong count) == Major.Array && count <= MaxCertificates)
            {
                for (ulong i = 0; i < count; i++)
                {
                    certificates.Add(value.Bytes());
                }
            }
            else
            {
                throw new InvalidDataException("no x5chain");
            }
        });
        byte[] payload = reader.Bytes(), signature = reader.Bytes();
        return contentType == NotationSignatures.PayloadType
            ? new(algorithm, payload, ToBeSigned(protectedHeader, payload), signature, certificates, critical, at)
            : throw new InvalidDataException("it is over no payload of notation");
    }

    /// <summary>Sig_structure (RFC 9052 section 4.4): ["Signature1", protected, no external data, payload].</summary>
    internal static byte[] ToBeSigned(byte[] protectedHeader, byte[] payload) =>
        [0x84, 0x6A, .. "Signature1"u8, .. BytesHead(protectedHeader.Length), .. protectedHeader, 0x40, .. BytesHead(payload.Length), .. payload];

    private static byte[] BytesHead(int length)
    {
        if (length < 24)
        {
            return [(byte)(0x40 | length)];
        }

        if (length <= byte.MaxValue)
        {
            return [0x58, (byte)length];
        }

        byte[] head = new byte[length <= ushort.MaxValue ? 3 : 5];
        head[0] = (byte)(head.Length == 3 ? 0x59 : 0x5A);
        if (head.Length == 3)
        {
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(1), (ushort)length);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(1), (uint)length);
        }

        return head;
    }

    private enum Major
    {
        Unsigned,
        Negative,
        Bytes,
        Text,
        Array,
        Map,
        Tag,
        Simple,
    }

    private delegate void Take(string label, ref Reader value);

    private struct Reader(byte[] content)
    {
        private int at;

        public readonly Major Next => at < content.Length ? (Major)(content[at] >> 5) : throw new InvalidDataException("cut off");

        public Major Head(out ulong value)
        {
            Major major = Next;
            int kind = content[at++] & 0x1F, bytes = kind switch { 24 => 1, 25 => 2, 26 => 4, 27 => 8, _ => 0 };
            if (kind > 27)
            {
                throw new InvalidDataException("a length that is not told beforehand");
            }

            ReadOnlySpan<byte> number = Cut((ulong)bytes);
            value = bytes == 0 ? (ulong)kind : 0;
            foreach (byte digit in number)
            {
                value = (value << 8) | digit;
            }

            return major;
        }

        public long Number() => Head(out ulong value) switch
        {
            Major.Unsigned when value <= long.MaxValue => (long)value,
            Major.Negative when value <= long.MaxValue => -1 - (long)value,
            _ => throw new InvalidDataException("no whole number"),
        };

        public byte[] Bytes() => Head(out ulong length) == Major.Bytes ? Cut(length).ToArray() : throw new InvalidDataException("no byte string");

        public string Text() => Head(out ulong length) == Major.Text ? Encoding.UTF8.GetString(Cut(length)) : throw new InvalidDataException("no text");

        /// <summary>Tag 1 (RFC 8949 section 3.4.2), whole seconds.</summary>
        public DateTimeOffset? EpochTime()
        {
            if (Next == Major.Tag)
            {
                Head(out _);
            }

            return Number() is >= 0 and < 253_402_300_800 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        }

        /// <summary>A label: text, or a whole number as its digits.</summary>
        public string Label() => Next == Major.Text ? Text() : Number().ToString(System.Globalization.CultureInfo.InvariantCulture);

        public List<string> Labels()
        {
            if (Head(out ulong count) != Major.Array || count > 100)
            {
                throw new InvalidDataException("no list of labels");
            }

            List<string> labels = [];
            for (ulong i = 0; i < count; i++)
            {
                labels.Add(Label());
            }

            return labels;
        }

        /// <summary>A map whose keys are labels.</summary>
        public void Map(Take take)
        {
            if (Head(out ulong count) != Major.Map || count > 1000)
            {
                throw new InvalidDataException("no map");
            }

            for (ulong i = 0; i < count; i++)
            {
                take(Label(), ref this);
            }
        }

        public void Skip(int depth)
        {
            Major major = Head(out ulong value);
            if (depth > MaxDepth)
            {
                throw new InvalidDataException("nested too deep");
            }

            if (major is Major.Bytes or Major.Text)
            {
                Cut(value);
            }

            ulong items = major switch { Major.Array => value, Major.Map => value * 2, Major.Tag => 1, _ => 0 };
            for (ulong i = 0; i < items; i++)
            {
                Skip(depth + 1);
            }
        }

        private ReadOnlySpan<byte> Cut(ulong length)
        {
            if (length > (ulong)(content.Length - at))
            {
                throw new InvalidDataException("cut off");
            }

            ReadOnlySpan<byte> part = content.AsSpan(at, (int)length);
            at += (int)length;
            return part;
        }
    }
}
