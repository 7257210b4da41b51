using ContainerIR.Evidence.Seals;
using ContainerIR.Linux;

namespace ContainerIR.Acquisitions;

/// <summary>The responder identity of a home: opened, or made on first use.</summary>
public static class Responder
{
    /// <summary>Opens the identity the parts name; without one that in the home's keys folder, which is made when there is none.</summary>
    /// <param name="parts">Home, passphrase, seal.</param>
    /// <param name="examiner">Name for a new certificate; null for the login's.</param>
    /// <exception cref="ContainerIR.Evidence.OperatorException">The passphrase is wrong, or the keys cannot be read or made.</exception>
    public static ResponderIdentity Open(AcquisitionParts parts, string? examiner)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Seal.Identity is { } open)
        {
            return open();
        }

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
