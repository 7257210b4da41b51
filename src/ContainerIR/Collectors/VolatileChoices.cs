using ContainerIR.Collectors.Traffic;

namespace ContainerIR.Collectors;

/// <summary>What was asked for beyond the profile, of that which is gone soonest. A null leaves it to the profile.</summary>
public sealed record VolatileChoices
{
    /// <summary>Whose memory is copied.</summary>
    public MemoryScope? Memory { get; init; }

    /// <summary>Whether the container stands still meanwhile.</summary>
    public FreezePolicy Freeze { get; init; } = FreezePolicy.Auto;

    /// <summary>Whether it stands still while its changed files are copied too, once more.</summary>
    public bool FreezeFiles { get; init; }

    /// <summary>How long traffic is recorded.</summary>
    public TrafficOptions? Traffic { get; init; }
}
