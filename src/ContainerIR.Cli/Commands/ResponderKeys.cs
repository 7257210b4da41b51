using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary>The responder identity of a home: made with a notice nobody overlooks, shown without its passphrase.</summary>
internal static class ResponderKeys
{
    /// <summary>Makes an identity on first use.</summary>
    /// <param name="surroundings">Where the notice goes.</param>
    /// <param name="home">Where the keys live.</param>
    /// <param name="examiner">Whom the certificate names; null for the machine's responder.</param>
    /// <param name="passphrases">Protects the new keys.</param>
    public static void MakeOnFirstUse(Surroundings surroundings, CaseHome home, string? examiner, Passphrases passphrases)
    {
        if (IdentityFolder.Exists(home.KeysFolder))
        {
            return;
        }

        // Asked for before the others wait: a person may take long to answer.
        passphrases.Read(PassphraseUse.ProtectNewKey);
        using IDisposable alone = home.Lock();
        if (!IdentityFolder.Exists(home.KeysFolder))
        {
            surroundings.Say("There is no responder key yet: one is made now. It signs the bundles sealed on this machine.");
            KeysJson made = Make(home, Responder.SubjectOf(examiner), passphrases, surroundings.Clock);
            surroundings.Say($"  certificate  {made.Subject}, valid until {made.NotAfter:yyyy-MM-dd}");
            surroundings.Say($"  fingerprint  sha256 {made.CertificateSha256}");
            surroundings.Say($"  kept in      {DisplayText.Escape(home.KeysFolder)} (encrypted with the passphrase you gave)");
            surroundings.Say("  Give the fingerprint to whoever will verify your bundles, by another way than the bundle.");
        }
    }

    public static KeysJson Make(CaseHome home, ResponderSubject subject, Passphrases passphrases, TimeProvider clock)
    {
        string passphrase = passphrases.Read(PassphraseUse.ProtectNewKey);
        CaseHome.MakePrivate(home.Path);
        ResponderIdentity identity = IdentityFolder.Create(home.KeysFolder, subject, passphrase, clock.GetUtcNow());
        (identity.Signer as IDisposable)?.Dispose();
        return Read(home);
    }

    /// <exception cref="ContainerIR.Evidence.OperatorException">There is no identity.</exception>
    public static KeysJson Read(CaseHome home)
    {
        byte[] der = IdentityFolder.ReadCertificates(home.KeysFolder)[0];
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
        return new KeysJson(
            home.KeysFolder,
            DisplayText.Escape(certificate.Subject),
            DisplayText.Escape(certificate.Issuer),
            Convert.ToHexStringLower(SHA256.HashData(der)),
            certificate.NotBefore.ToUniversalTime(),
            certificate.NotAfter.ToUniversalTime(),
            certificate.ExportCertificatePem())
        {
            MlDsa65CertificateSha256 = MlDsaSigner.ReadCertificate(home.KeysFolder) is { } second ? Convert.ToHexStringLower(SHA256.HashData(second)) : null,
        };
    }
}

/// <summary>What <c>cir keys show --json</c> prints.</summary>
internal sealed record KeysJson(
    string Folder, string Subject, string Issuer, string CertificateSha256, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string CertificatePem)
{
    /// <summary>Fingerprint of the second, post-quantum certificate; null where there is none.</summary>
    public string? MlDsa65CertificateSha256 { get; init; }
}
