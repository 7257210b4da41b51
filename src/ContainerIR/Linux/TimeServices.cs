using System.Globalization;

namespace ContainerIR.Linux;

/// <summary>
/// The programs that keep a Linux host's clock, found by the name of a running process (/proc/PID/comm, proc(5): at most 15 characters). A hint: any process
/// may call itself so. What the clock is worth, adjtimex(2) and the time-stamp tokens say.
/// </summary>
internal static class TimeServices
{
    private static readonly string[] Known = ["chronyd", "ntpd", "ntpsec", "systemd-timesyn", "openntpd", "ptp4l", "phc2sys", "VBoxService", "vmtoolsd", "hv_utils"];

    /// <summary>Those that run, with their process ids; null where none is seen or /proc cannot be read.</summary>
    public static string? Running()
    {
        List<string> running = [];
        try
        {
            foreach (string directory in Directory.EnumerateDirectories("/proc"))
            {
                string pid = Path.GetFileName(directory);
                if (pid.All(char.IsAsciiDigit) && NameOf(directory) is { } name && Known.Contains(name) && running.Count < 8)
                {
                    running.Add(string.Create(CultureInfo.InvariantCulture, $"{name} (pid {pid})"));
                }
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Without /proc the field stays null: "not known".
            return null;
        }

        return running.Count == 0 ? null : string.Join(", ", running);
    }

    private static string? NameOf(string directory)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, "comm")).TrimEnd('\n');
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null; // it ended in the same moment
        }
    }
}
