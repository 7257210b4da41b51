using ContainerIR.Evidence.Seals;
using ContainerIR.Linux;

namespace ContainerIR.Acquisitions;

/// <summary>The responder identity of a home: opened, or made on first use.</summary>
public static class Responder
{
    /// <summary>Opens the identity in the home's keys folder; makes it when there is none.</summary>
    /// <param name="parts">Home and passphrase.</param>
    /// <param name="examiner">Name for a new certificate; null for the login's.</param>
    /// <exception cref="ContainerIR.Evidence.OperatorException">The passphrase is wrong, or the keys cannot be read or made.</exception>
    public static ResponderIdentity Open(AcquisitionParts parts, string? examiner)
    {
        ArgumentNullException.ThrowIfNull(parts);
        string folder = parts.Home.KeysFolder;
        return IdentityFolder.Exists(folder)
            ? IdentityFolder.Load(folder, parts.Passphrase(PassphraseUse.OpenKey))
            : IdentityFolder.Create(folder, SubjectOf(examiner), parts.Passphrase(PassphraseUse.ProtectNewKey), parts.Clock.GetUtcNow());
    }

    /// <summary>Whom a new certificate names: the examiner given, else the login behind the session.</summary>
    public static ResponderSubject SubjectOf(string? examiner)
    {
        if (!string.IsNullOrWhiteSpace(examiner))
        {
            return new ResponderSubject(examiner);
        }

        LocalLogin login = Accounts.Current();
        return new ResponderSubject(login.SudoUser ?? login.LoginName ?? login.Name ?? "uid " + login.Uid);
    }
}
