using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Acquisitions;

/// <summary>Who, why, where, what, when and with which tool: the facts of <c>custody.json</c>.</summary>
internal static class Circumstances
{
    /// <summary>The record as known before the first collector runs.</summary>
    public static CustodyRecord Describe(
        AcquisitionRequest request, ResponderIdentity identity, ContainerRef container, HostFacts host, string endpoint, DateTimeOffset at) => new()
        {
            Identity = new CustodyIdentity { Case = request.CaseId, Scope = $"container {container.Id}, profile {request.Profile.ToString().ToLowerInvariant()}{(request.Root is null ? "" : ", from a data directory without an engine; the machine below is the examiner's")}" },
            Who = new CustodyWho
            {
                Name = request.Examiner ?? identity.Name,
                CertificateSha256 = identity.CertificateSha256,
                Login = host.Login.LoginName ?? host.Login.Name,
                Uid = host.Login.Uid,
                SudoOrigin = host.Login.SudoUser,
                Terminal = host.Login.Terminal,
                SshSource = host.Login.SshConnection,
            },
            Why = new CustodyWhy { Reason = request.Reason },
            Where = new CustodyWhere
            {
                Fqdn = host.HostName,
                MachineId = host.MachineId,
                BootId = host.BootId,
                Addresses = [.. host.Addresses.Select(address => $"{address.Address}/{address.PrefixLength} {address.Interface}")],
                Kernel = $"{host.KernelRelease} {host.KernelVersion}",
                Distribution = host.OsRelease.GetValueOrDefault("PRETTY_NAME"),
                Engine = container.RuntimeKind,
                EngineEndpoint = endpoint,
                StorageDriver = container.StorageDriver,
            },
            What = new CustodyWhat
            {
                ContainerId = container.Id,
                Name = DisplayText.Escape(container.Name),
                Image = DisplayText.Escape(container.ImageName),
                ImageDigest = DisplayText.Escape(container.ImageId),
                Labels = container.Labels.Take(64).ToDictionary(label => DisplayText.Shorten(label.Key, 256), label => DisplayText.Shorten(label.Value, 1024)),
                State = container.State.ToString().ToLowerInvariant(),
                Pid = container.InitPid > 0 ? container.InitPid : null,
                StartedAt = container.StartedAt,
                Mounts = [.. container.Mounts.Take(256).Select(mount => DisplayText.Shorten($"{mount.Type} {mount.Source} -> {mount.Destination} {(mount.Writable ? "rw" : "ro")}", 1024))],
                Networks = [.. container.Networks.Take(256).Select(network => DisplayText.Shorten($"{network.Name} {network.IPv4} {network.IPv6} {network.MacAddress}", 1024))],
            },
            When = new CustodyWhen
            {
                StartedAt = at,
                MonotonicNs = host.Clock.MonotonicNs,
                BoottimeNs = host.Clock.BoottimeNs,
                HostTimeZone = host.TimeZone,
                ClockSource = host.ClockSource,
                Synchronisation = Synchronisation(host.Clock),
                EstimatedErrorUs = host.Clock.EstimatedErrorUs,
                OffsetNs = host.Clock.OffsetNs,
                MaxErrorUs = host.Clock.MaxErrorUs,
            },
            Tool = ToolFacts.Describe(),
        };

    /// <summary>The record with what the engine said of itself.</summary>
    public static CustodyRecord WithEngine(CustodyRecord record, EngineFacts engine) => record with
    {
        Where = record.Where with
        {
            Engine = $"{engine.Kind} {engine.Version}, API {engine.ApiVersion}",
            StorageDriver = engine.StorageDriver,
            Cgroups = $"v{engine.CgroupVersion}, {engine.CgroupDriver}",
        },
    };

    /// <summary>Journals a reading of all clocks.</summary>
    public static void RecordClock(BundleWriter writer, ClockFacts clock, string moment) => writer.Record("clock.sample", json =>
    {
        json.WriteString("moment", moment);
        json.WriteNumber("realtime_ns", clock.RealtimeNs);
        json.WriteNumber("monotonic_ns", clock.MonotonicNs);
        json.WriteNumber("boottime_ns", clock.BoottimeNs);
        json.WriteNumber("window_ns", clock.WindowNs);
        json.WriteString("sync_state", clock.SyncState);
        json.WriteNumber("offset_ns", clock.OffsetNs);
        json.WriteNumber("max_error_us", clock.MaxErrorUs);
    });

    public static string Synchronisation(ClockFacts clock) => clock.IsSynchronised switch
    {
        true => $"synchronised ({clock.SyncState})",
        false => $"not synchronised ({clock.SyncState})",
        null => $"not known ({clock.SyncState})",
    };
}
