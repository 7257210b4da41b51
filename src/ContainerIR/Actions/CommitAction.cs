using ContainerIR.Actions.Changes;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Actions;

/// <summary>Keeps the writable layer as an image without a name that anybody would pull or run by mistake.</summary>
internal sealed class CommitAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    public const string Repository = "cir-quarantine";

    public override string Name => "commit";

    public override string Title => "Keep the writable layer as an image, by digest only";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "Rewrites access times of the files in the writable layer: acquire first. Without volumes, tmpfs and memory.";

    public override IReadOnlyList<ActionParameter> Parameters { get; } = [new("tag", ParameterKind.Text, $"Also call it {Repository}:TAG; by default it has no name but its digest.")];

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        if (change.Fact("image") is not { Length: > 0 } image)
        {
            return new ChangeLook(ChangeCondition.Unknown, $"an image with the comment \"{change.Fact("comment")}\" may have been made: docker images");
        }

        await using IContainerRuntime runtime = Parts.Connect(change.Endpoint);
        return await IsThereAsync(runtime, image, ct)
            ? new ChangeLook(ChangeCondition.InForce, $"image {image}")
            : new ChangeLook(ChangeCondition.Gone, "the image is gone");
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        if (change.Fact("image") is not { Length: > 0 } image)
        {
            return new UndoResult(false, $"The run was cut off before the image's digest was known. Look for it: docker images; its comment is \"{change.Fact("comment")}\".", []);
        }

        await using IContainerRuntime runtime = Parts.Connect(change.Endpoint);
        using EngineControl control = new(runtime.Endpoint);
        string name = change.Fact("name") is { Length: > 0 } given ? given : image;
        await control.UntagAsync(name, ct);
        return new UndoResult(true, $"Image {image} is deleted.", [["docker", "rmi", name]]);
    }

    protected override Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        string tag = Value(call, "tag");
        if (tag.Length > 128 || tag.Any(static each => !(char.IsAsciiLetterOrDigit(each) || each is '_' or '.' or '-')) || (tag.Length > 0 && tag[0] is '.' or '-'))
        {
            return Planned(ActionPlan.Refused("'tag' may hold letters, digits, _ . - only."));
        }

        string name = tag.Length > 0 ? $"{Repository}:{tag}" : "";
        string comment = $"cir quarantine {scene.Container.ShortId} {Guid.NewGuid():N}";
        return Planned(new ActionPlan
        {
            Commands = [["docker", "commit", "--pause=false", "--message", comment, scene.Container.Id, .. name.Length > 0 ? (string[])[name] : []]],
            EvidenceCost = EvidenceCost,
            Facts = new Dictionary<string, string> { ["name"] = name, ["comment"] = comment },
            Apply = async token =>
            {
                string image = await scene.Control.CommitAsync(scene.Container.Id, name.Length > 0 ? Repository : null, tag, comment, token);
                bool isThere = await IsThereAsync(scene.Runtime, image, token);
                return new AppliedChange($"Image {image}{(name.Length > 0 ? " as " + name : ", without a name")}.", isThere)
                {
                    Facts = new Dictionary<string, string> { ["image"] = image },
                    Outputs = new Dictionary<string, string> { ["image"] = image },
                    EvidenceRefs = [image],
                };
            },
        });
    }

    private static async Task<bool> IsThereAsync(IContainerRuntime runtime, string image, CancellationToken ct)
    {
        try
        {
            await using Stream document = await runtime.OpenDocumentAsync(EngineDocument.ImageInspect, image, ct);
            return true;
        }
        catch (EngineRefusalException refusal) when (refusal.Status == System.Net.HttpStatusCode.NotFound)
        {
            return false;
        }
    }
}
