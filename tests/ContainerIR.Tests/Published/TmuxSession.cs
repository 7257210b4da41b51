using System.Globalization;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Published;

/// <summary>The published file on a real terminal: tmux, with a server of its own that ends with the test.</summary>
internal sealed class TmuxSession : IDisposable
{
    private readonly string socket;

    public TmuxSession(string folder, int width, int height, string command)
    {
        socket = Path.Combine(folder, "tmux");
        Run("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", Number(width), "-y", Number(height),
            $"exec env TMPDIR='{folder}' CIR_HOME='{folder}/home' CIR_CHANGES='{folder}/changes' CIR_PASSPHRASE='{PublishedFile.Passphrase}' DOCKER_HOST='{RealEngine.Endpoint}' LANG=C.UTF-8 {command}");
        Pid = int.Parse(Run("display-message", "-p", "-t", "t", "#{pane_pid}"), CultureInfo.InvariantCulture);
    }

    /// <summary>The program in the terminal.</summary>
    public int Pid { get; }

    public bool IsRunning => Directory.Exists($"/proc/{Pid}");

    public string Text => Run("capture-pane", "-p", "-t", "t");

    public TmuxSession Press(params string[] keys)
    {
        Run(["send-keys", "-t", "t", .. keys]);
        return this;
    }

    public TmuxSession Type(string text)
    {
        Run("send-keys", "-t", "t", "-l", text);
        return this;
    }

    public async Task Until(string words)
    {
        try
        {
            await RealEngine.Until(() => Text.Contains(words, StringComparison.Ordinal), words);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"the terminal never showed '{words}'. It shows:\n{Text}");
        }
    }

    /// <summary>Writes every byte the program sends to the terminal from now on to a file.</summary>
    public string Record(string file)
    {
        Run("pipe-pane", "-t", "t", $"exec cat > '{file}'");
        return file;
    }

    /// <summary>Takes the terminal away, as a lost ssh session does.</summary>
    public void Hangup() => Run("kill-server");

    public void Dispose()
    {
        if (File.Exists(socket) && IsRunning)
        {
            Hangup();
        }
    }

    private string Run(params string[] arguments) => RealEngine.Run("tmux", ["-S", socket, .. arguments]);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
