using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Collectors;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using ContainerIR.Tests.Time;
using Xunit;

namespace ContainerIR.Tests.Acquisitions;

/// <summary>A real container, acquired while time-stamp authorities answer, fail, or never come back.</summary>
public sealed class An_acquisition_with_authorities : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Is_stamped_over_its_first_lines_and_over_its_seal()
    {
        TimestampKeys keys = new(folder);
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);

        AcquisitionResult result = await AcquireAsync(TimeSpan.FromSeconds(30), new SealPolicy(TimestampPolicy.Required), authority.Url);

        Assert.Null(result.TimestampFault);
        VerificationReport report = await BundleVerifier.VerifyAsync(result.BundlePath, new VerifyOptions { TsaCaFile = keys.CaPath }, CancellationToken.None);
        Assert.True(report.Verdict == Verdict.Verified, string.Join('\n', report.Failures));
        Assert.Equal(["journal.jsonl line", "seal/0001-responder.p7s.tsr"], report.Tokens.Select(token => token.File.TrimEnd("0123456789 ".ToCharArray())).Order(StringComparer.Ordinal));
        Assert.All(report.Tokens, token => Assert.True(token.IsAnchored));
        (int exit, string output) = The_verify_script.Run(result.BundlePath, "--tsa-ca", keys.CaPath);
        Assert.True(exit == 0, output);
        Assert.Contains("tokens in the journal are over lines before them", output, StringComparison.Ordinal);
        string custody = await File.ReadAllTextAsync(Path.Combine(result.BundlePath, "custody.json"));
        foreach (string field in (string[])["clock_source", "synchronisation", "offset_ns", "max_error_us", "monotonic_ns", "boottime_ns", "clock_steps", "clock_readings"])
        {
            Assert.Contains($"\"{field}\"", custody, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Has_a_gap_and_is_not_held_up_where_nobody_answers()
    {
        // Takes the question and keeps silent, for as long as the test runs.
        await using LoopbackAuthority silent = new((_, _, ct) => Task.Delay(Timeout.Infinite, ct));

        AcquisitionResult result = await AcquireAsync(TimeSpan.FromMilliseconds(300), new SealPolicy(), silent.Url);

        Assert.Contains(result.Gaps, gap => gap.Collector == "acquirer" && gap.Sought.Contains("time-stamp token", StringComparison.Ordinal) && gap.Reason.Contains("no whole answer within", StringComparison.Ordinal));
        Assert.NotNull(result.TimestampFault);
        VerificationReport report = await BundleVerifier.VerifyAsync(result.BundlePath, new VerifyOptions(), CancellationToken.None);
        Assert.Equal(Verdict.Verified, report.Verdict);
        Assert.Empty(report.Tokens);
    }

    private async Task<AcquisitionResult> AcquireAsync(TimeSpan timeout, SealPolicy policy, params string[] authorities)
    {
        using TestContainer container = RealEngine.Start([], "sleep", "1000");
        CaseHome home = new(Path.Combine(folder.Path, "home"));
        CaseStore.Create(home, "IR-7", new CaseFacts("Jane", null), TimeProvider.System).Dispose();
        using TimestampClient client = TimestampClient.Parse(authorities, timeout);
        AcquisitionParts parts = new(home, _ => "not needed", TimeProvider.System)
        {
            Seal = new SealMeans { Policy = policy, Authorities = client, Identity = () => SomeBundle.Identity },
        };
        AcquisitionRequest request = new() { Container = container.Id, CaseId = "IR-7", Profile = Profile.Triage, Endpoint = RealEngine.Endpoint };
        return await Acquirer.RunAsync(request, parts, null, CancellationToken.None);
    }
}
