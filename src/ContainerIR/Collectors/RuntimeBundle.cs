using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>The OCI bundle of a running container, found from the process that looks after it.</summary>
internal sealed record RuntimeBundle(string Directory, string ContainerId, string? Namespace)
{
    private const int CommandLineLimitBytes = 256 * 1024;

    /// <summary>Finds it; null when the parent is neither a containerd shim nor conmon.</summary>
    public static RuntimeBundle? Find(ContainerRef container)
    {
        try
        {
            int parent = ParentOf(container.InitPid);
            if (parent <= 1)
            {
                return null;
            }

            string[] arguments = Encoding.UTF8.GetString(HostFile.ReadSmall(Proc(parent, "cmdline"), CommandLineLimitBytes)).Split('\0');
            string program = Path.GetFileName(arguments[0]);
            if (program.StartsWith("containerd-shim", StringComparison.Ordinal) && HostFile.TryReadLink(Proc(parent, "cwd")) is { } cwd)
            {
                string directory = Encoding.UTF8.GetString(cwd);
                return directory.Contains(container.Id, StringComparison.Ordinal) ? new RuntimeBundle(directory, container.Id, After(arguments, "-namespace")) : null;
            }

            return program == "conmon" && After(arguments, "-b") is { Length: > 0 } bundle ? new RuntimeBundle(bundle, container.Id, null) : null;
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    /// <summary>Places the low-level runtime's state may lie, best first: where the shim's options say, then the defaults of runc and crun.</summary>
    public IEnumerable<string> StatePaths(string prefix)
    {
        string space = Namespace is { Length: > 0 } name && !name.Contains('/') ? name + "/" : "";
        if (OptionsRoot(prefix) is { } root)
        {
            yield return $"{prefix}{root}/{space}{ContainerId}/state.json";
            yield return $"{prefix}{root}/{ContainerId}/state.json";
        }

        yield return $"{prefix}/run/docker/runtime-runc/{space}{ContainerId}/state.json";
        yield return $"{prefix}/run/runc/{ContainerId}/state.json";
        yield return $"{prefix}/run/crun/{ContainerId}/status";
    }

    private static string Proc(int pid, string file) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{file}");

    private static string? After(string[] arguments, string option)
    {
        int index = Array.FindIndex(arguments, argument => argument == option || argument == "-" + option);
        return index >= 0 && index + 1 < arguments.Length ? arguments[index + 1] : null;
    }

    /// <summary>The parent of a process; 0 when the process is gone.</summary>
    internal static int ParentOf(int pid)
    {
        using ProcEntry? process = ProcEntry.Open(pid, out _);
        return process is null ? 0 : ProcStat.Parse(process.Read("stat", 4096).Content)?.ParentPid ?? 0;
    }

    private string? OptionsRoot(string prefix)
    {
        try
        {
            using JsonDocument options = ContainerInspect.Parse(HostFile.ReadSmall($"{prefix}{Directory}/options.json"));
            string? root = options.RootElement.Text("root") ?? options.RootElement.Text("Root");
            return root is { Length: > 0 } ? root : null;
        }
        catch (Exception failure) when (failure is HostFileException or InvalidDataException)
        {
            return null;
        }
    }
}
