namespace ContainerIR.Tests.Some;

/// <summary>tests/programs/memory.c, built once, running in a container in one of its modes.</summary>
internal sealed class MemoryProgram : IDisposable
{
    private static readonly Lazy<string> LazyPath = new(Build);
    private readonly TestContainer container;

    private MemoryProgram(TestContainer container) => this.container = container;

    /// <summary>The executable on this machine, with its symbols.</summary>
    public static string Executable => LazyPath.Value;

    public string Id => container.Id;

    public TestContainer Container => container;

    public int Pid => container.InitPid;

    /// <summary>Starts it and waits until it says that it stands as its mode is meant.</summary>
    public static async Task<MemoryProgram> Start(string mode, params string[] options)
    {
        TestContainer container = RealEngine.Start(options, "sh", "-c", $"until [ -e /go ]; do sleep 0.02; done; exec /program {mode}");
        try
        {
            RealEngine.Docker("cp", Executable, container.Id + ":/program");
            container.Exec("touch /go");
            string ready = $"/proc/{container.InitPid}/root/ready";
            await RealEngine.Until(() => File.Exists(ready), $"the program in mode {mode}; its output: {RealEngine.Docker("logs", container.Id)}");
            return new MemoryProgram(container);
        }
        catch
        {
            container.Dispose();
            throw;
        }
    }

    public void Dispose() => container.Dispose();

    private static string Build()
    {
        string program = Path.Combine(Directory.CreateTempSubdirectory("cir-program-").FullName, "program");
        RealEngine.Run(
            "gcc", "-O1", "-g", "-fno-omit-frame-pointer", "-static", "-pthread", "-Wall", "-o", program, Path.Combine(Repository.Root, "tests", "programs", "memory.c"));
        return program;
    }
}
