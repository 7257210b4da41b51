using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Playbooks.Runs;

/// <summary>A person who may approve.</summary>
/// <param name="Name">Name in the certificate.</param>
/// <param name="Sha256">Fingerprint of the certificate.</param>
/// <param name="Roles">Roles of the person.</param>
/// <param name="Certificate">The certificate, DER.</param>
internal sealed record Approver(string Name, string Sha256, IReadOnlyList<string> Roles, byte[] Certificate);

/// <summary>Who may approve in which role: <c>HOME/approvers/ROLE/FINGERPRINT.pem</c>, the certificates of the approvers' own keys. No private key lies here.</summary>
internal sealed class ApproverRoster(string folder)
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>Every approver, by name.</summary>
    public IReadOnlyList<Approver> List()
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        List<(string Role, byte[] Certificate)> found = [];
        foreach (string role in Directory.EnumerateDirectories(folder))
        {
            foreach (string file in Directory.EnumerateFiles(role, "*.pem").Where(file => new FileInfo(file).Length <= MaxBytes))
            {
                found.Add((Path.GetFileName(role), Parse(File.ReadAllBytes(file))));
            }
        }

        return [.. found.GroupBy(entry => Convert.ToHexStringLower(SHA256.HashData(entry.Certificate)))
            .Select(group => new Approver(NameOf(group.First().Certificate), group.Key, [.. group.Select(entry => entry.Role).Distinct().Order(StringComparer.Ordinal)], group.First().Certificate))
            .OrderBy(approver => approver.Name, StringComparer.Ordinal)];
    }

    /// <summary>Lets the owner of a certificate approve in a role.</summary>
    /// <exception cref="OperatorException">It is no certificate with an ECDSA P-256 key, or the role is no slug.</exception>
    public Approver Add(string role, string pem)
    {
        if (!PlaybookLoader.SlugForm().IsMatch(role))
        {
            throw new OperatorException($"'{DisplayText.Shorten(role, 60)}' is no role.", $"A role is the name of an agent in playbooks: {PlaybookLoader.SlugWords}.");
        }

        byte[] certificate = Parse(System.Text.Encoding.UTF8.GetBytes(pem));
        using X509Certificate2 parsed = X509CertificateLoader.LoadCertificate(certificate);
        using ECDsa? key = parsed.GetECDsaPublicKey();
        if (key is null || key.KeySize != 256)
        {
            throw new OperatorException("The certificate's key is no ECDSA P-256 key.", "The approver makes one with: cir keys new --home DIR");
        }

        string sha256 = Convert.ToHexStringLower(SHA256.HashData(certificate));
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, role), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.WriteAllText(Path.Combine(folder, role, sha256 + ".pem"), parsed.ExportCertificatePem() + "\n");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The approver cannot be written: {failure.Message}", "Run as the owner of the home.", failure);
        }

        return new Approver(NameOf(certificate), sha256, [role], certificate);
    }

    /// <summary>Judges a vote.</summary>
    /// <param name="vote">The vote.</param>
    /// <param name="challenge">What was to be signed.</param>
    /// <param name="terms">Who may.</param>
    /// <param name="person">The operator, who may be excluded.</param>
    /// <param name="at">Now.</param>
    /// <returns>The approver, or why the vote does not count.</returns>
    public (Approver? Approver, string? Fault) Judge(SignedVote vote, byte[] challenge, Approval terms, Operator person, DateTimeOffset at)
    {
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(vote.Certificate));
        if (List().FirstOrDefault(each => each.Sha256 == sha256) is not { } approver)
        {
            return (null, $"the key sha256:{sha256[..16]}… is not that of an approver; add it: cir playbook approvers --add FILE --role {terms.Roles[0]}");
        }

        if (!approver.Roles.Intersect(terms.Roles).Any())
        {
            return (null, $"{approver.Name} is {string.Join(", ", approver.Roles)}, and {string.Join(" or ", terms.Roles)} must approve");
        }

        if (terms.ExcludeOperator && (approver.Sha256 == person.CertificateSha256 || string.Equals(approver.Name, person.Name, StringComparison.OrdinalIgnoreCase)))
        {
            return (null, $"{approver.Name} sits at the keyboard and does not count here");
        }

        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(approver.Certificate);
        if (at < certificate.NotBefore.ToUniversalTime() || at > certificate.NotAfter.ToUniversalTime())
        {
            return (null, $"the certificate of {approver.Name} is not valid now");
        }

        using ECDsa key = certificate.GetECDsaPublicKey()!;
        return key.VerifyData(SignedVote.ToSign(challenge, vote.Approves), vote.Signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            ? (approver, null)
            : (null, $"the signature is not one of {approver.Name} over this question");
    }

    private static byte[] Parse(byte[] pem)
    {
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(pem);
            return certificate.RawData;
        }
        catch (CryptographicException failure)
        {
            throw new OperatorException("An approver's file holds no certificate.", "Give the approver's responder-cert.pem (cir keys show prints it).", failure);
        }
    }

    private static string NameOf(byte[] der)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
        return DisplayText.Shorten(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), 100);
    }
}
