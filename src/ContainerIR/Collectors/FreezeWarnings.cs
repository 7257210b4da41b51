using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Collectors;

/// <summary>What could act on a container because it stands still, read from the engine's own document of it.</summary>
/// <param name="Texts">For the journal, in words.</param>
/// <param name="IsSupervised">Whether something is known to restart it when it stops answering: the evidence would be lost.</param>
internal sealed record FreezeWarnings(IReadOnlyList<string> Texts, bool IsSupervised)
{
    // The engine's defaults where the image sets none (Docker Engine API, HealthConfig).
    private const long DefaultIntervalNanoseconds = 30_000_000_000;
    private const long DefaultTimeoutNanoseconds = 30_000_000_000;
    private const long DefaultRetries = 3;

    // Labels by which a supervisor that acts on health, or on silence, marks what is in its care.
    private static readonly (string Label, string Who)[] Supervisors =
    [
        ("autoheal", "autoheal restarts containers that become unhealthy"),
        ("deunhealth.restart.on.unhealthy", "deunhealth restarts containers that become unhealthy"),
        ("com.docker.swarm.service.id", "the swarm replaces tasks that become unhealthy"),
        ("io.kubernetes.pod.uid", "the kubelet restarts containers whose liveness probe fails"),
        ("io.podman.annotations.healthcheck.action", "podman acts on a container that becomes unhealthy"),
    ];

    /// <summary>Nothing known.</summary>
    public static FreezeWarnings None { get; } = new([], false);

    /// <summary>Reads the document (Docker Engine API, GET /containers/{id}/json).</summary>
    public static FreezeWarnings Of(JsonElement inspect)
    {
        List<string> texts = [];
        JsonElement config = inspect.Field("Config") ?? default;
        bool hasCheck = Check(config, texts);
        bool isSupervised = false;
        foreach (JsonProperty label in config.Members("Labels"))
        {
            string name = JsonFields.NameOf(label);
            string value = label.Value.TextOrNull() ?? "";
            foreach ((string known, string who) in Supervisors)
            {
                if (name == known && value is not ("false" or "none" or ""))
                {
                    isSupervised |= hasCheck || known == "io.kubernetes.pod.uid";
                    texts.Add($"label {known}={DisplayText.Shorten(value, 80)}: {who}");
                }
            }
        }

        return new FreezeWarnings(texts, isSupervised);
    }

    private static bool Check(JsonElement config, List<string> texts)
    {
        JsonElement check = config.Field("Healthcheck") ?? default;
        string? kind = check.Texts("Test").FirstOrDefault();
        if (kind is null or "NONE")
        {
            return false;
        }

        double interval = Seconds(check.Number("Interval"), DefaultIntervalNanoseconds), timeout = Seconds(check.Number("Timeout"), DefaultTimeoutNanoseconds);
        long retries = check.Number("Retries") is > 0 and var given ? given : DefaultRetries;
        // A check that runs into the freeze does not answer; the engine counts it when its timeout has passed.
        double until = ((interval + timeout) * retries) - interval;
        texts.Add(string.Create(CultureInfo.InvariantCulture,
            $"health check every {interval:0.###} s (timeout {timeout:0.###} s, {retries} retries): checks fail while it stands still; it becomes unhealthy after about {until:0.###} s"));
        return true;
    }

    private static double Seconds(long? nanoseconds, long otherwise) => (nanoseconds is > 0 and var given ? given : otherwise) / 1e9;
}
