using System.Security.Cryptography;

namespace ContainerIR.Evidence.Encryption;

/// <summary>The key derivations of c2sp.org/age: HKDF-SHA-256 and ChaCha20-Poly1305 of the platform.</summary>
internal static class AgeKeys
{
    public const int TagBytes = 16;
    public const int NonceBytes = 16;
    private const int KeyBytes = 32;
    private const int AeadNonceBytes = 12;

    public static byte[] Mac(byte[] fileKey, ReadOnlySpan<byte> header)
    {
        byte[] key = HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, KeyBytes, [], [.. "header"u8]);
        return HMACSHA256.HashData(key, header);
    }

    public static byte[] Payload(byte[] fileKey, byte[] nonce) => HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, KeyBytes, nonce, [.. "payload"u8]);

    public static byte[] Wrap(byte[] shared, byte[] share, byte[] recipient, byte[] fileKey)
    {
        byte[] wrapped = new byte[fileKey.Length + TagBytes];
        using ChaCha20Poly1305 aead = new(WrapKey(shared, share, recipient));
        aead.Encrypt(new byte[AeadNonceBytes], fileKey, wrapped.AsSpan(0, fileKey.Length), wrapped.AsSpan(fileKey.Length));
        return wrapped;
    }

    /// <summary>The file key; null if it is wrapped for somebody else.</summary>
    public static byte[]? Unwrap(byte[] shared, byte[] share, byte[] recipient, byte[] wrapped)
    {
        byte[] fileKey = new byte[wrapped.Length - TagBytes];
        using ChaCha20Poly1305 aead = new(WrapKey(shared, share, recipient));
        try
        {
            aead.Decrypt(new byte[AeadNonceBytes], wrapped.AsSpan(0, fileKey.Length), wrapped.AsSpan(fileKey.Length), fileKey);
            return fileKey;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static byte[] WrapKey(byte[] shared, byte[] share, byte[] recipient) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, KeyBytes, [.. share, .. recipient], [.. "age-encryption.org/v1/X25519"u8]);
}
