namespace ContainerIR.Evidence;

/// <summary>The bundle or its journal cannot be written (disk full, device gone, rights). It ends the run; what is on disk is recoverable.</summary>
public sealed class BundleWriteException : IOException
{
    /// <summary>Names what could not be written and where.</summary>
    public BundleWriteException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
