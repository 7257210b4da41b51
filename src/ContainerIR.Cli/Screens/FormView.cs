using ContainerIR.Cli.Output;
using Terminal.Gui.Input;
using Terminal.Gui.ViewBase;
using Terminal.Gui.Views;

namespace ContainerIR.Cli.Screens;

/// <summary>A field of a form.</summary>
/// <param name="Name">Its label.</param>
/// <param name="Present">What stands in it at first.</param>
/// <param name="IsSecret">Whether what is typed is hidden.</param>
/// <param name="Choices">What can be chosen, turned through by the arrow keys; empty for free text.</param>
internal sealed record FormField(string Name, string Present, bool IsSecret = false, params string[] Choices);

/// <summary>Fields one below the other. Enter goes to the next field, and from the last one on.</summary>
internal sealed class FormView : PaintedView
{
    private readonly FormField[] fields;
    private readonly Input[] inputs;
    private readonly int labelCells;

    public FormView(Func<Palette> palette, params FormField[] fields)
        : base(palette)
    {
        this.fields = fields;
        labelCells = fields.Max(field => Cells.Count(field.Name)) + 3;
        Height = fields.Length + 1;
        CanFocus = true;
        inputs = [.. fields.Select((field, i) => new Input(KeyFirst)
        {
            X = labelCells,
            Y = i,
            Width = Dim.Fill(1),
            Text = field.Present,
            Secret = field.IsSecret,
            ReadOnly = field.Choices.Length > 0,
        })];
        Add(inputs);
    }

    /// <summary>Runs when Enter is pressed in the last field.</summary>
    public Action? Completed { get; set; }

    /// <summary>Runs when another choice is made.</summary>
    public Action? Changed { get; set; }

    public string this[string name] => inputs[Array.FindIndex(fields, field => field.Name == name)].Text;

    public void Focus(string name) => inputs[Array.FindIndex(fields, field => field.Name == name)].SetFocus();

    protected override bool OnDrawingContent(DrawContext? context)
    {
        for (int i = 0; i < fields.Length; i++)
        {
            Paint(0, i, inputs[i].HasFocus ? Tone.Key : Tone.Plain, $" {fields[i].Name}", labelCells);
        }

        return true;
    }

    // Before the field itself sees the key: Enter and the arrows move between fields, and turn choices.
    private bool KeyFirst(Key key)
    {
        int at = Array.FindIndex(inputs, input => input.HasFocus);
        if (at < 0)
        {
            return false;
        }

        if (key == Key.Enter)
        {
            if (at == inputs.Length - 1)
            {
                Completed?.Invoke();
            }
            else
            {
                inputs[at + 1].SetFocus();
            }

            SetNeedsDraw();
            return true;
        }

        if (key == Key.CursorDown || key == Key.CursorUp)
        {
            inputs[Math.Clamp(at + (key == Key.CursorDown ? 1 : -1), 0, inputs.Length - 1)].SetFocus();
            SetNeedsDraw();
            return true;
        }

        if (fields[at].Choices is { Length: > 0 } choices && (key == Key.CursorRight || key == Key.CursorLeft || key == Key.Space))
        {
            int chosen = Array.IndexOf(choices, inputs[at].Text);
            inputs[at].Text = choices[(chosen + (key == Key.CursorLeft ? choices.Length - 1 : 1)) % choices.Length];
            Changed?.Invoke();
            return true;
        }

        return false;
    }

    private sealed class Input(Func<Key, bool> first) : TextField
    {
        protected override bool OnKeyDown(Key key) => first(key) || base.OnKeyDown(key);

        // What stands there is kept by going on, and replaced by typing.
        protected override void OnHasFocusChanged(bool newHasFocus, View? previousFocusedView, View? focusedView)
        {
            base.OnHasFocusChanged(newHasFocus, previousFocusedView, focusedView);
            if (newHasFocus && !ReadOnly)
            {
                SelectAll();
            }
        }
    }
}
