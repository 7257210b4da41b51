using System.Security.Cryptography;
using System.Text;

namespace ContainerIR.Evidence.Seals;

/// <summary>Certificates in PEM (RFC 7468), for <c>openssl -CAfile</c> and <c>-certfile</c>.</summary>
internal static class CertificateFile
{
    public const int MaxBytes = 512 * 1024;

    private const int MaxCertificates = 64;

    public static byte[] Write(IEnumerable<byte[]> certificates)
    {
        StringBuilder text = new();
        foreach (byte[] der in certificates)
        {
            text.Append(PemEncoding.Write("CERTIFICATE", der)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>Every certificate in a text, DER.</summary>
    public static IReadOnlyList<byte[]> Read(string text)
    {
        List<byte[]> certificates = [];
        ReadOnlySpan<char> rest = text;
        while (certificates.Count < MaxCertificates && PemEncoding.TryFind(rest, out PemFields fields))
        {
            if (rest[fields.Label] is "CERTIFICATE")
            {
                certificates.Add(Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            }

            rest = rest[fields.Location.End..];
        }

        return certificates;
    }
}
