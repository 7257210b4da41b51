using System.Globalization;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using Org.BouncyCastle.Asn1.Cmp;
using Org.BouncyCastle.Asn1.Nist;
using Org.BouncyCastle.Tsp;
using BcCertificate = Org.BouncyCastle.X509.X509Certificate;

namespace ContainerIR.Evidence.Time;

/// <summary>
/// A time-stamp token (RFC 3161): an authority's word that a digest existed at a time. Kept as the whole response, in a file beside what it stamps:
/// <c>openssl ts -verify -data FILE -in FILE.tsr -CAfile CA</c> reads it.
/// </summary>
public sealed record TimestampToken
{
    /// <summary>A larger file is refused; real ones have 2 to 10 KiB.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>The TimeStampResp in DER or BER, as the authority sent it.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    /// <summary>SHA-256 that was stamped, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>genTime: the time the authority vouches for (UTC).</summary>
    public required DateTimeOffset GeneratedAt { get; init; }

    /// <summary>How far genTime may be off, as the authority states it; null where it does not.</summary>
    public TimeSpan? Accuracy { get; init; }

    /// <summary>Object identifier of the authority's policy.</summary>
    public required string Policy { get; init; }

    /// <summary>Subject of the authority's certificate, in display form.</summary>
    public required string Authority { get; init; }

    /// <summary>Serial number of the token, hexadecimal.</summary>
    public required string SerialNumber { get; init; }

    /// <summary>Certificates in the token, DER, the authority's own first.</summary>
    public required IReadOnlyList<byte[]> Certificates { get; init; }

    /// <summary>
    /// Checks a token file against a digest: status granted, imprint, signature, the certificate bound by ESSCertID, valid at genTime, and its
    /// extendedKeyUsage timeStamping alone and critical (RFC 3161 section 2.3). Trust in the certificate is another question: <see cref="WhyNotAnchored"/>.
    /// </summary>
    /// <param name="file">The content of a <c>.tsr</c> file.</param>
    /// <param name="sha256">SHA-256 of what it must stamp.</param>
    /// <exception cref="FormatException">It is no good token over this digest; the message says why.</exception>
    public static TimestampToken Verify(ReadOnlyMemory<byte> file, ReadOnlySpan<byte> sha256) => Verify(file, sha256, null);

    /// <summary>Why the authority's certificate does not lead to one of the anchors at the time it states; null when it does.</summary>
    /// <param name="anchors">DER certificates the examiner trusts for time.</param>
    public string? WhyNotAnchored(IReadOnlyList<byte[]> anchors) => SignerTrust.WhyNotAnchored(Certificates, anchors, GeneratedAt, Oids.TimeStamping);

    /// <summary>As above; where the request is known, the answer must also be to it (nonce, policy).</summary>
    internal static TimestampToken Verify(ReadOnlyMemory<byte> file, ReadOnlySpan<byte> sha256, TimeStampRequest? request)
    {
        if (file.Length > MaxBytes)
        {
            throw new FormatException($"it has more than {MaxBytes} bytes");
        }

        Asn1Shape.Check(file.Span);
        byte[] digest = sha256.ToArray();
        try
        {
            return Read(file, digest, request);
        }
        catch (Exception failure) when (failure is not (FormatException or OutOfMemoryException))
        {
            // The parser behind this answers malformed input with exceptions of many kinds, casts and indices among them: each means "no token".
            throw new FormatException($"it is no good time-stamp token: {DisplayText.Shorten(failure.Message, 200)}", failure);
        }
    }

    private static TimestampToken Read(ReadOnlyMemory<byte> file, byte[] digest, TimeStampRequest? request)
    {
        TimeStampResponse response = new(file.ToArray());
        if (response.Status is not ((int)PkiStatus.Granted or (int)PkiStatus.GrantedWithMods))
        {
            throw new FormatException($"the authority refused: status {response.Status} {DisplayText.Shorten(response.GetStatusString() ?? "", 200)}".TrimEnd());
        }

        if (request is not null)
        {
            response.Validate(request);
        }

        TimeStampToken token = response.TimeStampToken ?? throw new FormatException("it holds no token");
        TimeStampTokenInfo info = token.TimeStampInfo;
        if (info.MessageImprintAlgOid != NistObjectIdentifiers.IdSha256.Id || !info.GetMessageImprintDigest().AsSpan().SequenceEqual(digest))
        {
            throw new FormatException("it stamps other content");
        }

        List<BcCertificate> certificates = [.. token.GetCertificates().EnumerateMatches(null)];
        BcCertificate signer = certificates.Find(token.SignerID.Match) ?? throw new FormatException("the authority's certificate is not in it");
        token.Validate(signer);
        certificates.Remove(signer);
        DateTimeOffset at = new(DateTime.SpecifyKind(info.GenTime, DateTimeKind.Utc));
        return new TimestampToken
        {
            Encoded = file,
            Sha256 = Convert.ToHexStringLower(digest),
            GeneratedAt = at,
            Accuracy = AccuracyOf(info),
            Policy = info.Policy,
            Authority = DisplayText.Escape(signer.SubjectDN.ToString()),
            SerialNumber = info.SerialNumber.ToString(16),
            Certificates = [signer.GetEncoded(), .. certificates.Select(certificate => certificate.GetEncoded())],
        };
    }

    private static TimeSpan? AccuracyOf(TimeStampTokenInfo info) =>
        info.GenTimeAccuracy is { } accuracy
            ? TimeSpan.FromSeconds(accuracy.Seconds) + TimeSpan.FromMilliseconds(accuracy.Millis) + TimeSpan.FromMicroseconds(accuracy.Micros)
            : null;

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{GeneratedAt.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.FFF'Z'} by {Authority}, serial {SerialNumber}");
}
