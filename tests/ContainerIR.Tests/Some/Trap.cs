namespace ContainerIR.Tests.Some;

/// <summary>One of the hostile containers of tests/traps, up for the life of this object. Its container is named <c>trap-NAME</c>.</summary>
internal sealed class Trap : IDisposable
{
    private readonly string script;

    public Trap(string name)
    {
        Name = name;
        script = Path.Combine(Repository.Root, "tests", "traps", name + ".sh");
        RealEngine.Run("env", $"IMAGE={RealEngine.Image}", "bash", script, "up");
    }

    public string Name { get; }

    public string ContainerName => "trap-" + Name;

    public string Inspect(string format) => RealEngine.Docker("inspect", "-f", format, ContainerName).Trim();

    public int InitPid => int.Parse(Inspect("{{.State.Pid}}"), System.Globalization.CultureInfo.InvariantCulture);

    public string UpperDirectory => Inspect("{{.GraphDriver.Data.UpperDir}}");

    public void Dispose() => RealEngine.Run("bash", script, "down");
}

/// <summary>The checked-out tree the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ContainerIR.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("ContainerIR.sln is not above the test binary");
    }
}
