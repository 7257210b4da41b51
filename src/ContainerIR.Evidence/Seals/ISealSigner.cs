namespace ContainerIR.Evidence.Seals;

/// <summary>Holds, or reaches, an ECDSA P-256 private key and the certificate for it.</summary>
public interface ISealSigner
{
    /// <summary>DER certificates: the signer's own first, then those that issued it, as far as known.</summary>
    IReadOnlyList<byte[]> Certificates { get; }

    /// <summary>Signs content with ECDSA P-256 over its SHA-256.</summary>
    /// <returns>The signature in DER (RFC 3279 section 2.2.3).</returns>
    byte[] Sign(ReadOnlySpan<byte> content);
}
