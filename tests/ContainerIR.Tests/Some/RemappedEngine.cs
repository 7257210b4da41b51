using System.Diagnostics;

namespace ContainerIR.Tests.Some;

/// <summary>
/// A second engine whose containers live in a user namespace of their own (<c>dockerd --userns-remap default</c>), in its own network namespace: one
/// with a bridge of its own in the host's would take the first engine's away.
/// </summary>
internal sealed class RemappedEngine : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-remap-").FullName;
    private readonly Process engine;

    private RemappedEngine()
    {
        // Mapped users must reach the layers below it.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_001_001);
        engine = Process.Start(new ProcessStartInfo("unshare", ["-n", "sh", "-c", "ip link set lo up; exec dockerd \"$@\" >log 2>&1", "sh",
            "--data-root", folder + "/data", "--exec-root", folder + "/exec", "-H", Endpoint, "--pidfile", folder + "/pid", "--bip", "10.197.0.1/24", "--userns-remap", "default"])
        { WorkingDirectory = folder })!;
    }

    /// <summary>Whether the host has the user that such an engine maps to; it would make one.</summary>
    public static bool IsPossible => File.Exists("/etc/subuid") && File.ReadAllText("/etc/subuid").Contains("dockremap:", StringComparison.Ordinal);

    private string Endpoint => $"unix://{folder}/docker.sock";

    public static async Task<RemappedEngine> Start()
    {
        string image = RealEngine.Image;
        RemappedEngine started = new();
        try
        {
            await RealEngine.Until(
                () => started.engine.HasExited || (File.Exists(started.folder + "/log") && File.ReadAllText(started.folder + "/log").Contains("API listen on", StringComparison.Ordinal)), "the engine");
            RealEngine.Run("sh", "-c", $"docker save {image} | docker -H {started.Endpoint} load");
            return started;
        }
        catch
        {
            started.Dispose();
            throw;
        }
    }

    public string Docker(params string[] arguments) => RealEngine.Docker(["-H", Endpoint, .. arguments]);

    public void Dispose()
    {
        if (!engine.HasExited)
        {
            RealEngine.Run("sh", "-c", $"docker -H {Endpoint} ps -aq | xargs -r docker -H {Endpoint} rm -f -v >/dev/null 2>&1; kill {engine.Id}");
            engine.WaitForExit();
        }

        engine.Dispose();
        RealEngine.Run("sh", "-c", $"awk '$5 ~ \"^{folder}\" {{print $5}}' /proc/self/mountinfo | sort -r | xargs -r umount -l; rm -rf '{folder}'");
    }
}
