using System.Text.Json;
using ContainerIR.Actions.Changes;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Actions;

/// <summary>Takes every name from the container's image on this host but one of quarantine, so that nothing starts it again by name.</summary>
internal sealed class DenyImageAction(ActionParts parts) : ContainerAction(parts), IReversible
{
    public override string Name => "deny-image";

    public override string Title => "Take its names from the container's image, so that nothing is started from it by name";

    public override ActionEffect Effect => ActionEffect.Alters;

    public override string EvidenceCost => "The image's names on this host, put back by undoing. Where it was pulled, its registry digest goes with its last name: it is on record, and undoing cannot set it.";

    public async Task<ChangeLook> LookAsync(Change change, CancellationToken ct)
    {
        await using IContainerRuntime runtime = Parts.Connect(change.Endpoint);
        List<string>? names = await NamesAsync(runtime, change.Fact("image"), ct);
        return names is null ? new ChangeLook(ChangeCondition.Gone, "the image is gone")
            : NamesOf(change).Intersect(names).Any() || !names.Contains(change.Fact("quarantine"))
                ? new ChangeLook(ChangeCondition.NotInForce, $"the image is called {Shown(names)}")
                : new ChangeLook(ChangeCondition.InForce, $"the image is called {Shown(names)}, was {Shown(NamesOf(change))}");
    }

    public async Task<UndoResult> UndoAsync(Change change, UndoChoices choices, CancellationToken ct)
    {
        await using IContainerRuntime runtime = Parts.Connect(change.Endpoint);
        using EngineControl control = new(runtime.Endpoint);
        string image = change.Fact("image"), quarantine = change.Fact("quarantine");
        List<string> names = await NamesAsync(runtime, image, ct) ?? [];
        List<string> taken = [];
        List<IReadOnlyList<string>> commands = [];
        foreach (string name in NamesOf(change).Where(name => !names.Contains(name)))
        {
            // Somebody may have given the name to a clean image meanwhile: it stays there.
            if (await NamesAsync(runtime, name, ct) is not null)
            {
                taken.Add(name);
                continue;
            }

            (string repository, string tag) = Split(name);
            await control.TagAsync(image, repository, tag, ct);
            commands.Add(["docker", "tag", image, name]);
        }

        if (names.Contains(quarantine) && taken.Count == 0)
        {
            await control.UntagAsync(quarantine, ct);
            commands.Add(["docker", "rmi", quarantine]);
        }

        return new UndoResult(true, taken.Count == 0 ? "The image has its names again." : $"Another image is called {Shown(taken)} by now: left so; this one keeps {quarantine}.", commands);
    }

    protected override async Task<ActionPlan> PlanAsync(ActionScene scene, ActionCall call, CancellationToken ct)
    {
        string image = scene.Container.ImageId;
        if (!image.StartsWith("sha256:", StringComparison.Ordinal) || image.Length != 71 || await NamesAsync(scene.Runtime, image, ct) is not { } names)
        {
            return ActionPlan.Refused("The engine does not have its image: nothing can be started from it here.");
        }

        string quarantine = $"{CommitAction.Repository}:{image[7..]}";
        List<string> denied = [.. names.Where(name => name != quarantine)];
        return denied.Count == 0
            ? new ActionPlan { EvidenceCost = "none", NothingToDo = "Its image has no name that anybody could start it by." }
            : new ActionPlan
            {
                Commands = [["docker", "tag", image, quarantine], .. denied.Select(name => (IReadOnlyList<string>)["docker", "rmi", name])],
                EvidenceCost = EvidenceCost,
                Facts = new Dictionary<string, string> { ["image"] = image, ["quarantine"] = quarantine, ["names"] = string.Join('\n', denied) },
                Apply = async token =>
                {
                    await scene.Control.TagAsync(image, CommitAction.Repository, image[7..], token);
                    foreach (string name in denied)
                    {
                        await scene.Control.UntagAsync(name, token);
                    }

                    List<string> left = await NamesAsync(scene.Runtime, image, token) ?? [];
                    bool isDenied = left is [var only] && only == quarantine;
                    return new AppliedChange($"The image is called {Shown(left)} only; it was {Shown(denied)}.", isDenied) { Done = isDenied };
                },
            };
    }

    private static List<string> NamesOf(Change change) => [.. change.Fact("names").Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    private static string Shown(IEnumerable<string> names) => DisplayText.Shorten(string.Join(", ", names), 300);

    // The last colon, unless it is a registry's port.
    private static (string Repository, string Tag) Split(string name) =>
        name.LastIndexOf(':') is > 0 and var at && name.IndexOf('/', at) < 0 ? (name[..at], name[(at + 1)..]) : (name, "latest");

    private static async Task<List<string>?> NamesAsync(IContainerRuntime runtime, string image, CancellationToken ct)
    {
        try
        {
            await using Stream document = await runtime.OpenDocumentAsync(EngineDocument.ImageInspect, image, ct);
            using JsonDocument json = await JsonDocument.ParseAsync(document, cancellationToken: ct);
            return json.RootElement.Texts("RepoTags");
        }
        catch (EngineRefusalException refusal) when (refusal.Status == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
    }
}
