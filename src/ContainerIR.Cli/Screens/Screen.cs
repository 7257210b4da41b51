using Terminal.Gui.ViewBase;

namespace ContainerIR.Cli.Screens;

/// <summary>One screen: it fills the place between the title and the bottom bar, and says by its keys what can be done.</summary>
internal abstract class Screen : View
{
    protected Screen(Shell shell)
    {
        Shell = shell;
        Width = Dim.Fill();
        Height = Dim.Fill();
        CanFocus = true;
    }

    /// <summary>What the first line says.</summary>
    public abstract string Heading { get; }

    /// <summary>What can be done here, the most wanted first.</summary>
    public abstract IReadOnlyList<KeyAction> Keys { get; }

    /// <summary>Whether <c>/</c> filters here.</summary>
    public virtual bool CanFilter => false;

    /// <summary>What is filtered for; empty for all.</summary>
    public string Filter { get; private set; } = "";

    /// <summary>Whether leaving it loses nothing that runs.</summary>
    public virtual bool CanBeLost => true;

    protected Shell Shell { get; }

    protected Palette Colours() => Shell.Palette;

    /// <summary>It has come to the front, for the first time or again.</summary>
    public virtual void Shown()
    {
    }

    /// <summary>Every half second while it is in front.</summary>
    public virtual void Tick()
    {
    }

    /// <summary>Asked before it is left; false keeps it, and it has said why.</summary>
    public virtual bool MayLeave() => true;

    public void SetFilter(string text)
    {
        Filter = text;
        Filtered();
    }

    /// <summary>The filter has changed.</summary>
    protected virtual void Filtered()
    {
    }

    protected bool Matches(params string?[] texts) => Filter.Length == 0 || texts.Any(text => text?.Contains(Filter, StringComparison.OrdinalIgnoreCase) == true);
}
