namespace ContainerIR.Analyzers;

/// <summary>How bad what was seen is, if it is what it looks like.</summary>
public enum Severity
{
    /// <summary>Context only.</summary>
    Info,

    /// <summary>Ordinary containers show it too.</summary>
    Low,

    /// <summary>Worth a look today.</summary>
    Medium,

    /// <summary>Rare without an intrusion.</summary>
    High,

    /// <summary>An intrusion until shown otherwise.</summary>
    Critical,
}
