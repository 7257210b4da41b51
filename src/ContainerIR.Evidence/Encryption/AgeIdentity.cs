using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace ContainerIR.Evidence.Encryption;

/// <summary>The secret that opens age files: an X25519 scalar, written <c>AGE-SECRET-KEY-1…</c> (c2sp.org/age). Wiped on disposal.</summary>
public sealed class AgeIdentity : IDisposable
{
    private const string Prefix = "age-secret-key-";

    private readonly byte[] scalar;

    private AgeIdentity(byte[] scalar)
    {
        this.scalar = scalar;
        byte[] point = new byte[X25519.PointSize];
        X25519.ScalarMultBase(scalar, 0, point, 0);
        Recipient = new AgeRecipient(point);
    }

    /// <summary>To whom a file must be encrypted so that this opens it.</summary>
    public AgeRecipient Recipient { get; }

    /// <summary>A new random identity.</summary>
    public static AgeIdentity Generate() => new(RandomNumberGenerator.GetBytes(X25519.ScalarSize));

    /// <summary>Reads <c>AGE-SECRET-KEY-1…</c>; null if it is none. The text is never repeated in a message: it may be a mistyped secret.</summary>
    public static AgeIdentity? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[]? scalar = Bech32.Decode(Prefix, text);
        return scalar is { Length: X25519.ScalarSize } && !text.Any(char.IsLower) ? new AgeIdentity(scalar) : null;
    }

    /// <summary>The secret as age-keygen prints it. For an identity file, nothing else.</summary>
    internal string EncodeSecret() => Bech32.Encode(Prefix, scalar).ToUpperInvariant();

    /// <summary>The shared secret with an ephemeral share; null if it is all zero (c2sp.org/age: the identity must then abort).</summary>
    internal byte[]? Agree(byte[] share)
    {
        byte[] secret = new byte[X25519.PointSize];
        return X25519.CalculateAgreement(scalar, 0, share, 0, secret, 0) ? secret : null;
    }

    /// <summary>Names the recipient, never the secret.</summary>
    public override string ToString() => $"identity of {Recipient}";

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(scalar);
}
