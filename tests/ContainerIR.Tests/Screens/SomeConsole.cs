using ContainerIR.Acquisitions;
using ContainerIR.Cli.Screens;
using ContainerIR.Tests.Cli;
using ContainerIR.Tests.Some;
using Terminal.Gui.App;
using Terminal.Gui.Input;
using Terminal.Gui.Testing;

namespace ContainerIR.Tests.Screens;

/// <summary>The console without a terminal: keys go in, the text of the screen comes out.</summary>
internal sealed class SomeConsole : IDisposable
{
    private readonly SomeTerminal terminal = new();
    private readonly IApplication app;
    private readonly Shell shell;
    private readonly SessionToken session;

    public SomeConsole(int width = 80, int height = 24, string? endpoint = null, bool isAscii = false, bool isColourless = false)
    {
        terminal.Acquire = Acquirer.RunAsync;
        terminal.Variables["CIR_PASSPHRASE"] = "a passphrase of the tests";
        app = Application.Create().Init("ansi");
        app.Driver!.SetScreenSize(width, height);
        shell = new Shell(new ConsoleFacts(terminal.Surroundings, endpoint ?? RealEngine.Endpoint, null, null, isAscii, isColourless));
        session = app.Begin(shell)!;
        shell.Start();
        Pump();
    }

    public string Home => terminal.Home;

    /// <summary>What is on the screen: a line each, the blanks at its end left out.</summary>
    public string Text => string.Join('\n', app.Driver!.ToString()!.Split('\n').Select(line => line.TrimEnd()));

    public string[] Lines => Text.Split('\n');

    public bool IsClosed => shell.Closing.IsCancellationRequested;

    /// <summary>Types keys one after another.</summary>
    public SomeConsole Press(params Key[] keys)
    {
        foreach (Key key in keys)
        {
            app.InjectKey(key);
            Pump();
        }

        return this;
    }

    public SomeConsole Type(string text) => Press([.. text.Select(letter => new Key(letter))]);

    /// <summary>Waits until the screen shows this; fails with what it shows instead.</summary>
    public SomeConsole Until(string words)
    {
        bool seen = SpinWait.SpinUntil(
            () =>
            {
                Pump();
                return Text.Contains(words, StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(30));
        return seen ? this : throw new TimeoutException($"the screen never showed '{words}'. It shows:\n{Text}");
    }

    public void Resize(int width, int height)
    {
        app.Driver!.SetScreenSize(width, height);
        Pump();
    }

    public void Dispose()
    {
        app.End(session);
        shell.Dispose();
        app.Dispose();
        terminal.Dispose();
    }

    private void Pump()
    {
        app.TimedEvents!.RunTimers();
        app.LayoutAndDraw();
    }
}
