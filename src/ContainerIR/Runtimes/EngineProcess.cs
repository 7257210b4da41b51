using System.Globalization;
using System.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Runtimes;

/// <summary>The process of the engine on this host: its descriptors hold files whose names are gone, and its mount namespace is where its paths are true.</summary>
internal sealed record EngineProcess(int Pid, string Name)
{
    private const int MaxDescriptors = 65536;

    /// <summary>
    /// Finds it: the process that listens on the socket (SO_PEERCRED). Where that is not the engine (systemd hands sockets over), the only process named as
    /// an engine is taken; several cannot be told apart and are none.
    /// </summary>
    public static EngineProcess? Find(string endpoint)
    {
        if (endpoint.StartsWith(Stores.DiskRuntime.EndpointPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        int? listener = EngineConnection.ListenerPid(EngineAddress.Parse(endpoint));
        if (listener is { } pid && NameOf(pid) is { } name && IsEngine(name))
        {
            return new EngineProcess(pid, name);
        }

        List<EngineProcess> engines = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int candidate) && NameOf(candidate) is { } comm && IsEngine(comm))
            {
                engines.Add(new EngineProcess(candidate, comm));
            }
        }

        return engines.Count == 1 ? engines[0] : null;
    }

    /// <summary>Prefix that makes a path of the engine true for us: empty in the same mount namespace, else through the engine's root.</summary>
    public string PathPrefix()
    {
        byte[]? ours = HostFile.TryReadLink("/proc/self/ns/mnt");
        byte[]? its = HostFile.TryReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/ns/mnt"));
        return ours is null || its is null || ours.AsSpan().SequenceEqual(its) ? "" : string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/root");
    }

    /// <summary>Its open descriptors whose link text (display form) is wanted: number and text.</summary>
    public IReadOnlyList<(int Descriptor, string Target)> Descriptors(Predicate<string> isWanted)
    {
        List<(int, string)> found = [];
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/fd");
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(folder).Take(MaxDescriptors))
            {
                if (HostFile.TryReadLink(path) is { } link && Evidence.Text.DisplayText.Escape(link) is var target && isWanted(target)
                    && int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out int descriptor))
                {
                    found.Add((descriptor, target));
                }
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The engine ended, or we may not look: no descriptors are known.
        }

        return found;
    }

    private static bool IsEngine(string name) => name is "dockerd" or "podman";

    private static string? NameOf(int pid)
    {
        try
        {
            return Encoding.UTF8.GetString(HostFile.ReadSmall(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm"), 64)).TrimEnd('\n');
        }
        catch (HostFileException)
        {
            return null;
        }
    }
}
