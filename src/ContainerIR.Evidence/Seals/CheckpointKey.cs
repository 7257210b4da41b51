using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace ContainerIR.Evidence.Seals;

/// <summary>An Ed25519 key for signed notes (c2sp.org/signed-note).</summary>
public sealed class CheckpointKey
{
    /// <summary>Size of a private and of a public key.</summary>
    public const int KeyBytes = 32;

    private const byte Ed25519Type = 1;
    private readonly byte[] seed;

    /// <summary>Takes the 32-byte private key (RFC 8032 section 5.1.5).</summary>
    public CheckpointKey(ReadOnlySpan<byte> seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, KeyBytes);
        this.seed = seed.ToArray();
        byte[] publicKey = new byte[KeyBytes];
        Ed25519.GeneratePublicKey(this.seed, 0, publicKey, 0);
        PublicKey = publicKey;
    }

    /// <summary>The public key.</summary>
    public IReadOnlyList<byte> PublicKey { get; }

    internal ReadOnlySpan<byte> Seed => seed;

    internal byte[] Sign(byte[] message)
    {
        byte[] signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }

    /// <summary>The verifier key of a note: name, key hash, type and key.</summary>
    internal string VerifierKey(string name)
    {
        byte[] typed = [Ed25519Type, .. PublicKey];
        return $"{name}+{Convert.ToHexStringLower(KeyHash(name, typed))}+{Convert.ToBase64String(typed)}";
    }

    internal static byte[] KeyHash(string name, byte[] typedKey) => SHA256.HashData([.. Encoding.ASCII.GetBytes(name + "\n"), .. typedKey])[..4];

    internal byte[] KeyHash(string name) => KeyHash(name, [Ed25519Type, .. PublicKey]);

    /// <summary>Whether an Ed25519 signature (RFC 8032 section 5.1.7) is of a public key of 32 bytes.</summary>
    public static bool Verify(byte[] publicKey, byte[] message, byte[] signature)
    {
        ArgumentNullException.ThrowIfNull(publicKey);
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(signature);
        return publicKey.Length == KeyBytes && signature.Length == Ed25519.SignatureSize
            && Ed25519.Verify(signature, 0, publicKey, 0, message, 0, message.Length);
    }
}
