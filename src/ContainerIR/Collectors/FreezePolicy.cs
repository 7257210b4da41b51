namespace ContainerIR.Collectors;

/// <summary>Whether the container stands still while it is copied.</summary>
public enum FreezePolicy
{
    /// <summary>While its memory is copied, unless something watches over its health and would restart it meanwhile.</summary>
    Auto,

    /// <summary>Never: memory is copied as it changes.</summary>
    Never,

    /// <summary>While its memory is copied, whatever watches it.</summary>
    Always,
}
