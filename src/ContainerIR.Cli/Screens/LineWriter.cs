using System.Text;

namespace ContainerIR.Cli.Screens;

/// <summary>Gives what is written to it on as lines.</summary>
internal sealed class LineWriter(Action<string> take) : TextWriter
{
    private readonly Lock gate = new();
    private readonly StringBuilder line = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (gate)
        {
            if (value != '\n')
            {
                line.Append(value);
                return;
            }

            take(line.ToString());
            line.Clear();
        }
    }
}
