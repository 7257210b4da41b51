using System.Diagnostics;

namespace ContainerIR.Tests.Some;

/// <summary>
/// A containerd of a test's own with the snapshots an engine with a containerd store makes for a container: base, the engine's own "-init" above it, the writable one.
/// It is stopped by its process id.
/// </summary>
internal sealed class ContainerdStore : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-containerd-").FullName;
    private Process? process;

    public ContainerdStore()
    {
        Directory.CreateDirectory($"{EngineRoot}/containers/{Id}");
        File.WriteAllText(
            $"{EngineRoot}/containers/{Id}/config.v2.json",
            $$$"""{"ID":"{{{Id}}}","Created":"2026-01-02T03:04:05Z","Name":"/stopped","Driver":"overlayfs","Image":"sha256:{{{new string('1', 64)}}}","Config":{"Image":"shop:1"},"State":{"Running":false,"StartedAt":"2026-01-02T03:04:06Z"}}""");
        File.WriteAllText(
            $"{folder}/config.toml",
            $"version = 2\nroot = \"{Home}\"\nstate = \"{folder}/state\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n[grpc]\naddress = \"{folder}/sock\"\n");
        process = Process.Start(new ProcessStartInfo("sh", ["-c", $"exec containerd --config {folder}/config.toml >{folder}/log 2>&1"]));
        RealEngine.Until(() => process!.HasExited || Answers(), "containerd").GetAwaiter().GetResult();
        if (process!.HasExited)
        {
            throw new InvalidOperationException("containerd ended: " + File.ReadAllText($"{folder}/log"));
        }

        Layer("base", "", "base-active", "mkdir etc; echo old > etc/kept; echo old > etc/changed; echo old > etc/gone");
        Layer($"{Id}-init", "base", $"{Id}-init-active", "mkdir dev");
        Ctr("prepare", Id, $"{Id}-init");
        Upper = RealEngine.Run("sh", "-c", $"{CtrCommand} mounts /m {Id}").Split("upperdir=")[1].Split(',')[0];
        RealEngine.Run("sh", "-c", $"cd {Upper}; mkdir etc; echo new > etc/changed; echo new > etc/added; mknod etc/gone c 0 0");
    }

    /// <summary>The container's.</summary>
    public string Id { get; } = new('d', 64);

    /// <summary>The data directory of an engine beside it.</summary>
    public string EngineRoot => $"{folder}/docker";

    public string Home => $"{folder}/containerd";

    public string Database => $"{Home}/io.containerd.snapshotter.v1.overlayfs/metadata.db";

    /// <summary>The writable layer, as containerd itself names it.</summary>
    public string Upper { get; }

    private string CtrCommand => $"ctr --address {folder}/sock --namespace moby snapshots";

    public void Ctr(params string[] arguments) => RealEngine.Run("sh", "-c", $"{CtrCommand} {string.Join(' ', arguments)}");

    public void Stop()
    {
        if (process is { } running)
        {
            process = null;
            RealEngine.Run("sh", "-c", $"kill {running.Id}");
            running.WaitForExit(TimeSpan.FromSeconds(20));
            running.Dispose();
        }
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(folder, recursive: true);
    }

    private void Layer(string name, string parent, string active, string work)
    {
        Ctr("prepare", active, parent);
        string mounts = RealEngine.Run("sh", "-c", $"{CtrCommand} mounts /m {active}");
        string at = mounts.Contains("upperdir=", StringComparison.Ordinal) ? mounts.Split("upperdir=")[1].Split(',')[0] : mounts.Split("bind ")[1].Split(' ')[0];
        RealEngine.Run("sh", "-c", $"cd {at}; {work}");
        Ctr("commit", name, active);
    }

    private bool Answers()
    {
        try
        {
            Ctr("ls");
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
