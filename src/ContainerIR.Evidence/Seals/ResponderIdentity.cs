using ContainerIR.Evidence.Keys;

namespace ContainerIR.Evidence.Seals;

/// <summary>The keys a responder seals with: one for signatures, one for checkpoints.</summary>
/// <param name="Name">Common name of the certificate.</param>
/// <param name="Signer">Signs bundles.</param>
/// <param name="Checkpoints">Signs checkpoints of journals.</param>
/// <param name="CertificateSha256">SHA-256 of the signer's certificate, lower-case hexadecimal: its fingerprint.</param>
public sealed record ResponderIdentity(string Name, ISealSigner Signer, CheckpointKey Checkpoints, string CertificateSha256)
{
    /// <summary>Signs a second time with ML-DSA-65, where the sealed policy says so; null for a responder without such a key.</summary>
    public MlDsaSigner? PostQuantum { get; init; }
}
