using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>What the host is, and its clocks: the ruler for every time in the bundle. Nothing is asked of the engine.</summary>
/// <remarks>Sources: clock_gettime(2), adjtimex(2), /proc, os-release(5), machine-id(5), getifaddrs(3).</remarks>
internal sealed class HostCollector : ICollector
{
    public string Name => "host";

    public Volatility Volatility => Volatility.Clock;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        HostFacts facts = HostFacts.Read();
        foreach ((string sought, string reason) in facts.Missing)
        {
            sink.AddGap(sought, reason);
        }

        await sink.AddJsonAsync("host.json", "/proc, /etc/os-release, /etc/machine-id, clock_gettime, adjtimex, getifaddrs", json => Write(json, facts), ct);
    }

    private static void Write(Utf8JsonWriter json, HostFacts facts)
    {
        WriteClock(json, facts);
        json.WriteStartObject("host");
        json.WriteString("host_name", facts.HostName);
        json.WriteString("domain_name", facts.DomainName);
        json.WriteString("machine_id", facts.MachineId);
        json.WriteString("boot_id", facts.BootId);
        json.WriteString("booted_at", Rfc3339.Format(facts.Clock.BootedAtNs));
        json.WriteString("kernel_release", facts.KernelRelease);
        json.WriteString("kernel_version", facts.KernelVersion);
        json.WriteString("kernel_command_line", facts.KernelCommandLine);
        json.WriteString("architecture", facts.Architecture);
        json.WriteNumber("processors", facts.Processors);
        json.WriteNumber("memory_bytes", facts.MemoryBytes);
        json.WriteString("uptime", facts.Uptime);
        json.WriteString("load", facts.Load);
        json.WriteBoolean("in_initial_pid_namespace", facts.InInitialPidNamespace);
        json.WriteStartObject("os_release");
        foreach ((string name, string value) in facts.OsRelease)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteStartArray("addresses");
        foreach (HostAddress address in facts.Addresses)
        {
            json.WriteStartObject();
            json.WriteString("interface", address.Interface);
            json.WriteString("address", address.Address);
            json.WriteNumber("prefix_length", address.PrefixLength);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        WriteKernelHelpers(json);
        WriteLogin(json, facts.Login);
    }

    /// <summary>Programs the kernel starts by itself, as root of the host: core(5), Documentation/admin-guide/sysctl/kernel.rst.</summary>
    private static void WriteKernelHelpers(Utf8JsonWriter json)
    {
        json.WriteStartObject("kernel_helpers");
        foreach ((string name, string path) in new[] { ("core_pattern", "/proc/sys/kernel/core_pattern"), ("modprobe", "/proc/sys/kernel/modprobe"), ("uevent_helper", "/sys/kernel/uevent_helper") })
        {
            try
            {
                ByteJson.Write(json, name, HostFile.ReadSmall(path).AsSpan().TrimEnd((byte)'\n'));
            }
            catch (HostFileException)
            {
                // Kernels are built without some of them.
            }
        }

        json.WriteEndObject();
    }

    private static void WriteClock(Utf8JsonWriter json, HostFacts facts)
    {
        ClockFacts clock = facts.Clock;
        json.WriteStartObject("clock");
        json.WriteString("realtime", Rfc3339.Format(clock.RealtimeNs));
        json.WriteNumber("realtime_ns", clock.RealtimeNs);
        json.WriteNumber("monotonic_ns", clock.MonotonicNs);
        json.WriteNumber("boottime_ns", clock.BoottimeNs);
        json.WriteNumber("read_within_ns", clock.WindowNs);
        if (clock.IsSynchronised is { } isSynchronised)
        {
            json.WriteBoolean("synchronised", isSynchronised);
        }
        else
        {
            json.WriteNull("synchronised");
        }

        json.WriteString("sync_state", clock.SyncState);
        json.WriteNumber("offset_ns", clock.OffsetNs);
        json.WriteNumber("frequency_ppm", Math.Round(clock.FrequencyPpm, 3));
        json.WriteNumber("max_error_us", clock.MaxErrorUs);
        json.WriteNumber("estimated_error_us", clock.EstimatedErrorUs);
        json.WriteNumber("tai_offset_s", clock.TaiOffsetSeconds);
        json.WriteString("source", facts.ClockSource);
        json.WriteString("time_zone", facts.TimeZone);
        json.WriteNumber("utc_offset_s", (long)facts.UtcOffset.TotalSeconds);
        json.WriteEndObject();
    }

    private static void WriteLogin(Utf8JsonWriter json, LocalLogin login)
    {
        json.WriteStartObject("login");
        json.WriteNumber("uid", login.Uid);
        json.WriteNumber("effective_uid", login.EffectiveUid);
        json.WriteString("name", login.Name);
        if (login.LoginUid is { } uid)
        {
            json.WriteNumber("login_uid", uid);
        }

        json.WriteString("login_name", login.LoginName);
        json.WriteString("sudo_user", login.SudoUser);
        json.WriteString("sudo_uid", login.SudoUid);
        json.WriteString("terminal", login.Terminal);
        json.WriteString("ssh_connection", login.SshConnection);
        json.WriteEndObject();
    }
}
