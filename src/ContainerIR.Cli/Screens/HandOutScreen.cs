using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cli.Commands;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;
using ContainerIR.Reports;
using Terminal.Gui.Input;

namespace ContainerIR.Cli.Screens;

/// <summary>A case or a bundle, for others: a report for people, or a form other tools load. The same requests as <c>cir report</c> and <c>cir export</c>.</summary>
internal sealed class HandOutScreen : Screen
{
    private const string Form = "Form";
    private const string Place = "Folder";

    private static readonly string[] Reports = ["report.html", "report.md", "report.json"];

    private readonly string source;
    private readonly FormView form;
    private readonly LinesView below;
    private bool isRunning;

    /// <param name="shell">The console.</param>
    /// <param name="source">A case's id, or the folder of a bundle.</param>
    public HandOutScreen(Shell shell, string source)
        : base(shell)
    {
        this.source = source;
        form = new FormView(Colours, new FormField(Form, Reports[0], false, [.. Reports, .. ExporterList.All.Select(each => each.Name)]), new FormField(Place, Environment.CurrentDirectory)) { Completed = Run };
        below = new LinesView(Colours) { Y = 3, Lines = [new TextLine("Every bundle is verified first. Arrow keys turn the form; F2 writes it into the folder.", Tone.Dim)] };
        Add(form, below);
    }

    public override string Heading => $"Hand out {DisplayText.Escape(Path.GetFileName(source))}";

    public override string Doing => isRunning ? $"writing {form[Form]}" : "";

    public override string WhenStopped => "What is half written is to be removed by hand.";

    public override IReadOnlyList<KeyAction> Keys => [new(Key.F2, "F2", "write", "Write it", Run)];

    public override void Shown() => form.Focus(Form);

    private void Run()
    {
        if (isRunning)
        {
            return;
        }

        (string chosen, string folder) = (form[Form], form[Place]);
        isRunning = true;
        Shell.Work(
            $"Writing {chosen}",
            async ct =>
            {
                using StringWriter words = new();
                Surroundings spoken = Shell.Facts.Surroundings with { Out = words, Error = words };
                HandoutSource opened = await HandoutSource.OpenAsync(CaseFields.HomeOf(Shell.Facts), source, AllowList.None, ct);
                if (Handout.Refuse(spoken, opened) is not null)
                {
                    return (Good: false, Words: words.ToString());
                }

                if (Reports.Contains(chosen))
                {
                    WrittenReport report = await ReportRun.RunAsync(opened, Path.Combine(folder, $"{opened.Name}-{chosen}"), ToolFacts.Agent, Shell.Facts.Surroundings.Clock, ct);
                    return (Good: true, Words: $"{words}Written  {DisplayText.Escape(report.File)} ({Quantities.Bytes(report.Bytes)})\nDigest   sha256 {report.Sha256}");
                }

                ExportResult result = await ExportRun.RunAsync(ExportRun.Find(chosen), opened, folder, ToolFacts.Agent, Shell.Facts.Surroundings.Clock, ct);
                return (Good: true, Words: $"{words}Written  {DisplayText.Escape(result.Folder)}\nRoot     sha256 {result.RootSha256}\nFiles    {Quantities.Number(result.Files)}, {Quantities.Bytes(result.Bytes)}\n{string.Join('\n', result.LeftOut.Select(note => "Left out " + Cells.Safe(note)))}");
            },
            done =>
            {
                isRunning = false;
                below.Lines = [.. done.Words.TrimEnd().Split('\n').Select((line, i) => new TextLine(line, !done.Good ? Tone.Bad : i == 0 ? Tone.Good : Tone.Plain))];
                Shell.Say(done.Good ? $"{chosen}: written." : "Nothing is handed out.", done.Good ? Tone.Good : Tone.Bad);
            },
            _ => isRunning = false);
    }
}
