using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;

namespace ContainerIR.Acquisitions;

/// <summary>What this program says of itself in a bundle.</summary>
public static class ToolFacts
{
    private static readonly string Informational =
        typeof(ToolFacts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>Version, without the commit.</summary>
    public static string Version => Informational.Split('+')[0];

    /// <summary>Commit it was built from; null when it was built outside a repository.</summary>
    public static string? Commit => Informational.Split('+') is [_, var commit] ? commit : null;

    /// <summary><c>Bag-Software-Agent</c>.</summary>
    public static string Agent => $"ContainerIR {Version}";

    /// <summary>The program as the collection record names it. Secrets never stand in arguments: cir takes none there.</summary>
    public static CustodyTool Describe() => new()
    {
        Name = "ContainerIR cir",
        Version = Version,
        Commit = Commit,
        ExecutableSha256 = HashOfExecutable(),
        Runtime = $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}",
        Arguments = Environment.GetCommandLineArgs(),
    };

    private static string? HashOfExecutable()
    {
        try
        {
            using FileStream executable = new("/proc/self/exe", FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
            return Convert.ToHexStringLower(SHA256.HashData(executable));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Without /proc the field stays null: "not known".
            return null;
        }
    }
}
