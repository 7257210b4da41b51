using ContainerIR.Collectors;

namespace ContainerIR.Acquisitions;

/// <summary>One acquisition as the command line or the console asks for it.</summary>
public sealed record AcquisitionRequest
{
    /// <summary>Id, unique prefix or name, as typed.</summary>
    public required string Container { get; init; }

    /// <summary>Case id.</summary>
    public required string CaseId { get; init; }

    /// <summary>How much.</summary>
    public Profile Profile { get; init; } = Profile.Standard;

    /// <summary>Memory, standstill and traffic, where they were asked for beyond the profile.</summary>
    public VolatileChoices Choices { get; init; } = new();

    /// <summary>Names of collectors left out.</summary>
    public IReadOnlyList<string> Skip { get; init; } = [];

    /// <summary>Whether the image's layers are copied in any profile, as an OCI layout.</summary>
    public bool ImageLayers { get; init; }

    /// <summary>PEM files with public keys and certificates the image's signatures are verified with.</summary>
    public IReadOnlyList<string> ImageKeys { get; init; } = [];

    /// <summary>OCI layouts with signatures of the image, fetched from its registry.</summary>
    public IReadOnlyList<string> ImageSignatures { get; init; } = [];

    /// <summary>Places of volumes and bind mounts to copy, in any profile and even where they are the host system's; empty for what the profile holds.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];

    /// <summary>How large items are stored.</summary>
    public Compression Compression { get; init; } = Compression.Auto;

    /// <summary>Directory that gets the bundle; null for the case's folder.</summary>
    public string? OutDirectory { get; init; }

    /// <summary>Who acquires; null for the responder identity's name.</summary>
    public string? Examiner { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }

    /// <summary>Data directory of an engine that does not run: the container is read from it alone. Null for a live engine.</summary>
    public string? Root { get; init; }

    /// <summary>Endpoint of the engine; null to look at DOCKER_HOST and the usual places.</summary>
    public string? Endpoint { get; init; }
}
