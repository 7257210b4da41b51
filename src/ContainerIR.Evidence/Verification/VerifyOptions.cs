namespace ContainerIR.Evidence.Verification;

/// <summary>How a bundle is to be verified.</summary>
/// <param name="CaFile">PEM file with the certificates the examiner trusts: authorities, or the responder's own certificate. Null: no trust is judged.</param>
/// <param name="Progress">Hears how many payload bytes were hashed; null for nobody.</param>
public sealed record VerifyOptions(string? CaFile = null, IProgress<long>? Progress = null)
{
    /// <summary>PEM file with the authorities the examiner trusts for time. Null: tokens are checked, who made them is reported and not judged.</summary>
    public string? TsaCaFile { get; init; }
}
