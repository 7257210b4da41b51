using Org.BouncyCastle.Math.EC.Rfc7748;

namespace ContainerIR.Evidence.Encryption;

/// <summary>Whom an age file is encrypted to: an X25519 public key, written <c>age1…</c> (c2sp.org/age).</summary>
public sealed class AgeRecipient
{
    private const string Prefix = "age";

    private readonly byte[] point;

    internal AgeRecipient(byte[] point)
    {
        this.point = point;
    }

    internal byte[] Point => point;

    /// <summary>Reads <c>age1…</c> as age-keygen prints it.</summary>
    /// <exception cref="OperatorException">It is none.</exception>
    public static AgeRecipient Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[]? point = Bech32.Decode(Prefix, text.Trim());
        if (point is not { Length: X25519.PointSize } || !IsUsable(point))
        {
            throw new OperatorException(
                $"'{Text.DisplayText.Shorten(text, 80)}' is no age X25519 recipient.",
                "Copy the whole line age1… that age-keygen printed at the receiver (62 characters).");
        }

        return new AgeRecipient(point);
    }

    /// <summary>The recipient as age-keygen prints it.</summary>
    public override string ToString() => Bech32.Encode(Prefix, point);

    // RFC 7748 section 6.1: with a point of small order every shared secret is zero, and anybody can open the file.
    private static bool IsUsable(byte[] point)
    {
        byte[] scalar = new byte[X25519.ScalarSize];
        scalar[0] = 8;
        return X25519.CalculateAgreement(scalar, 0, point, 0, new byte[X25519.PointSize], 0);
    }
}
