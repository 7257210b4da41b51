namespace ContainerIR.Actions;

/// <summary>What an action does to the scene. The order is the order of harm.</summary>
internal enum ActionEffect
{
    /// <summary>Reads only: nothing on the host or in the container changes beside the footprint of reading.</summary>
    Reads,

    /// <summary>Alters the host or the container, and can put back what it altered.</summary>
    Alters,

    /// <summary>Destroys evidence (memory, sockets, files): never before a sealed and verified acquisition, unless overridden with a reason.</summary>
    Destroys,
}
