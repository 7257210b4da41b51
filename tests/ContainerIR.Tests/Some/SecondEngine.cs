using System.Diagnostics;

namespace ContainerIR.Tests.Some;

/// <summary>
/// An engine of a test's own, without network, in a network namespace of its own (in the host's it would take over the host's bridge). It has the busybox
/// image. It is stopped by its process id.
/// </summary>
internal sealed class SecondEngine : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("cir-second-").FullName;
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

        RealEngine.Run("sh", "-c", $"docker save {RealEngine.Image} | docker -H {Endpoint} load");
    }

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
        RealEngine.Run("sh", "-c", $"kill {running.Id}");
        running.WaitForExit(TimeSpan.FromSeconds(40));
        running.Dispose();
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
