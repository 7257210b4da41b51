using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using Terminal.Gui.App;
using Terminal.Gui.Input;
using Terminal.Gui.ViewBase;
using Terminal.Gui.Views;

namespace ContainerIR.Cli.Screens;

/// <summary>The console's frame: title, one screen of a stack, a line for messages and input, the keys of the screen.</summary>
internal sealed class Shell : Runnable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(500);

    private const int MaxMessageLines = 4;

    // 25 iterations a second are the library's choice; a person reads slower, and a console that nobody touches should cost nothing.
    private const ushort IterationsWhileAttended = 15;
    private const ushort IterationsAlone = 4;
    private static readonly TimeSpan Attention = TimeSpan.FromSeconds(20);

    private readonly Stack<Screen> screens = new();
    private readonly List<Screen> aside = [];
    private readonly View body;
    private readonly BarView title;
    private readonly LinesView message;
    private readonly BarView keys;
    private readonly TextField input;
    private readonly CancellationTokenSource closing = new();
    private readonly CancellationTokenSource terminalLost = new();
    private readonly IReadOnlyList<Palette> palettes;
    private int paletteIndex;
    private long actedAt;
    private Action<string>? inputTaken;
    private Action? confirmed;
    private (string Text, Tone Tone) waiting = ("", Tone.Plain);

    public Shell(ConsoleFacts facts)
    {
        Facts = facts;
        Acted();
        palettes = Palette.For(facts.IsColourless, facts.IsAscii);
        Width = Dim.Fill();
        Height = Dim.Fill();
        CanFocus = true;
        title = new BarView(FirstLine, () => Palette, Tone.Title) { Y = 0 };
        body = new View { Y = 1, Width = Dim.Fill(), Height = Dim.Fill(2), CanFocus = true };
        message = new LinesView(() => Palette) { Y = Pos.AnchorEnd(2), Height = 1, CanFocus = false };
        keys = new BarView(KeyBar, () => Palette, Tone.Plain) { Y = Pos.AnchorEnd(1) };
        input = new TextField { Y = Pos.AnchorEnd(2), X = 2, Width = Dim.Fill(), Visible = false };
        Add(title, body, message, input, keys);
        screens.Push(new ContainersScreen(this));
        body.Add(screens.Peek());
    }

    public ConsoleFacts Facts { get; }

    public Palette Palette => palettes[paletteIndex];

    /// <summary>Cancelled when the console is left.</summary>
    public CancellationToken Closing => closing.Token;

    /// <summary>Cancelled when the terminal is gone: what runs goes on, but nobody answers a question any more.</summary>
    public CancellationToken TerminalLost => terminalLost.Token;

    /// <summary>Whether a person pressed a key or moved the mouse a moment ago.</summary>
    public bool IsAttended => Facts.Surroundings.Clock.GetElapsedTime(actedAt) < Attention;

    /// <summary>The case worked on last; null for none yet.</summary>
    public string? LastCase { get; set; }

    /// <summary>Ends when all work that was begun has ended, whichever way.</summary>
    public Task WorkEnded { get; private set; } = Task.CompletedTask;

    // Where something runs, in front or aside.
    private IEnumerable<Screen> AtWork => screens.Concat(aside).Where(screen => screen.Doing.Length > 0);

    /// <summary>What works on every screen.</summary>
    public IReadOnlyList<KeyAction> Everywhere =>
    [
        KeyAction.Of('?', "help", "What can be done here", () => Open(new HelpScreen(this, screens.Peek()))),
        KeyAction.Of(':', "commands", "Find any command by typing", () => Open(new CommandsScreen(this, screens.Peek()))),
        KeyAction.Of('/', "filter", "Show only rows that hold a text", AskForFilter),
        KeyAction.Of('C', "containers", "The containers of this host", () => OpenOnly(new ContainersScreen(this))),
        KeyAction.Of('K', "cases", "Cases and their bundles", () => OpenOnly(new CasesScreen(this))),
        KeyAction.Of('I', "in force", "What is contained on this host, and undo", () => OpenOnly(new InForceScreen(this))),
        KeyAction.Of('V', "verify", "Verify a bundle anywhere", () => OpenOnly(new VerifyScreen(this, null))),
        KeyAction.Of('D', "doctor", "What works on this host and what does not", () => OpenOnly(new DoctorScreen(this))),
        KeyAction.Of('n', "note", "Write a note into the case's record", AskForNote),
        KeyAction.Of('R', "running", "Go to what runs, or ended unseen", OpenAside),
        KeyAction.Of('T', "theme", "The next of the colour themes", NextTheme),
        new(Key.Esc, "Esc", "back", "Back to the screen before", Back),
        KeyAction.Of('q', "quit", "Leave the console", Quit),
    ];

    /// <summary>Starts what needs the running application. Called once it is begun.</summary>
    public void Start()
    {
        screens.Peek().SetFocus();
        screens.Peek().Shown();
        App!.Keyboard.KeyDown += (_, _) => Acted();
        App.Mouse.MouseEvent += (_, _) => Acted();
        App.AddTimeout(TickInterval, () =>
        {
            Application.MaximumIterationsPerSecond = IsAttended ? IterationsWhileAttended : IterationsAlone;
            screens.Peek().Tick();
            return true;
        });
    }

    public void Open(Screen screen)
    {
        if (screens.Count > 0)
        {
            body.Remove(screens.Peek());
        }

        screens.Push(screen);
        ShowTop();
    }

    public void Back()
    {
        if (screens.Count > 1)
        {
            PutAway(screens.Pop());
            ShowTop();
        }
    }

    /// <summary>Puts a screen in the place of the one in front.</summary>
    public void Replace(Screen screen)
    {
        PutAway(screens.Pop());
        Open(screen);
    }

    /// <summary>The screen in front.</summary>
    public Screen Front => screens.Peek();

    /// <summary>The terminal is gone.</summary>
    public void LoseTerminal() => terminalLost.Cancel();

    /// <summary>Says something to the person; stays until the next. While a question stands it waits: nobody may answer what cannot be seen.</summary>
    public void Say(string text, Tone tone = Tone.Plain)
    {
        if (confirmed is not null || input.Visible)
        {
            waiting = (text, tone);
            return;
        }

        Show(text, tone);
    }

    private void Show(string text, Tone tone)
    {
        // A problem and its remedy are read whole: the line grows to what it needs, within reason.
        int height = Math.Clamp(LinesView.CountLines(" " + text, Math.Max(Frame.Width, 10)), 1, MaxMessageLines);
        message.Lines = [new TextLine(" " + text, tone)];
        message.Height = height;
        message.Y = Pos.AnchorEnd(1 + height);
        body.Height = Dim.Fill(1 + height);
        SetNeedsLayout();
        message.SetNeedsDraw();
    }

    /// <summary>Asks for a line of text.</summary>
    public void Ask(string prompt, string present, Action<string> taken)
    {
        EndQuestion();
        Show(prompt, Tone.Key);
        inputTaken = taken;
        input.X = Cells.Count(prompt) + 2;
        input.Text = present;
        input.Visible = true;
        input.SetFocus();
    }

    /// <summary>Asks whether something may be done: only the key y does it.</summary>
    public void Confirm(string question, Action run)
    {
        EndQuestion();
        confirmed = run;
        Show($"{question} y = yes, any other key = no", Tone.Warning);
    }

    /// <summary>Does something away from the screen and brings the result back to it. What an operator can mend is said; anything else is a defect.</summary>
    public void Work<T>(string what, Func<CancellationToken, Task<T>> work, Action<T> done, Action<Exception>? failed = null)
    {
        Say($"{what} …", Tone.Dim);
        Run(async () =>
        {
            try
            {
                T result = await work(Closing);
                Back(() =>
                {
                    Say("");
                    done(result);
                });
            }
            catch (Exception failure)
            {
                Back(() =>
                {
                    failed?.Invoke(failure);
                    (string words, Tone tone) = failure switch
                    {
                        OperationCanceledException => ("Cancelled.", Tone.Warning),
                        OperatorException problem => ($"{problem.Message} What to do: {problem.Remedy}", Tone.Bad),
                        BundleWriteException => ($"The bundle could not be written: {failure.Message}", Tone.Bad),
                        _ => ($"A defect in cir: {failure.GetType().Name}: {failure.Message}", Tone.Bad),
                    };
                    Say(words, tone);
                });
            }
        });
    }

    /// <summary>Reads something again and again without a word: only what failed is said, by the screen.</summary>
    public void Quietly<T>(Func<CancellationToken, Task<T>> work, Action<T> done, Action<string> failed)
    {
        Run(async () =>
        {
            try
            {
                T result = await work(Closing);
                Back(() => done(result));
            }
            catch (OperationCanceledException)
            {
                // The console is being left.
            }
            catch (Exception failure) when (failure is OperatorException or IOException)
            {
                Back(() => failed(failure is OperatorException problem ? $"{problem.Message} What to do: {problem.Remedy}" : failure.Message));
            }
        });
    }

    /// <summary>Removes what screens have laid down for a look.</summary>
    public void RemoveLeftovers()
    {
        while (screens.Count > 1)
        {
            screens.Pop().Dispose();
        }

        aside.ForEach(static screen => screen.Dispose());
        aside.Clear();
    }

    protected override bool OnKeyDown(Key key)
    {
        if (confirmed is { } run)
        {
            EndQuestion();
            if (key == 'y')
            {
                run();
            }

            return true;
        }

        if (input.Visible)
        {
            if (key == Key.Enter || key == Key.Esc)
            {
                TakeInput(key == Key.Enter ? input.Text : null);
                return true;
            }

            return false;
        }

        if (key == Key.C.WithCtrl)
        {
            Quit();
            return true;
        }

        KeyAction? action = screens.Peek().Keys.Concat(Everywhere).FirstOrDefault(each => each.Key == key) ?? (key == Key.F1 ? Everywhere[0] : key == Key.P.WithCtrl ? Everywhere[1] : null);
        action?.Run();
        Redraw();
        return action is not null;
    }

    // Esc is the library's key to stop whatever runs: only we stop.
    protected override bool OnIsRunningChanging(bool oldIsRunning, bool newIsRunning) => !newIsRunning && !closing.IsCancellationRequested;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            RemoveLeftovers();
            closing.Dispose();
            terminalLost.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Acted()
    {
        actedAt = Facts.Surroundings.Clock.GetTimestamp();
        Application.MaximumIterationsPerSecond = IterationsWhileAttended;
    }

    private void Quit()
    {
        if (AtWork.FirstOrDefault() is { } busy)
        {
            Confirm($"{busy.Doing}: stop and leave? {busy.WhenStopped}", Leave);
            return;
        }

        Leave();
    }

    /// <summary>Stops whatever runs and leaves.</summary>
    public void Leave()
    {
        closing.Cancel();
        App!.RequestStop();
    }

    private void OpenOnly(Screen screen)
    {
        while (screens.Count > 1)
        {
            PutAway(screens.Pop());
        }

        if (screen is ContainersScreen)
        {
            screen.Dispose();
            ShowTop();
            return;
        }

        Open(screen);
    }

    // What runs goes on out of sight; everything else is closed.
    private void PutAway(Screen screen)
    {
        body.Remove(screen);
        if (screen.Doing.Length > 0)
        {
            aside.Add(screen);
        }
        else
        {
            screen.Dispose();
        }
    }

    private void OpenAside()
    {
        if (aside.Count == 0)
        {
            Say("Nothing runs out of sight.");
            return;
        }

        Screen screen = aside[0];
        aside.RemoveAt(0);
        Open(screen);
    }

    private void AskForNote()
    {
        if ((screens.Select(screen => screen.CaseId).FirstOrDefault(id => id is not null) ?? LastCase) is { } known)
        {
            AskForNote(known);
        }
        else
        {
            Ask("Note for which case?", CaseFields.Usual(Facts), AskForNote);
        }
    }

    private void AskForNote(string caseId) => Ask($"Note for {DisplayText.Escape(caseId)}:", "", text =>
    {
        if (text.Trim().Length == 0)
        {
            return;
        }

        Work(
            "Writing the note",
            _ => Task.FromResult(CaseFields.WriteNote(Facts, caseId, text)),
            row =>
            {
                LastCase = caseId;
                Say($"Noted in {caseId}, row {row} of its record.", Tone.Good);
                screens.Peek().Shown();
            });
    });

    private void ShowTop()
    {
        if (!body.SubViews.Contains(screens.Peek()))
        {
            body.Add(screens.Peek());
        }

        // A question belongs to the screen it was asked on.
        EndQuestion();
        Say("");
        screens.Peek().SetFocus();
        screens.Peek().Shown();
        Redraw();
    }

    private void AskForFilter()
    {
        Screen screen = screens.Peek();
        if (!screen.CanFilter)
        {
            Say("There is no list to filter here.");
            return;
        }

        Ask("Filter:", screen.Filter, text =>
        {
            screen.SetFilter(text);
            Say(text.Length > 0 ? $"Only rows with: {text} (/ and Enter shows all)" : "");
        });
    }

    private void TakeInput(string? text)
    {
        EndQuestion();
        screens.Peek().SetFocus();
        if (text is not null)
        {
            inputTaken?.Invoke(text);
        }

        Redraw();
    }

    // What was said meanwhile is shown now.
    private void EndQuestion()
    {
        (confirmed, input.Visible) = (null, false);
        Show(waiting.Text, waiting.Tone);
        waiting = ("", Tone.Plain);
    }

    private void NextTheme()
    {
        paletteIndex = (paletteIndex + 1) % palettes.Count;
        Say($"Theme: {Palette.Name}");
    }

    private void Run(Func<Task> work) => WorkEnded = Task.WhenAll(WorkEnded, Task.Run(work));

    // Brings something back to the screen's thread. When the screen is gone nobody waits for it.
    private void Back(Action then)
    {
        if (!closing.IsCancellationRequested)
        {
            App?.Invoke(() =>
            {
                then();
                if (input.Visible && !input.HasFocus)
                {
                    // Whatever came to the screen, the person is typing, and goes on where they were: focus alone would mark the text to be replaced.
                    input.SetFocus();
                    input.ClearAllSelection();
                    input.MoveEnd();
                }

                Redraw();
            });
        }
    }

    private void Redraw()
    {
        SetNeedsDraw();
        title.SetNeedsDraw();
        message.SetNeedsDraw();
        keys.SetNeedsDraw();
        screens.Peek().SetNeedsDraw();
    }

    private IEnumerable<(Tone, string)> FirstLine()
    {
        yield return (Tone.Title, " cir  ");
        if (aside.Count > 0)
        {
            // First: what waits for the person must not fall off a short line.
            yield return (Tone.Selected, $" R: {aside.Select(screen => screen.Doing).FirstOrDefault(doing => doing.Length > 0) ?? "something has ended"} ");
            yield return (Tone.Title, "  ");
        }

        yield return (Tone.Title, screens.Peek().Heading);
    }

    private IEnumerable<(Tone, string)> KeyBar()
    {
        // The numbers of tabs come last: where the line is too short, they are what a person guesses.
        IEnumerable<KeyAction> named = screens.Peek().Keys.Concat(Everywhere.Where(action => action.Shown is not ("C" or "K" or "I" or "V" or "D" or "T") && (action.Shown != "R" || aside.Count > 0)));

        // In a field letters are text: only keys that work are named.
        bool isTyping = screens.Peek().MostFocused is TextField { ReadOnly: false };
        foreach (KeyAction action in named.OrderBy(action => char.IsAsciiDigit(action.Shown[0])))
        {
            if ((action.Key == Key.Esc && screens.Count == 1) || (action.Shown == "/" && !screens.Peek().CanFilter) || action.Word.Length == 0 || (isTyping && action.Shown.Length == 1))
            {
                continue;
            }

            yield return (Tone.Key, $" {action.Shown}");
            yield return (Tone.Plain, $" {action.Word} ");
        }

        if (isTyping)
        {
            yield return (Tone.Key, " F1");
            yield return (Tone.Plain, " help ");
            yield return (Tone.Key, " Ctrl-P");
            yield return (Tone.Plain, " commands ");
        }
    }
}
