using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>Where the image came from: a registry, a build here, or a container that was committed; and whether it is the image that was to run.</summary>
internal sealed partial class ImageAnalyzer : IAnalyzer
{
    private static readonly TimeSpan Recent = TimeSpan.FromHours(24);
    private static readonly Rule MadeHere = RuleList.Of("CIR-059");
    private static readonly Rule Other = RuleList.Of("CIR-060");

    public string Name => "image";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        (JsonElement image, FindingPlace place) = scene.Document("image", "image.json");
        if (image.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        List<string> digests = image.Texts("repository_digests");
        (JsonElement config, _) = scene.Document("image", "image-config.json");
        string? committed = config.Items("history").Select(step => step.Text("created_by") ?? "").LastOrDefault() is { Length: > 0 } last && !OfBuild().IsMatch(last) && (config.Items("history").Last().Text("comment") ?? "").Length == 0
            ? last : null;
        if (digests.Count == 0)
        {
            DateTimeOffset? made = image.Instant("created"), started = scene.Inspect.Instant("Created");
            bool isRecent = made is { } at && started is { } run && run - at < Recent;
            List<SeenValue> seen = [SeenValue.Of("image", image.Text("named_in_container") ?? ""), new("repository_digests", "none"), SeenValue.Of("created", image.Text("created") ?? "")];
            if (committed is not null)
            {
                seen.Add(SeenValue.OfRaw("last_step", committed));
            }

            yield return committed is not null && isRecent
                ? new Finding(MadeHere, MadeHere.Severity, seen, place)
                : new Finding(MadeHere, Severity.Info, seen, place, committed is null ? "built or loaded here, not committed from a container: hosts that build look so" : "committed more than a day before it was run");
        }

        string name = scene.Inspect.Object("Config").Text("Image") ?? "";
        string id = scene.Inspect.Text("Image") ?? "";
        if (scene.Allowed.KnownImages.TryGetValue(name, out string? known))
        {
            if (known != id && !digests.Any(digest => digest.EndsWith("@" + known, StringComparison.Ordinal)))
            {
                yield return new Finding(Other, Other.Severity, [SeenValue.OfRaw("image", name), SeenValue.OfRaw("running", id), SeenValue.OfRaw("recorded", known)], place);
            }
        }
        else if (image.Field("name_still_points_here") is { ValueKind: JsonValueKind.False } && !name.StartsWith("sha256:", StringComparison.Ordinal) && !name.Contains('@', StringComparison.Ordinal) && !id.StartsWith("sha256:" + name, StringComparison.Ordinal))
        {
            yield return new Finding(
                Other, Severity.Low, [SeenValue.OfRaw("image", name), SeenValue.OfRaw("running", id), new("name_still_points_here", "false")], place, "the name names another image by now, and no record says which was to run: rolling tags look so");
        }
    }

    /// <summary>How builders word their steps; a commit has the container's own command instead.</summary>
    [GeneratedRegex(@"#\(nop\)|^/bin/(ba)?sh -c |^\|[0-9]+ |^(RUN|COPY|ADD|CMD|ENTRYPOINT|ENV|LABEL|EXPOSE|WORKDIR|USER|VOLUME|HEALTHCHECK|ARG|SHELL|STOPSIGNAL|ONBUILD|MAINTAINER|bazel build|apko|nix|buildah|kaniko|Buildpacks)\b", RegexOptions.NonBacktracking)]
    private static partial Regex OfBuild();
}
