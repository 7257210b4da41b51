using ContainerIR.Evidence;
using ContainerIR.Linux;
using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Runtimes;

/// <summary>Finds the engine: the endpoint given, else DOCKER_HOST, else the usual sockets in the order of <see cref="RuntimeList"/>.</summary>
internal static class RuntimeConnector
{
    /// <summary>Makes a runtime of an engine that takes connections. Nothing is asked of it yet: the first request stays free for the events.</summary>
    /// <param name="endpoint">As typed; null to look for one.</param>
    /// <param name="spoolDirectory">Where the event backlog is spooled, in a file without a name; null for the temporary directory.</param>
    /// <param name="clock">Time; null for the system's.</param>
    /// <exception cref="OperatorException">None can be reached: names the socket, the error and the remedy.</exception>
    public static IContainerRuntime Find(string? endpoint = null, string? spoolDirectory = null, TimeProvider? clock = null)
    {
        string spool = spoolDirectory ?? Path.GetTempPath();
        TimeProvider time = clock ?? TimeProvider.System;
        if (Chosen(endpoint) is { } address)
        {
            return EngineConnection.Try(address) is { } failure ? throw failure : RuntimeList.All[0].Make(address, spool, time);
        }

        List<OperatorException> failures = [];
        foreach (RuntimeEntry entry in RuntimeList.All)
        {
            EngineAddress usual = EngineAddress.Parse(entry.UsualEndpoint);
            if (EngineConnection.Try(usual) is { } failure)
            {
                failures.Add(failure);
                continue;
            }

            return entry.Make(usual, spool, time);
        }

        // A socket that is there and refuses says more than one that is not there.
        OperatorException telling = failures.Find(failure => failure.InnerException is not HostFileException { IsMissing: true }) ?? failures[0];
        throw telling == failures[0] && telling.InnerException is HostFileException { IsMissing: true }
            ? new OperatorException(
                "No container engine answers: " + string.Join(" ", failures.Select(failure => failure.Message)),
                "Start the engine (systemctl start docker, or systemctl start podman.socket), or name its socket: DOCKER_HOST=unix:///path/to/docker.sock. A rootless engine's socket is in /run/user/UID/.",
                telling)
            : telling;
    }

    /// <summary>Makes a runtime of an engine's data directory, with no engine.</summary>
    /// <exception cref="OperatorException">It is none.</exception>
    public static IContainerRuntime OpenDisk(string root, string? spoolDirectory = null, TimeProvider? clock = null) =>
        Stores.DiskRuntime.Open(Path.GetFullPath(root), spoolDirectory ?? Path.GetTempPath(), clock ?? TimeProvider.System);

    /// <summary>The address a person or the environment chose; null when none did.</summary>
    internal static EngineAddress? Chosen(string? endpoint)
    {
        string? text = string.IsNullOrEmpty(endpoint) ? Environment.GetEnvironmentVariable("DOCKER_HOST") : endpoint;
        string? certificates = Environment.GetEnvironmentVariable("DOCKER_CERT_PATH");
        return string.IsNullOrEmpty(text) ? null : EngineAddress.Parse(text, string.IsNullOrEmpty(certificates) ? null : certificates);
    }
}
