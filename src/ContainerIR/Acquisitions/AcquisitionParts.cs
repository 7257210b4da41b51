namespace ContainerIR.Acquisitions;

/// <summary>What the responder's passphrase is wanted for.</summary>
public enum PassphraseUse
{
    /// <summary>To open the private key that exists.</summary>
    OpenKey,

    /// <summary>To protect a private key that is being made: a person is asked twice.</summary>
    ProtectNewKey,
}

/// <summary>Gives the passphrase of the responder's key: a person, a file or the environment. Called at most once a run, before evidence is read.</summary>
/// <exception cref="ContainerIR.Evidence.OperatorException">There is none to be had.</exception>
public delegate string PassphraseSource(PassphraseUse use);

/// <summary>What an acquisition takes from its surroundings.</summary>
/// <param name="Home">Where cases and keys live.</param>
/// <param name="Passphrase">Opens the responder's key.</param>
/// <param name="Clock">Time.</param>
public sealed record AcquisitionParts(Cases.CaseHome Home, PassphraseSource Passphrase, TimeProvider Clock)
{
    /// <summary>What the bundle is sealed with.</summary>
    public SealMeans Seal { get; init; } = new();
}
