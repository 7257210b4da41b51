namespace ContainerIR.Evidence.Seals;

/// <summary>Object identifiers of the formats we write, each with the document that assigns it.</summary>
internal static class Oids
{
    public const string Data = "1.2.840.113549.1.7.1"; // RFC 5652 section 4
    public const string SignedData = "1.2.840.113549.1.7.2"; // RFC 5652 section 5.1
    public const string ContentType = "1.2.840.113549.1.9.3"; // RFC 5652 section 11.1
    public const string MessageDigest = "1.2.840.113549.1.9.4"; // RFC 5652 section 11.2
    public const string SigningTime = "1.2.840.113549.1.9.5"; // RFC 5652 section 11.3
    public const string SigningCertificateV2 = "1.2.840.113549.1.9.16.2.47"; // RFC 5035 section 3
    public const string Sha256 = "2.16.840.1.101.3.4.2.1"; // RFC 5754 section 2.2
    public const string EcdsaWithSha256 = "1.2.840.10045.4.3.2"; // RFC 5758 section 3.2
    public const string P256 = "1.2.840.10045.3.1.7"; // RFC 5480 section 2.1.1.1
    public const string EmailProtection = "1.3.6.1.5.5.7.3.4"; // RFC 5280 section 4.2.1.12
    public const string TimeStamping = "1.3.6.1.5.5.7.3.8"; // RFC 3161 section 2.3
    public const string Ed25519 = "1.3.101.112"; // RFC 8410 section 3
    public const string Pbes2 = "1.2.840.113549.1.5.13"; // RFC 8018 appendix A.4
    public const string Pbkdf2 = "1.2.840.113549.1.5.12"; // RFC 8018 appendix A.2
    public const string HmacSha256 = "1.2.840.113549.2.9"; // RFC 8018 appendix B.1.2
    public const string Aes256Cbc = "2.16.840.1.101.3.4.1.42"; // RFC 8018 appendix B.2.5
}
