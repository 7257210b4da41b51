using ContainerIR.Collectors.Images;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>What a collector may be built from. It holds neither the case, the key nor the bundle.</summary>
/// <param name="Runtime">The engine the container lives in.</param>
/// <param name="Events">The engine's event backlog, taken before any other call.</param>
/// <param name="Profile">How much was asked for.</param>
/// <param name="Clock">Time.</param>
internal sealed record CollectionContext(IContainerRuntime Runtime, EventBacklog Events, Profile Profile, TimeProvider Clock)
{
    /// <summary>Whether the image's layers are copied, whatever the profile.</summary>
    public bool ImageLayers { get; init; }

    /// <summary>What the image's signatures are verified with.</summary>
    public SignatureSearch Signatures { get; init; } = SignatureSearch.None;

    /// <summary>What was asked for beyond the profile.</summary>
    public VolatileChoices Choices { get; init; } = new();

    /// <summary>Places of volumes and bind mounts to copy; empty for all that the profile holds.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];
}
