using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Evidence.Keys;

/// <summary>A responder's identity around a signer that comes from elsewhere than the identity folder.</summary>
public static class SignerIdentity
{
    /// <summary>
    /// Takes the name from the certificate. The checkpoint key is fresh: it need not outlive the bundle, whose signed root lists its public half.
    /// </summary>
    public static ResponderIdentity Of(ISealSigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(signer.Certificates[0]);
        byte[] seed = RandomNumberGenerator.GetBytes(CheckpointKey.KeyBytes);
        return new ResponderIdentity(
            certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), signer, new CheckpointKey(seed), Convert.ToHexStringLower(SHA256.HashData(signer.Certificates[0])));
    }
}
