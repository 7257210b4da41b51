using ContainerIR.Acquisitions;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Acquisitions;

/// <summary>Several acquisitions of one container begun in the same second, as branches of a playbook and two responders do.</summary>
public sealed class Acquisitions_at_once
{
    [Fact]
    public async Task Each_make_a_bundle_of_their_own_in_the_same_case()
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        using SomeAcquisition acquisition = new();
        AcquisitionRequest request = new() { Container = container.Id, CaseId = SomeAcquisition.CaseId, Profile = Profile.Triage };
        await acquisition.RunAsync(request); // makes the responder's key

        AcquisitionResult[] results = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => acquisition.RunAsync(request))));

        Assert.Equal(3, results.Select(result => result.BundlePath).Distinct(StringComparer.Ordinal).Count());
        foreach (AcquisitionResult result in results)
        {
            Assert.Null(result.IndexProblem);
            Assert.Empty((await BundleVerifier.VerifyAsync(result.BundlePath, new VerifyOptions(), CancellationToken.None)).Failures);
        }
    }
}
