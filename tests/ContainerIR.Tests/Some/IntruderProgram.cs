namespace ContainerIR.Tests.Some;

/// <summary>tests/programs/intruder.c, built once: stands as intruders stand and does nothing.</summary>
internal static class IntruderProgram
{
    private static readonly Lazy<string> LazyPath = new(Build);

    /// <summary>The executable on this machine.</summary>
    public static string Executable => LazyPath.Value;

    private static string Build()
    {
        string program = Path.Combine(Directory.CreateTempSubdirectory("cir-program-").FullName, "intruder");
        RealEngine.Run("gcc", "-O1", "-static", "-Wall", "-o", program, Path.Combine(Repository.Root, "tests", "programs", "intruder.c"), "-lutil");
        return program;
    }
}
