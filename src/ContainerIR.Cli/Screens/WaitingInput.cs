using System.Runtime.CompilerServices;
using ContainerIR.Linux;
using Terminal.Gui.App;
using Terminal.Gui.Drivers;

namespace ContainerIR.Cli.Screens;

/// <summary>Waits for keys in the kernel. The library's own input looks fifty times a second whether there are any, which takes two hundredths of a processor all day.</summary>
internal sealed class WaitingInput : AnsiInput
{
    // When the console ends, the thread that waits notices after so long.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(0.25);

    /// <summary>Makes an application read its keys by it; before it is initialised.</summary>
    public static IApplication Give(IApplication application)
    {
        // The library (2.5.0) takes a driver of ours by an internal constructor only, and those that are registered by name it does not make.
        FactoryOf(application) = new Factory();
        return application;
    }

    /// <inheritdoc/>
    public override bool Peek()
    {
        TerminalInput.Wait(Longest);
        return base.Peek();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_componentFactory")]
    private static extern ref IComponentFactory? FactoryOf([UnsafeAccessorType("Terminal.Gui.App.ApplicationImpl, Terminal.Gui")] object application);

    private sealed class Factory : AnsiComponentFactory
    {
        public override IInput<char> CreateInput() => new WaitingInput();
    }
}
