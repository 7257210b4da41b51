namespace ContainerIR.Acquisitions;

/// <summary>Runs one acquisition from the first request to the engine to the filled index.</summary>
public sealed class Acquirer
{
    /// <summary>Not wired yet: collectors and seal come together here.</summary>
    /// <exception cref="ContainerIR.Evidence.OperatorException">Always, for now.</exception>
    public static Task<AcquisitionResult> RunAsync(
        AcquisitionRequest request, AcquisitionParts parts, IProgress<AcquisitionProgress>? progress, CancellationToken ct) =>
        throw new ContainerIR.Evidence.OperatorException("This build cannot acquire yet.", "Use a build in which the collectors are wired.");
}
