namespace ContainerIR.Evidence;

/// <summary>A problem the person at the keyboard can mend. Shown as problem and remedy; exit code 2.</summary>
public sealed class OperatorException : Exception
{
    /// <summary>States the problem and what to do about it.</summary>
    /// <param name="problem">What happened, with the names and numbers involved.</param>
    /// <param name="remedy">What to type or change next.</param>
    /// <param name="inner">The error behind it.</param>
    public OperatorException(string problem, string remedy, Exception? inner = null)
        : base(problem, inner)
    {
        Remedy = remedy;
    }

    /// <summary>What to type or change next.</summary>
    public string Remedy { get; }
}
