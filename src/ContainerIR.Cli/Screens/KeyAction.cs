using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>One thing a screen does: its key, its word in the bottom bar, in the help and in the list of commands.</summary>
/// <param name="Key">The key.</param>
/// <param name="Shown">How the key is written.</param>
/// <param name="Word">One word or two for the bottom bar.</param>
/// <param name="Meaning">A sentence for help and search.</param>
/// <param name="Run">Does it.</param>
internal sealed record KeyAction(Key Key, string Shown, string Word, string Meaning, Action Run)
{
    public static KeyAction Of(char key, string word, string meaning, Action run) => new(new Key(key), key.ToString(), word, meaning, run);

    public static KeyAction Enter(string word, string meaning, Action run) => new(Key.Enter, "Enter", word, meaning, run);
}
