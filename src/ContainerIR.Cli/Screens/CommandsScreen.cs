using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>Every command of the screen before and of the console; typing narrows them, Enter runs the selected one.</summary>
internal sealed class CommandsScreen : Screen
{
    private readonly RowsView list;
    private readonly KeyAction[] all;
    private KeyAction[] shown = [];
    private string typed = "";

    public CommandsScreen(Shell shell, Screen about)
        : base(shell)
    {
        all = [.. about.Keys.Concat(shell.Everywhere).Where(action => action.Shown is not (":" or "Esc"))];
        list = new RowsView(Colours, new("KEY"), new("COMMAND", MinCells: 8), new("WHAT IT DOES", MinCells: 20)) { Chosen = Run };
        Add(list);
        Narrow();
    }

    public override string Heading => $"Commands  : {typed}_";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Enter("run", "Run the selected command", Run)];

    protected override bool OnKeyDown(Key key)
    {
        if (key == Key.Backspace && typed.Length > 0)
        {
            typed = typed[..^1];
        }
        else if (!key.IsCtrl && !key.IsAlt && key.AsRune.Value is >= ' ' and < 0x7f)
        {
            typed += (char)key.AsRune.Value;
        }
        else
        {
            return false;
        }

        Narrow();
        return true;
    }

    private void Narrow()
    {
        shown = [.. all.Where(action => typed.Split(' ').All(word => $"{action.Word} {action.Meaning}".Contains(word, StringComparison.OrdinalIgnoreCase)))];
        list.Rows = new RowList([.. shown.Select(action => new RowCells(Tone.Plain, action.Shown, action.Word, action.Meaning))]);
        list.WhenEmpty = "No command has these words.";
        SetNeedsDraw();
        Shell.SetNeedsDraw();
    }

    private void Run()
    {
        if (list.Selected >= 0 && list.Selected < shown.Length)
        {
            KeyAction chosen = shown[list.Selected];
            Shell.Back();
            chosen.Run();
        }
    }
}
