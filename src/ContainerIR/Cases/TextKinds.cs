namespace ContainerIR.Cases;

/// <summary>The words of <see cref="SearchHit.Kind"/>.</summary>
public static class TextKinds
{
    /// <summary>A variable of a process, or one the container was configured with; the value is the one in the evidence.</summary>
    public const string Environment = "environment";

    /// <summary>A line of the container's output.</summary>
    public const string Log = "log";

    /// <summary>A row of the rotation list; its values were masked when they were collected.</summary>
    public const string Secret = "secret";

    /// <summary>A name asked for in captured traffic.</summary>
    public const string Dns = "dns";

    /// <summary>A flow in captured traffic.</summary>
    public const string Flow = "flow";

    /// <summary>A changed file, by its path.</summary>
    public const string Path = "path";

    /// <summary>A process, by command line, name or executable.</summary>
    public const string Process = "process";

    /// <summary>A socket or flow.</summary>
    public const string Socket = "socket";

    /// <summary>A finding of the analyzers.</summary>
    public const string Finding = "finding";

    /// <summary>A row of the case's own record: notes, decisions, playbooks.</summary>
    public const string Record = "record";

    /// <summary>An item, by its digest.</summary>
    public const string Item = "item";

    /// <summary>A bundle, by its root digest.</summary>
    public const string Bundle = "bundle";
}
