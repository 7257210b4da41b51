namespace ContainerIR.Cli;

/// <summary>What the program's exit code says. Scripts rely on it: a code is never reused.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Defect = 1;
    public const int OperatorProblem = 2;
    public const int VerificationFailed = 3;
    public const int SealedWithGaps = 4;
    public const int BundleWriteFailed = 5;
    public const int ChangeNotProven = 6;

    /// <summary>128 + SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>The table every help ends with.</summary>
    public const string Help = """
        Exit codes:
          0    done
          1    defect in cir: please report it
          2    something you can mend: the message says what to do
          3    a bundle is not as it was sealed
          4    sealed, with gaps: something sought was not obtained, and the bundle says why
          5    the bundle could not be written; what is on disk can be recovered
          6    a change on the host could not be made or undone, or could not be shown to be in force
          130  interrupted
        """;
}
