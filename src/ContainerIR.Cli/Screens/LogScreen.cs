using System.Text.Json;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Runtimes;

namespace ContainerIR.Cli.Screens;

/// <summary>
/// What a container writes, as it writes it: the end of the engine's own file is read from the host's side and followed. For looking; evidence is what a look
/// at the files or an acquisition copies.
/// </summary>
internal sealed class LogScreen : Screen
{
    private const int MaxLines = 5000;
    private const int TailBytes = 512 * 1024;
    private const int StepBytes = 1024 * 1024;
    private const int MaxLineBytes = 256 * 1024;

    private readonly ContainerRef container;
    private readonly LinesView view;
    private readonly Queue<TextLine> lines = [];
    private readonly List<byte> rest = [];
    private long position = -1;
    private bool isReading;
    private bool skipsFirst;

    public LogScreen(Shell shell, ContainerRef container)
        : base(shell)
    {
        this.container = container;
        view = new LinesView(Colours) { Follows = true, Lines = [new TextLine("It is being read …", Tone.Dim)] };
        Add(view);
    }

    public override string Heading => $"Log of {DisplayText.Escape(container.Name)}  {(view.Follows ? "following" : "stopped: F follows")}{(Filter.Length > 0 ? $"  filter: {DisplayText.Escape(Filter)}" : "")}";

    public override IReadOnlyList<KeyAction> Keys => [KeyAction.Of('F', "follow", "Stay at the end as lines come", () =>
    {
        view.Follows = true;
        view.SetNeedsDraw();
    })];

    public override bool CanFilter => true;

    public override void Shown() => Read();

    public override void Tick() => Read();

    protected override void Filtered() => view.Lines = [.. lines.Where(line => Matches(line.Text))];

    private void Read()
    {
        if (isReading)
        {
            return;
        }

        if (container.LogDriver != "json-file" || string.IsNullOrEmpty(container.LogPath))
        {
            view.Lines = [new TextLine($"The log driver {DisplayText.Escape(container.LogDriver ?? "of this engine")} keeps no file that can be followed here. L on the container copies its log; then items, logs.", Tone.Warning)];
            return;
        }

        isReading = true;
        Shell.Quietly(
            _ => Task.FromResult(Next()),
            read =>
            {
                isReading = false;
                if (read.Count > 0 || lines.Count == 0)
                {
                    read.ForEach(lines.Enqueue);
                    while (lines.Count > MaxLines)
                    {
                        lines.Dequeue();
                    }

                    Filtered();
                }
            },
            problem =>
            {
                // Asked again at the next tick: a file that is being rotated is back in a moment.
                isReading = false;
                view.Lines = [new TextLine(problem, Tone.Bad)];
            });
    }

    private List<TextLine> Next()
    {
        byte[] buffer;
        try
        {
            using FileStream file = new(container.LogPath!, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (position < 0 || file.Length < position)
            {
                // The first time, or rotated meanwhile: from near the end, from the next whole line on.
                position = Math.Max(0, file.Length - TailBytes);
                skipsFirst = position > 0;
                rest.Clear();
            }

            file.Position = position;
            buffer = new byte[(int)Math.Min(StepBytes, file.Length - position)];
            position += file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new OperatorException(failure.Message, "Reading logs from the host's side needs root.", failure);
        }

        List<TextLine> read = [];
        rest.AddRange(buffer);
        int start = 0;
        for (int end = rest.IndexOf((byte)'\n'); end >= 0; end = start < rest.Count ? rest.IndexOf((byte)'\n', start) : -1)
        {
            if (!skipsFirst)
            {
                read.Add(LineOf([.. rest[start..end]]));
            }

            skipsFirst = false;
            start = end + 1;
        }

        rest.RemoveRange(0, start);
        if (rest.Count > MaxLineBytes)
        {
            rest.Clear();
            skipsFirst = true;
        }

        return read;
    }

    // The text is the container's: everything that is no record is shown as what it is.
    private static TextLine LineOf(byte[] line)
    {
        try
        {
            using JsonDocument record = JsonDocument.Parse(line);
            JsonElement root = record.RootElement;
            string time = root.GetProperty("time").GetString() ?? "";
            bool isError = root.GetProperty("stream").GetString() == "stderr";
            return new TextLine($"{Cells.Safe(DisplayText.Shorten(time, 23)),-23} {(isError ? "err" : "   ")} {Cells.Safe(DisplayText.Shorten((root.GetProperty("log").GetString() ?? "").TrimEnd('\n', '\r'), 2000))}", isError ? Tone.Warning : Tone.Plain);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new TextLine($"{"no record",-23}     {Cells.Safe(DisplayText.Escape(line.AsSpan(0, Math.Min(line.Length, 2000))))}", Tone.Bad);
        }
    }
}
