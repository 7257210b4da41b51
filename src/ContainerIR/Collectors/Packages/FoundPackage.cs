namespace ContainerIR.Collectors.Packages;

/// <summary>One package found in the layers. Texts are as found; escape them for people.</summary>
internal sealed record FoundPackage
{
    /// <summary>Who manages it: <c>deb</c>, <c>apk</c>, <c>rpm</c>, <c>npm</c>, <c>pypi</c>, <c>gem</c>, <c>golang</c>, <c>maven</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Name; for Maven <c>group:artifact</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Version; empty when unknown.</summary>
    public required string Version { get; init; }

    /// <summary>Architecture; null where the kind has none.</summary>
    public string? Architecture { get; init; }

    /// <summary>Source package; null where it is none or the same.</summary>
    public string? Source { get; init; }

    /// <summary>File that says so, with leading slash, display form.</summary>
    public required string Evidence { get; init; }

    /// <summary>Index of the layer that brought it in this version; 0 is the container's writable layer.</summary>
    public required int Layer { get; init; }

    /// <summary>SHA-256 or other hash that the evidence names, as algorithm of CycloneDX and hex; null for none.</summary>
    public (string Algorithm, string Hex)? Hash { get; init; }

    /// <summary>Whether it came into the container at run time.</summary>
    public bool IsAddedAtRunTime => Layer == 0;

    /// <summary>What one database knows it by.</summary>
    public (string, string) Key => (Name, Architecture ?? "");
}

/// <summary>A digest that a package database names for a file.</summary>
/// <param name="Path">Without leading slash.</param>
/// <param name="Algorithm"><c>md5</c>, <c>sha1</c>, <c>sha256</c>, <c>sha384</c>, <c>sha512</c>.</param>
/// <param name="Hex">Lower case.</param>
/// <param name="IsConfiguration">Whether people are meant to change it.</param>
internal sealed record ExpectedFile(byte[] Path, string Algorithm, string Hex, bool IsConfiguration);

/// <summary>A package as one version of a database names it, with its files' digests where they stand in the database.</summary>
/// <param name="Name">Name.</param>
/// <param name="Version">Version.</param>
/// <param name="Architecture">Architecture; null for none.</param>
/// <param name="Source">Source package; null for none.</param>
/// <param name="Files">Digests of its files.</param>
internal sealed record DatabasePackage(string Name, string Version, string? Architecture, string? Source, IReadOnlyList<ExpectedFile> Files);
