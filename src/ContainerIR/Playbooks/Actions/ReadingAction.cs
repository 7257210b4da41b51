using ContainerIR.Actions;

namespace ContainerIR.Playbooks.Actions;

/// <summary>What all actions of this folder share: they read, and change nothing on the scene.</summary>
internal abstract class ReadingAction : IAction
{
    private static readonly IReadOnlyDictionary<string, string> NoOutputs = new Dictionary<string, string>();

    public abstract string Name { get; }

    public abstract string Title { get; }

    public ActionEffect Effect => ActionEffect.Reads;

    public virtual string EvidenceCost => "none: nothing on the scene is touched";

    public bool CanBeUndone => false;

    public virtual IReadOnlyList<string> Needs => [];

    public virtual bool NeedsContainer => false;

    public virtual IReadOnlyList<ActionParameter> Parameters => [];

    public virtual Task<ActionPreview> PreviewAsync(ActionCall call, CancellationToken ct) =>
        Task.FromResult(new ActionPreview([call.Command(this)], EvidenceCost, []));

    public abstract Task<ActionOutcome> RunAsync(ActionCall call, CancellationToken ct);

    protected static ActionOutcome Outcome(
        bool done, string summary, IReadOnlyDictionary<string, string>? outputs = null, IReadOnlyList<string>? refs = null, bool? verified = null, IReadOnlyList<IReadOnlyList<string>>? commands = null) =>
        new(done, summary, commands ?? [], null, verified, outputs ?? NoOutputs, refs ?? []);
}
