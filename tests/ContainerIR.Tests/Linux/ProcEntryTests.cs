using System.Diagnostics;
using System.Globalization;
using ContainerIR.Linux;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class A_process_held_by_its_directory
{
    private const string LastPid = "/proc/sys/kernel/ns_last_pid";

    [Fact]
    public void Is_not_the_one_that_got_its_number_later()
    {
        using Process first = Sleep();
        int pid = first.Id;
        using ProcEntry held = ProcEntry.Open(pid, out _)!;
        ProcStat before = ProcStat.Parse(held.Read("stat", 4096).Content)!;
        first.Kill();
        first.WaitForExit();

        // The kernel gives the next free number after this one (CONFIG_CHECKPOINT_RESTORE); other programs may be quicker.
        Process? second = null;
        try
        {
            for (int attempt = 0; attempt < 200 && second?.Id != pid; attempt++)
            {
                second?.Kill();
                second?.WaitForExit();
                second?.Dispose();
                try
                {
                    File.WriteAllText(LastPid, (pid - 1).ToString(CultureInfo.InvariantCulture));
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
                {
                    Assert.Skip($"{LastPid} cannot be written: {failure.Message}");
                }

                second = Sleep();
            }

            Assert.SkipWhen(second!.Id != pid, $"the number {pid} did not come again");
            using ProcEntry now = ProcEntry.Open(pid, out _)!;
            Assert.True(now.Read("stat", 4096).IsRead);
            Assert.True(ProcStat.Parse(now.Read("stat", 4096).Content)!.StartTicks >= before.StartTicks);
            Bytes after = held.Read("stat", 4096);
            Assert.Empty(after.Content);
            Assert.Equal(Libc.ESRCH, after.Errno);
            Assert.False(held.ReadLink("exe").IsRead);
        }
        finally
        {
            second?.Kill();
            second?.WaitForExit();
            second?.Dispose();
        }
    }

    private static Process Sleep() => Process.Start("sleep", "1000");
}
