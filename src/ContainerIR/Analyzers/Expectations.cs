namespace ContainerIR.Analyzers;

/// <summary>What a container is held against beside its image and configuration; read once for any number of bundles.</summary>
public sealed record Expectations
{
    /// <summary>Nothing is expected.</summary>
    public static Expectations None { get; } = new();

    /// <summary>Findings that are no news, and the images that were to run.</summary>
    public AllowList Allowed { get; init; } = AllowList.None;

    /// <summary>An earlier capture of the same image, known to be good; null for none.</summary>
    public Baseline? Baseline { get; init; }
}
