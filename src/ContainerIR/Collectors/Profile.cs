namespace ContainerIR.Collectors;

/// <summary>How much of a container is copied. Each profile holds all of the one before.</summary>
public enum Profile
{
    /// <summary>Volatile state and metadata, no file bytes. Seconds.</summary>
    Triage,

    /// <summary>Plus logs, the changed files with their bytes, the executables of processes. The default.</summary>
    Standard,

    /// <summary>Plus memory of all processes, ten seconds of traffic, volumes, tmpfs, image layers.</summary>
    Full,
}
