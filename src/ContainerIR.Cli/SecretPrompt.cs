using System.Text;

namespace ContainerIR.Cli;

/// <summary>Reads a secret from the terminal without showing it. Ctrl-C, Ctrl-D and Esc give up.</summary>
internal static class SecretPrompt
{
    private const int MaxLength = 1024;

    public static string Ask(string question)
    {
        Console.Error.Write(question);
        StringBuilder typed = new();
        bool before = Console.TreatControlCAsInput;
        // As a key, not as a signal: ReadKey cannot be cancelled by a token.
        Console.TreatControlCAsInput = true;
        try
        {
            while (true)
            {
                ConsoleKeyInfo key = Console.ReadKey(intercept: true);
                bool control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
                if (key.Key == ConsoleKey.Enter)
                {
                    return typed.ToString();
                }

                if (key.Key == ConsoleKey.Escape || (control && key.Key is ConsoleKey.C or ConsoleKey.D))
                {
                    throw new OperationCanceledException();
                }

                if (control && key.Key == ConsoleKey.U)
                {
                    typed.Clear();
                }
                else if (key.Key == ConsoleKey.Backspace)
                {
                    typed.Length = Math.Max(0, typed.Length - 1);
                }
                else if (!char.IsControl(key.KeyChar) && typed.Length < MaxLength)
                {
                    typed.Append(key.KeyChar);
                }
            }
        }
        finally
        {
            Console.TreatControlCAsInput = before;
            Console.Error.WriteLine();
        }
    }
}
