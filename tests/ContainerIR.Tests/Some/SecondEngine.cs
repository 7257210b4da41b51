using System.Diagnostics;

namespace ContainerIR.Tests.Some;

/// <summary>
/// An engine of a test's own in a network namespace of its own (in the host's it would take over the host's bridge), without network unless it is given a
/// bridge. It has the busybox image. It is stopped by its process id.
/// </summary>
internal sealed class SecondEngine : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-second-").FullName;
    private readonly string[] bridged = [];
    private readonly Process? network;
    private Process? process;

    /// <param name="storageDriver">Its storage driver.</param>
    /// <param name="hasJournal">Whether a systemd-journald of its own runs beside it, in a mount namespace with a /run of its own: its log goes there.</param>
    public SecondEngine(string storageDriver = "overlay2", bool hasJournal = false)
    {
        // journald ends with the shell that becomes the engine.
        string journal = hasJournal
            ? "mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal || exit 1; setpriv --pdeathsig TERM /lib/systemd/systemd-journald & "
                + "until [ -S /run/systemd/journal/stdout ]; do :; done; exec systemd-cat "
            : "exec ";
        process = Process.Start(new ProcessStartInfo(
            "unshare",
            [hasJournal ? "-mn" : "-n", "sh", "-c", $"{journal}dockerd --data-root {Root} --exec-root {folder}/exec --pidfile {folder}/pid --bridge none --iptables=false --storage-driver {storageDriver} -H {Endpoint} {(hasJournal ? "" : $">{folder}/log 2>&1")}"]));
        RealEngine.Until(() => process!.HasExited || Answers(), "the second engine").GetAwaiter().GetResult();
        if (process!.HasExited)
        {
            throw new InvalidOperationException("the second engine ended: " + (hasJournal ? "its log was in its journal" : File.ReadAllText($"{folder}/log")));
        }

        LoadImage();
    }

    private SecondEngine(Process network, string[] options)
    {
        this.network = network;
        bridged = options;
        process = StartBridged();
        LoadImage();
    }

    /// <summary>One with a bridge. Its network namespace outlives it, so that it can be started again.</summary>
    /// <param name="options">More of dockerd's options.</param>
    public static SecondEngine WithBridge(params string[] options) => new(Process.Start(new ProcessStartInfo("unshare", ["-n", "sleep", "1000000"]))!, options);

    /// <summary>Kills the engine, as a crash would, and starts it again; with <c>--live-restore</c> its containers run on.</summary>
    public void Crash()
    {
        process!.Kill();
        End();
        GoOn();
    }

    /// <summary>Stops the engine as an administrator does, its containers with it; its network namespace stays for <see cref="GoOn"/>.</summary>
    public void Halt()
    {
        RealEngine.Run("sh", "-c", $"kill {process!.Id}");
        End();
    }

    /// <summary>Starts it again: its containers run on or are started again, as their restart policies say.</summary>
    public void GoOn() => process = StartBridged();

    /// <summary>Runs a program in its network namespace.</summary>
    public string OnHost(params string[] command) => RealEngine.Run("nsenter", ["-t", $"{network!.Id}", "-n", .. command]);

    public string Root => folder + "/data";

    public string Endpoint => $"unix://{folder}/docker.sock";

    public string Docker(params string[] arguments) => RealEngine.Docker(["-H", Endpoint, .. arguments]);

    /// <summary>Stops it, containers and all.</summary>
    public void Stop()
    {
        if (process is not { } running)
        {
            return;
        }

        process = null;
        try
        {
            if (running.HasExited)
            {
                throw new InvalidOperationException("the engine had ended by itself: " + string.Join('\n', File.ReadLines($"{folder}/log").TakeLast(20)));
            }

            RealEngine.Run("sh", "-c", $"kill {running.Id}");
            running.WaitForExit(TimeSpan.FromSeconds(40));
        }
        finally
        {
            running.Dispose();
            network?.Kill();
            network?.Dispose();
        }
    }

    public void Dispose()
    {
        if (process is not null)
        {
            RealEngine.Run("sh", "-c", $"ids=$(docker -H {Endpoint} ps -aq); [ -z \"$ids\" ] || docker -H {Endpoint} rm -f -v $ids >/dev/null");
        }

        Stop();
        RealEngine.Run("sh", "-c", $"awk -v d={folder}/ 'index($2, d) == 1 {{print $2}}' /proc/mounts | sort -r | while read -r m; do umount -l \"$m\"; done; rm -rf {folder}");
    }

    private void End()
    {
        process!.WaitForExit();
        process.Dispose();
        process = null;

        // Its containerd is told of its death and ends too; an engine that starts meanwhile waits for that one in vain.
        string pid = $"{folder}/exec/containerd/containerd.pid";
        string containerd = File.Exists(pid) ? File.ReadAllText(pid).Trim() : "none";
        RealEngine.Until(() => !Directory.Exists($"/proc/{containerd}"), "the end of containerd").GetAwaiter().GetResult();
        File.Delete(pid);
        File.Delete($"{folder}/pid");
    }

    private void LoadImage() => RealEngine.Run("sh", "-c", $"docker save {RealEngine.Image} | docker -H {Endpoint} load");

    private Process StartBridged()
    {
        // The namespace is the sleeper's as soon as unshare has become it.
        RealEngine.Until(() => File.ReadAllText($"/proc/{network!.Id}/comm").StartsWith("sleep", StringComparison.Ordinal), "the network namespace").GetAwaiter().GetResult();
        Process started = Process.Start(new ProcessStartInfo(
            "nsenter",
            ["-t", $"{network!.Id}", "-n", "sh", "-c", $"ip link set lo up; exec dockerd \"$@\" >>{folder}/log 2>&1", "sh", "--data-root", Root, "--exec-root", folder + "/exec", "--pidfile", folder + "/pid", "--bip", "10.196.0.1/24", "-H", Endpoint, .. bridged]))!;
        RealEngine.Until(() => started.HasExited || Answers(), "the engine with a bridge").GetAwaiter().GetResult();
        return started.HasExited ? throw new InvalidOperationException("the second engine ended: " + File.ReadAllText($"{folder}/log")) : started;
    }

    private bool Answers()
    {
        try
        {
            Docker("version");
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
