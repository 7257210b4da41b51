using System.Security.Cryptography;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>An archived case.</summary>
public sealed class An_archived_case : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly SomeTerminal terminal = new();

    public void Dispose()
    {
        terminal.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Is_one_tar_that_stock_tools_check_and_that_becomes_a_case_again()
    {
        string tar = Path.Combine(folder.Path, "ir-7.tar");
        await MakeAsync();
        Assert.Equal(2, await terminal.RunAsync("case", "archive", "IR-7", "--out", tar));
        Assert.Contains("cir case close IR-7", terminal.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(tar));
        await terminal.RunAsync("case", "close", "IR-7", "--reason", "done");
        terminal.Forget();

        Assert.Equal(0, await terminal.RunAsync("case", "archive", "IR-7", "--out", tar));

        Assert.Equal($"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(tar)))}  {tar}", terminal.Out.Trim());
        Assert.Equal([tar], Directory.GetFileSystemEntries(folder.Path).Where(path => path.Contains("ir-7", StringComparison.Ordinal)));
        string cases = Path.Combine(folder.Path, "home", "cases");
        Directory.CreateDirectory(cases);
        RealEngine.Run("sh", "-ec", $"cd '{cases}'; tar -xf '{tar}'; cd IR-7; sha256sum --check --strict --quiet manifest-sha256.txt; test $(find . -type f ! -path ./manifest-sha256.txt | wc -l) = $(wc -l < manifest-sha256.txt); test -z \"$(find . -type l)\"");
        using CaseStore again = CaseStore.OpenReadOnly(new CaseHome(Path.Combine(folder.Path, "home")), "IR-7");
        using CaseStore before = CaseStore.OpenReadOnly(new CaseHome(terminal.Home), "IR-7");
        Assert.Equal(CaseReader.ReadOverview(before).Bundles.Select(bundle => bundle.RootSha256), CaseReader.ReadOverview(again).Bundles.Select(bundle => bundle.RootSha256));
        Assert.Empty(CasebookCheck.Run(again).Faults);
        VerificationReport report = await BundleVerifier.VerifyAsync(again.ListBundles()[0], new VerifyOptions(null), CancellationToken.None);
        Assert.Equal(Verdict.Verified, report.Verdict);
        Assert.Equal(2, await terminal.RunAsync("case", "archive", "IR-7", "--out", tar));
    }

    // Kept elsewhere: in the case stands a link.
    private async Task MakeAsync()
    {
        using CaseStore store = CaseStore.Create(new CaseHome(terminal.Home), "IR-7", new CaseFacts("Jane", null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(folder.Path);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
    }
}
