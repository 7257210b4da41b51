using System.Formats.Asn1;
using System.Security.Cryptography;

namespace ContainerIR.Evidence.Seals;

/// <summary>
/// EncryptedPrivateKeyInfo (RFC 5958) with PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC (RFC 8018). For the Ed25519 key, which .NET has no type
/// for; <c>openssl pkey</c> reads it.
/// </summary>
internal static class EncryptedPkcs8
{
    public const int Iterations = 600_000;

    private const int MaxIterations = 10_000_000;

    public static byte[] Encrypt(ReadOnlySpan<byte> privateKeyInfo, ReadOnlySpan<char> passphrase)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(16);
        byte[] iv = RandomNumberGenerator.GetBytes(16);
        using Aes aes = Aes.Create();
        aes.Key = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, Iterations, HashAlgorithmName.SHA256, 32);
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.Pbes2);
                using (writer.PushSequence())
                {
                    using (writer.PushSequence())
                    {
                        writer.WriteObjectIdentifier(Oids.Pbkdf2);
                        using (writer.PushSequence())
                        {
                            writer.WriteOctetString(salt);
                            writer.WriteInteger(Iterations);
                            using (writer.PushSequence())
                            {
                                writer.WriteObjectIdentifier(Oids.HmacSha256);
                                writer.WriteNull();
                            }
                        }
                    }

                    using (writer.PushSequence())
                    {
                        writer.WriteObjectIdentifier(Oids.Aes256Cbc);
                        writer.WriteOctetString(iv);
                    }
                }
            }

            writer.WriteOctetString(aes.EncryptCbc(privateKeyInfo, iv));
        }

        return writer.Encode();
    }

    /// <exception cref="CryptographicException">The passphrase is wrong, or the file is not one <see cref="Encrypt"/> wrote.</exception>
    public static byte[] Decrypt(ReadOnlyMemory<byte> file, ReadOnlySpan<char> passphrase)
    {
        try
        {
            AsnReader outer = new AsnReader(file, AsnEncodingRules.DER).ReadSequence();
            AsnReader algorithm = outer.ReadSequence();
            Expect(algorithm, Oids.Pbes2);
            AsnReader parameters = algorithm.ReadSequence();
            AsnReader kdf = parameters.ReadSequence();
            Expect(kdf, Oids.Pbkdf2);
            AsnReader kdfParameters = kdf.ReadSequence();
            byte[] salt = kdfParameters.ReadOctetString();
            if (!kdfParameters.TryReadInt32(out int iterations) || iterations is < 1 or > MaxIterations)
            {
                throw new CryptographicException("the iteration count is out of range");
            }

            if (kdfParameters.PeekTag() == Asn1Tag.Integer)
            {
                kdfParameters.ReadInteger(); // keyLength, optional
            }

            Expect(kdfParameters.ReadSequence(), Oids.HmacSha256);
            AsnReader cipher = parameters.ReadSequence();
            Expect(cipher, Oids.Aes256Cbc);
            byte[] iv = cipher.ReadOctetString();
            using Aes aes = Aes.Create();
            aes.Key = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, iterations, HashAlgorithmName.SHA256, 32);
            return aes.DecryptCbc(outer.ReadOctetString(), iv);
        }
        catch (AsnContentException failure)
        {
            throw new CryptographicException("the key file is damaged", failure);
        }
    }

    private static void Expect(AsnReader reader, string oid)
    {
        if (reader.ReadObjectIdentifier() != oid)
        {
            throw new CryptographicException("the key file is encrypted in another way than PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC");
        }
    }
}
