using System.Diagnostics;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Published;

/// <summary>The published file alone in an empty root file system: no library, no /proc, no /etc.</summary>
public sealed class On_a_bare_host : IDisposable
{
    private readonly TemporaryFolder root = new();

    public On_a_bare_host() => File.Copy(PublishedFile.FullPath, Path.Combine(root.Path, "cir"));

    public void Dispose() => root.Dispose();

    [Fact]
    public void Says_its_version()
    {
        (int exit, string output) = Run("--version");

        Assert.Equal(0, exit);
        Assert.Matches(@"^cir \d+\.\d+\.\d+\S*\n$", output);
    }

    [Fact]
    public void Doctor_says_that_it_needs_no_library_and_what_is_missing_for_an_acquisition()
    {
        (int exit, string output) = Run("doctor");

        Assert.Equal(2, exit);
        Assert.Contains("needs no library", output, StringComparison.Ordinal);
        Assert.Contains("FAIL  Container engine", output, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Verifies_a_bundle()
    {
        await SomeBundle.SmallAsync(root);
        string name = Path.GetFileName(Directory.GetDirectories(root.Path).Single());

        (int exit, string output) = Run("verify", "/" + name);

        Assert.True(exit == 0, output);
        Assert.Contains("VERIFIED", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tells_a_changed_bundle()
    {
        await SomeBundle.SmallAsync(root);
        string bundle = Directory.GetDirectories(root.Path).Single();
        await File.AppendAllTextAsync(Path.Combine(bundle, "journal.jsonl"), "x");

        (int exit, string output) = Run("verify", "/" + Path.GetFileName(bundle));

        Assert.True(exit == 3, output);
        Assert.Contains("TAMPERED", output, StringComparison.Ordinal);
    }

    private (int Exit, string Output) Run(params string[] arguments)
    {
        ProcessStartInfo start = new("chroot", [root.Path, "/cir", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
