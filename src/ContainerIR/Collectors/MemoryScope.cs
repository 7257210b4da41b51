namespace ContainerIR.Collectors;

/// <summary>Whose memory is copied.</summary>
public enum MemoryScope
{
    /// <summary>Nobody's.</summary>
    None,

    /// <summary>
    /// Processes with a sign of planted code: an executable that has no name, lives in memory or is not of the image; memory that is writable and
    /// executable, or executable and of no file.
    /// </summary>
    Implants,

    /// <summary>Every process of the container.</summary>
    All,
}
