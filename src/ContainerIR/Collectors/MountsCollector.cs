using System.Globalization;
using System.Text.Json;
using ContainerIR.Collectors.Mounts;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// Every mount of every mount namespace of the container, with who wanted it: those nobody configured were made by a process with the right to mount. What is
/// mounted is copied by others (tmpfs, volumes); here are the facts.
/// </summary>
/// <remarks>Source: /proc/PID/mountinfo of one process in each namespace; the engine's configuration; the specification its runtime was called with.</remarks>
internal sealed class MountsCollector(IContainerRuntime runtime) : ICollector
{
    public const string RowsItem = "mounts.jsonl";

    private const int MaxRows = 100_000;

    public string Name => "mounts";

    public Volatility Volatility => Volatility.TemporaryFileSystem;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        if (MountScan.Read(container, EngineProcess.Find(runtime.Endpoint)?.PathPrefix() ?? "", sink, "mounts", ct) is not { } scan)
        {
            return;
        }

        await using RowLines rows = new(sink.Create(RowsItem, new("/proc/PID/mountinfo of one process in each mount namespace")));
        foreach (SeenMount seen in scan.Mounts)
        {
            ct.ThrowIfCancellationRequested();
            if (rows.Count == MaxRows)
            {
                sink.AddGap($"mounts after the first {MaxRows}", $"the namespaces of the container have {scan.Mounts.Count}; the process collector keeps the tables as the kernel gave them");
                break;
            }

            await rows.WriteAsync(json => Write(json, seen, scan.Expected.ConfiguredAt(seen.Mount.MountPoint)), ct);
        }

        HashSet<string> mounted = [.. scan.Mounts.Where(seen => seen.Origin == MountOrigin.Configured).Select(seen => System.Text.Encoding.UTF8.GetString(seen.Mount.MountPoint))];
        foreach (ContainerMount missing in scan.Expected.Configured.Where(mount => !mounted.Contains(mount.Destination.TrimEnd('/'))))
        {
            await rows.WriteAsync(
                json =>
                {
                    json.WriteString("origin", "configured-but-missing");
                    Write(json, missing);
                },
                ct);
        }

        await rows.CompleteAsync(null, ct);
        await sink.AddJsonAsync("mounts-summary.json", "derived from " + RowsItem, json => Summarise(json, scan), ct);
    }

    /// <summary>The word of an origin.</summary>
    internal static string WordOf(MountOrigin origin) => origin switch
    {
        MountOrigin.Root => "root",
        MountOrigin.Configured => "configured",
        MountOrigin.Engine => "engine",
        _ => "not-configured",
    };

    private static void Write(Utf8JsonWriter json, SeenMount seen, ContainerMount? configured)
    {
        ProcMount mount = seen.Mount;
        json.WriteString("origin", WordOf(seen.Origin));
        json.WriteNumber("mnt_namespace", seen.Namespace);
        json.WriteNumber("pid", seen.Pid);
        json.WriteNumber("mount_id", mount.Id);
        json.WriteNumber("parent_id", mount.ParentId);
        json.WriteString("device", string.Create(CultureInfo.InvariantCulture, $"{mount.DeviceMajor}:{mount.DeviceMinor}"));
        ByteJson.Write(json, "mount_point", mount.MountPoint);
        ByteJson.Write(json, "root", mount.Root);
        json.WriteString("type", Evidence.Text.DisplayText.Escape(mount.FileSystem));
        ByteJson.Write(json, "source", mount.Source);
        ByteJson.Write(json, "options", mount.Options);
        ByteJson.Write(json, "super_options", mount.SuperOptions);
        json.WriteBoolean("covered", seen.IsCovered);
        json.WriteBoolean("of_host", seen.IsOfHost);
        json.WriteBoolean("may_block", seen.MayBlock);
        if (configured is not null)
        {
            Write(json, configured);
        }
    }

    private static void Write(Utf8JsonWriter json, ContainerMount configured)
    {
        json.WriteStartObject("configuration");
        json.WriteString("type", Evidence.Text.DisplayText.Escape(configured.Type));
        json.WriteString("host_path", Evidence.Text.DisplayText.Escape(configured.Source));
        json.WriteString("destination", Evidence.Text.DisplayText.Escape(configured.Destination));
        json.WriteBoolean("writable", configured.Writable);
        if (configured.VolumeName is { } name)
        {
            json.WriteString("volume", Evidence.Text.DisplayText.Escape(name));
        }

        json.WriteEndObject();
    }

    private static void Summarise(Utf8JsonWriter json, MountScan scan)
    {
        json.WriteNumber("namespaces", scan.Mounts.Select(seen => seen.Namespace).Distinct().Count());
        json.WriteNumber("mounts", scan.Mounts.Count);
        json.WriteNumber("not_configured", scan.Mounts.Count(seen => seen.Origin == MountOrigin.NotConfigured));
        json.WriteNumber("covered", scan.Mounts.Count(seen => seen.IsCovered));
        json.WriteNumber("may_block", scan.Mounts.Count(seen => seen.MayBlock));
        json.WriteString("expected_by", scan.Expected.HasSpecification ? "runtime-specification" : "usual-mounts");
    }
}
