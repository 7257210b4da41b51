using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Cli.Commands;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Screens;

/// <summary>One bundle of a case, by its tables.</summary>
internal sealed class BundleScreen : Screen
{
    private readonly string caseId;
    private readonly BundleOverview bundle;
    private readonly string path;
    private readonly BundleTabs tabs;
    private bool isOpen;

    public BundleScreen(Shell shell, string caseId, BundleOverview bundle, string path)
        : base(shell)
    {
        (this.caseId, this.bundle, this.path) = (caseId, bundle, path);
        using StringWriter text = new();
        CaseText.WriteBundle(text, bundle, 2000);
        LinesView overview = new(Colours) { Lines = [.. text.ToString().Split('\n').Select(line => new TextLine(line, line.TrimStart().StartsWith("gap", StringComparison.Ordinal) ? Tone.Warning : Tone.Plain))] };
        tabs = new BundleTabs(shell, Colours, overview, "The index is being opened.");
        Add(tabs);
    }

    public override string Heading => $"{bundle.ContainerName}  {bundle.Folder}  {tabs.Heading}";

    public override string? CaseId => caseId;

    public override IReadOnlyList<KeyAction> Keys =>
    [
        KeyAction.Of('u', "custody", "Who held it when, from the seal on", OpenCustody),
        KeyAction.Of('e', "hand out", "Export it, or write a report", () => Shell.Open(new HandOutScreen(Shell, path))),
        KeyAction.Of('v', "verify", "Verify this bundle", () => Shell.Open(new VerifyScreen(Shell, path))),
        KeyAction.Of('f', "findings", "What is wrong with the container, with proof", OpenFindings),
        .. tabs.Keys,
    ];

    public override bool CanFilter => true;

    public override void Shown()
    {
        tabs.Show();
        if (!isOpen)
        {
            isOpen = true;
            Shell.Work(
                "Opening the index",
                _ => Task.FromResult(BundleTables.OpenLast(CaseStore.OpenReadOnly(Shell.Facts.Surroundings.Home(Shell.Facts.Home), caseId), bundle.Folder)),
                opened => tabs.Open(opened, path));
        }
    }

    private void OpenCustody() => Shell.Work(
        "Verifying the bundle",
        ct => BundleVerifier.VerifyAsync(path, new VerifyOptions(), ct),
        report =>
        {
            using StringWriter text = new();
            CustodyCommand.Print(text, report, null);
            Shell.Open(new TextScreen(Shell, $"Custody of {bundle.Folder}", [.. text.ToString().TrimEnd().Split('\n').Select(line => new TextLine(line))]));
        });

    private void OpenFindings() => Shell.Work("Judging the bundle", ct => Task.FromResult(Triage.Run(path, ct)), report => Shell.Open(new FindingsScreen(Shell, report, path, null)));

    protected override void Filtered() => tabs.SetFilter(Filter);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            tabs.Close();
        }

        base.Dispose(disposing);
    }
}
