using System.Diagnostics;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>A case that several processes use.</summary>
public sealed class A_case_of_several_processes : IDisposable
{
    private static readonly string Cir = Path.Combine(AppContext.BaseDirectory, "cir.dll");

    private readonly TemporaryFolder folder = new();

    private CaseHome Home => new(folder.Path);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Takes_what_all_of_them_write()
    {
        await MakeAsync(logLines: 100);
        const int processes = 6;

        Process[] writers = [.. Enumerable.Range(0, processes).Select(i => Start("case", "note", "IR-7", $"note {i}", "--home", folder.Path))];
        foreach (Process writer in writers)
        {
            await writer.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, writer.ExitCode);
            writer.Dispose();
        }

        using CaseStore store = CaseStore.OpenReadOnly(Home, "IR-7");
        Assert.Equal(Enumerable.Range(0, processes).Select(i => $"note {i}"), CaseReader.ReadOverview(store).Casebook.Notes.Select(note => note.Text).Order(StringComparer.Ordinal));
        Assert.Empty(CasebookCheck.Run(store).Faults);
    }

    [Fact]
    public async Task Loses_nothing_that_was_committed_when_a_writer_is_killed()
    {
        await MakeAsync(logLines: 150_000);
        using (Process note = Start("case", "note", "IR-7", "committed", "--home", folder.Path))
        {
            await note.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        long rows = Rows();
        string log = Path.Combine(Home.FolderOf("IR-7"), "case.db-wal");
        using Process writer = Start("case", "rebuild", "IR-7", "--home", folder.Path);

        // In the middle of its transaction: pages are in the log, none of them committed.
        await RealEngine.Until(() => writer.HasExited || (File.Exists(log) && new FileInfo(log).Length > 1 << 20), "the writer writes");
        Assert.False(writer.HasExited, "the rebuild ended before it could be killed");
        writer.Kill();
        await writer.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(new FileInfo(log).Length > 1 << 20);
        using CaseStore store = CaseStore.Open(Home, "IR-7");
        Assert.Equal(rows, CaseDatabase.Scalar(store.Connection, "SELECT count(*) FROM timeline"));
        Assert.Equal(["committed"], CaseReader.ReadOverview(store).Casebook.Notes.Select(each => each.Text));
        Assert.Empty(CasebookCheck.Run(store).Faults);
    }

    [Theory]
    [InlineData("a read-only mount", "mount --bind '{0}' '{0}'; mount -o remount,ro,bind '{0}'; ! touch '{0}/x' 2>/dev/null; {1}")]
    [InlineData("another user without the right to write", "chmod -R a+rX '{0}'; ! setpriv --reuid=65534 --regid=65534 --clear-groups touch '{0}/cases/IR-7/x' 2>/dev/null; setpriv --reuid=65534 --regid=65534 --clear-groups sh -ec \"{1}\"")]
    public async Task Is_listed_shown_and_searched_where_nothing_can_be_written(string where, string script)
    {
        await MakeAsync(logLines: 100);
        RealEngine.Run("chmod", "755", folder.Path);
        string cir = $"dotnet '{Cir}'";
        string work = string.Join("; ", ((string[])["case list", "case show IR-7", "timeline IR-7 --grep 'GET / 99'", "search IR-7 'GET / 98'", "search all --ip 203.0.113.9"]).Select(command => $"{cir} {command} --home '{folder.Path}'"));

        string said = RealEngine.Run("unshare", "-m", "sh", "-ec", "export HOME=/tmp DOTNET_CLI_HOME=/tmp; " + script.Replace("{0}", folder.Path, StringComparison.Ordinal).Replace("{1}", work, StringComparison.Ordinal));

        Assert.True(said.Contains("stdout: GET / 99", StringComparison.Ordinal) && said.Contains("stdout: GET / 98", StringComparison.Ordinal) && said.Contains("203.0.113.9", StringComparison.Ordinal), $"{where}: {said}");
        Assert.Equal(["case.db"], Directory.GetFiles(Home.FolderOf("IR-7")).Select(path => Path.GetFileName(path)));
    }

    private static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [Cir, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private long Rows()
    {
        using CaseStore store = CaseStore.OpenReadOnly(Home, "IR-7");
        return CaseDatabase.Scalar(store.Connection, "SELECT count(*) FROM timeline");
    }

    private async Task MakeAsync(int logLines)
    {
        using CaseStore store = CaseStore.Create(Home, "IR-7", new CaseFacts("Jane", null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder, logLines: logLines);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
    }
}
