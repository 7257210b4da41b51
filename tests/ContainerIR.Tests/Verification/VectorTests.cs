using System.Text.Json;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Verification;

/// <summary>Each bundle of tests/vectors, by our verifier and by the script.</summary>
public sealed class A_vector
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "vectors");

    public static TheoryData<string> Names() => [.. Directory.EnumerateDirectories(Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Gets_the_verdict_it_must_get(string name)
    {
        using JsonDocument expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Folder, name, "expected.json")));
        string verdict = expected.RootElement.GetProperty("verdict").GetString()!;
        string? ca = expected.RootElement.TryGetProperty("ca", out JsonElement file) ? Path.Combine(Folder, name, file.GetString()!) : null;
        string bundle = Path.Combine(Folder, name, "bundle");

        VerificationReport report = await BundleVerifier.VerifyAsync(bundle, new VerifyOptions(ca), CancellationToken.None);

        string found = string.Join('\n', report.Failures);
        Assert.True(string.Equals(verdict, report.Verdict.ToString(), StringComparison.OrdinalIgnoreCase), found);
        Assert.Equal(
            expected.RootElement.GetProperty("failures").EnumerateArray().Select(failure => $"{failure.GetProperty("check")} {failure.GetProperty("file")}").Order(StringComparer.Ordinal),
            report.Failures.Select(failure => $"{failure.Check} {failure.File}").Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Gets_it_from_the_script_too_in_any_shell(string name)
    {
        using JsonDocument expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Folder, name, "expected.json")));
        if (expected.RootElement.TryGetProperty("script_needs", out JsonElement needs))
        {
            Assert.SkipUnless(RealEngine.Run("openssl", "list", "-signature-algorithms").Contains("ML-DSA-65", StringComparison.OrdinalIgnoreCase), $"the script needs {needs} for it");
        }

        string verdict = expected.RootElement.GetProperty("verdict").GetString()!;
        string[] arguments = expected.RootElement.TryGetProperty("ca", out JsonElement file) ? ["--ca", Path.Combine(Folder, name, file.GetString()!)] : [];

        // The good ones by both shells; the others by one of them, for there are many.
        string[][] shells = name.StartsWith("good", StringComparison.Ordinal) ? [["dash"], ["busybox", "sh"]] : name.Length % 2 == 0 ? [["dash"]] : [["busybox", "sh"]];
        foreach (string[] shell in shells)
        {
            (int exit, string output) = The_verify_script.RunBy(shell, Path.Combine(Folder, name, "bundle"), arguments);

            Assert.True(output.EndsWith($"VERDICT: {verdict.ToUpperInvariant()}\n", StringComparison.Ordinal), output);
            Assert.Equal(verdict == "verified" ? 0 : 3, exit);
        }
    }

    [Fact]
    public void Is_there_for_each_rule_of_the_format() => Assert.True(Directory.EnumerateDirectories(Folder).Count() >= 45);
}
