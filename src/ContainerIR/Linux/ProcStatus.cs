using System.Buffers.Text;

namespace ContainerIR.Linux;

/// <summary>The <c>Name:\tvalue</c> lines of /proc/PID/status. The kernel escapes newline and backslash in Name, so lines are lines.</summary>
internal sealed class ProcStatus
{
    private const int MaxLines = 200;
    private readonly List<(string Name, byte[] Value)> lines = [];

    /// <summary>Lines in the kernel's order.</summary>
    public IReadOnlyList<(string Name, byte[] Value)> Lines => lines;

    public static ProcStatus Parse(ReadOnlySpan<byte> text)
    {
        ProcStatus status = new();
        while (!text.IsEmpty && status.lines.Count < MaxLines)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            int colon = line.IndexOf((byte)':');
            if (colon > 0)
            {
                status.lines.Add((System.Text.Encoding.ASCII.GetString(line[..colon]), line[(colon + 1)..].Trim(" \t"u8).ToArray()));
            }
        }

        return status;
    }

    /// <summary>Value of a line; empty when there is none.</summary>
    public byte[] this[string name]
    {
        get
        {
            foreach ((string key, byte[] value) in lines)
            {
                if (key == name)
                {
                    return value;
                }
            }

            return [];
        }
    }

    /// <summary>First number of a line; null when there is none.</summary>
    public long? Number(string name) => Utf8Parser.TryParse(this[name], out long number, out _) ? number : null;

    /// <summary>All numbers of a line: <c>Uid</c>, <c>NSpid</c>.</summary>
    public List<long> Numbers(string name)
    {
        List<long> numbers = [];
        ReadOnlySpan<byte> rest = this[name];
        while (numbers.Count < 64 && Utf8Parser.TryParse(rest, out long number, out int used))
        {
            numbers.Add(number);
            rest = rest[used..].TrimStart(" \t"u8);
        }

        return numbers;
    }
}
