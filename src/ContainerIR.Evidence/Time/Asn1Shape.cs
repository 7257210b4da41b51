using System.Formats.Asn1;

namespace ContainerIR.Evidence.Time;

/// <summary>Whether bytes are one BER value of sane depth. A recursive parser behind this cannot be driven out of its stack.</summary>
internal static class Asn1Shape
{
    private const int MaxDepth = 40;
    private const int ConstructedBit = 0x20;

    /// <exception cref="FormatException">They are not.</exception>
    public static void Check(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Asn1Tag.Decode(bytes, out _);
            AsnDecoder.ReadEncodedValue(bytes, AsnEncodingRules.BER, out _, out _, out int consumed);
            if (consumed != bytes.Length)
            {
                throw new FormatException("something follows its end");
            }

            CheckDepth(bytes, MaxDepth);
        }
        catch (AsnContentException failure)
        {
            throw new FormatException($"it is not ASN.1: {failure.Message}", failure);
        }
    }

    private static void CheckDepth(ReadOnlySpan<byte> values, int depth)
    {
        if (depth == 0)
        {
            throw new FormatException($"it is nested deeper than {MaxDepth} levels");
        }

        while (!values.IsEmpty)
        {
            AsnDecoder.ReadEncodedValue(values, AsnEncodingRules.BER, out int start, out int length, out int consumed);
            if ((values[0] & ConstructedBit) != 0)
            {
                CheckDepth(values.Slice(start, length), depth - 1);
            }

            values = values[consumed..];
        }
    }
}
