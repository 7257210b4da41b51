using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Cases;
using ContainerIR.Cli;
using ContainerIR.Cli.Screens;
using ContainerIR.Playbooks.Actions;
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
        terminal.Variables["CIR_CHANGES"] = Changes = Path.Combine(terminal.Home, "changes");
        Surroundings surroundings = terminal.Surroundings with
        {
            Actions = own => ActionList.Make(new ActionParts(own.Home, own.Clock) { Endpoint = own.Endpoint, ChangesFolder = Changes }) is var others ? [.. OwnActions.Make(own, others), .. others] : [],
            OpenTimeline = static (home, id) => new Casebook(home, id),
        };
        app = Application.Create().Init("ansi");
        app.Driver!.SetScreenSize(width, height);
        shell = new Shell(new ConsoleFacts(surroundings, endpoint ?? RealEngine.Endpoint, null, null, isAscii, isColourless));
        session = app.Begin(shell)!;
        shell.Start();
        Pump();
    }

    public string Home => terminal.Home;

    /// <summary>The journal of changes: this console's own.</summary>
    public string Changes { get; }

    /// <summary>Keys pressed so far; typed text is not counted.</summary>
    public int Keys { get; private set; }

    /// <summary>The first screen again, with nothing counted.</summary>
    public SomeConsole Count()
    {
        Keys = 0;
        return this;
    }

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

        Keys += keys.Length;
        return this;
    }

    public SomeConsole Type(string text)
    {
        int before = Keys;
        Press([.. text.Select(letter => new Key(letter))]);
        Keys = before;
        return this;
    }

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
        // What runs is stopped and waited for, as when a person leaves.
        shell.Leave();
        shell.WorkEnded.Wait(TimeSpan.FromSeconds(30));
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
