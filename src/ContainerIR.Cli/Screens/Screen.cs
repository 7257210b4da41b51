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

    /// <summary>What runs here, in a few words for the first line; empty for nothing. A screen on which something runs is not closed when it is left: it goes on.</summary>
    public virtual string Doing => "";

    /// <summary>What is said before the console ends while something runs here.</summary>
    public virtual string WhenStopped => "";

    /// <summary>The case this is about; null for none. Notes go there.</summary>
    public virtual string? CaseId => null;

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
