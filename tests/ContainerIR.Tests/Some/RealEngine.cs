using System.Diagnostics;

namespace ContainerIR.Tests.Some;

/// <summary>
/// The real engine the integration tests run against: the one DOCKER_HOST names (test.sh starts it when none answers). Images are made from
/// busybox-static; nothing is pulled. Everything a test starts it removes.
/// </summary>
internal static class RealEngine
{
    private static readonly Lazy<string> LazyImage = new(BuildBusyboxImage);

    /// <summary>A busybox image made here, without a repository digest.</summary>
    public static string Image => LazyImage.Value;

    private static readonly Lazy<string> LazyDebian = new(BuildDebianImage);

    /// <summary>A minimal Debian made by debootstrap, kept in the engine and as a tar in /var/tmp/cir-tests: made once a machine.</summary>
    public static string Debian => LazyDebian.Value;

    /// <summary>Where the engine answers.</summary>
    public static string Endpoint => Environment.GetEnvironmentVariable("DOCKER_HOST") ?? "unix:///var/run/docker.sock";

    /// <summary>Its socket, a path of this host: where that is differs from machine to machine.</summary>
    public static string SocketPath => Endpoint["unix://".Length..];

    /// <summary>Runs the docker command of the test machine; throws with its words when it fails.</summary>
    public static string Docker(params string[] arguments) => Run("docker", arguments);

    /// <summary>Runs a program, feeds it nothing, returns its output; throws with its words when it fails.</summary>
    public static string Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit {process.ExitCode}: {errors.Result}{output}");
    }

    /// <summary>Starts a container (<c>docker run -d</c> with these options, then the image, then the command).</summary>
    public static TestContainer Start(string[] options, params string[] command) => new([.. options], Image, command);

    /// <summary>A script that ends well when an address answers: on a busy machine the first packets of a new interface may be lost.</summary>
    public static string Reach(string address) => $"for i in 1 2 3 4 5 6 7 8 9 10; do ping -c1 -W2 {address} && exit 0; done; exit 1";

    /// <summary>Waits until a condition of the outside world holds; throws when it does not within 30 s.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
        while (!condition())
        {
            if (watch.Elapsed > TimeSpan.FromSeconds(30))
            {
                throw new TimeoutException($"waited 30 s for: {what}");
            }

            await poll.WaitForNextTickAsync();
        }
    }

    private static string BuildDebianImage()
    {
        const string script = """
            set -e
            docker image inspect cir-test:bookworm >/dev/null 2>&1 && exit 0
            mkdir -p /var/tmp/cir-tests && cd /var/tmp/cir-tests
            if ! [ -e bookworm.tar ]; then
                root=$(mktemp -d)
                debootstrap --variant=minbase bookworm "$root" >/dev/null 2>&1
                rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
                tar -C "$root" -cf bookworm.tar.new . && mv bookworm.tar.new bookworm.tar
                rm -rf "$root"
            fi
            docker import --change 'CMD ["sleep","1000000"]' bookworm.tar cir-test:bookworm >/dev/null
            """;
        Run("sh", "-c", script);
        return "cir-test:bookworm";
    }

    private static string BuildBusyboxImage()
    {
        const string script = """
            set -e
            docker image inspect cir-test:busybox >/dev/null 2>&1 && exit 0
            root=$(mktemp -d)
            mkdir -p "$root"/bin "$root"/etc "$root"/tmp "$root"/root "$root"/proc "$root"/sys "$root"/dev "$root"/var/log
            cp /bin/busybox "$root/bin/busybox"
            for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"; done
            echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
            echo 'root:x:0:' > "$root/etc/group"
            tar -C "$root" -c . | docker import --change 'CMD ["sleep","1000000"]' - cir-test:busybox >/dev/null
            rm -rf "$root"
            """;
        Run("sh", "-c", script);
        return "cir-test:busybox";
    }
}

/// <summary>A container a test started; disposing removes it with its volumes.</summary>
internal sealed class TestContainer : IDisposable
{
    private static int sequence;

    public TestContainer(string[] options, string image, string[] command)
    {
        Name = $"cir-test-{Environment.ProcessId}-{Interlocked.Increment(ref sequence)}";
        Id = RealEngine.Docker(["run", "-d", "--name", Name, .. options, image, .. command]).Trim();
    }

    public string Id { get; }

    public string Name { get; }

    public int InitPid => int.Parse(Inspect("{{.State.Pid}}"), System.Globalization.CultureInfo.InvariantCulture);

    public string UpperDirectory => Inspect("{{.GraphDriver.Data.UpperDir}}");

    public string Inspect(string format) => RealEngine.Docker("inspect", "-f", format, Id).Trim();

    /// <summary>Runs a shell line inside, as an intruder or a developer would; the collectors never do.</summary>
    public string Exec(string shell) => RealEngine.Docker("exec", Id, "sh", "-c", shell);

    public void Dispose() => RealEngine.Docker("rm", "-f", "-v", Id);
}
