using System.Globalization;
using System.Text.Json;

namespace ContainerIR.Linux;

/// <summary>What is on record of a container we froze, for whoever must thaw it: one small file under /run, gone with the boot.</summary>
internal sealed record FreezeState
{
    /// <summary>Where the files are.</summary>
    public const string DefaultFolder = "/run/containerir/frozen";

    public required string ContainerId { get; init; }

    public required string ControlPath { get; init; }

    public required string BootId { get; init; }

    public required int OwnerPid { get; init; }

    public required ulong OwnerStartTicks { get; init; }

    public required int GuardPid { get; init; }

    public required ulong GuardStartTicks { get; init; }

    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>Id of this boot.</summary>
    public static string CurrentBoot => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Whether a process still is the one it was.</summary>
    public static bool IsAlive(int pid, ulong startTicks) => StartOf(pid) is { } ticks && ticks == startTicks;

    /// <summary>When a process started, in ticks; null when there is none, or only its remains.</summary>
    public static ulong? StartOf(int pid)
    {
        using ProcEntry? entry = ProcEntry.Open(pid, out _);
        return entry is not null && ProcStat.Parse(entry.Read("stat", 4096).Content) is { IsZombie: false } stat ? stat.StartTicks : null;
    }

    /// <summary>Writes it, whole or not at all.</summary>
    public void Save(string path)
    {
#pragma warning disable CA1416 // The product runs on Linux only.
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        string partial = path + ".partial";
        using (FileStream file = new(partial, FileMode.Create, FileAccess.Write))
        using (Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("schema", "containerir-freeze/1");
            json.WriteString("container_id", ContainerId);
            json.WriteString("control", ControlPath);
            json.WriteString("boot_id", BootId);
            json.WriteNumber("owner_pid", OwnerPid);
            json.WriteNumber("owner_start_ticks", OwnerStartTicks);
            json.WriteNumber("guard_pid", GuardPid);
            json.WriteNumber("guard_start_ticks", GuardStartTicks);
            json.WriteString("requested_at", RequestedAt.ToString("O", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static FreezeState Load(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(file);
            JsonElement json = document.RootElement;
            return new FreezeState
            {
                ContainerId = json.GetProperty("container_id").GetString()!,
                ControlPath = json.GetProperty("control").GetString()!,
                BootId = json.GetProperty("boot_id").GetString()!,
                OwnerPid = json.GetProperty("owner_pid").GetInt32(),
                OwnerStartTicks = json.GetProperty("owner_start_ticks").GetUInt64(),
                GuardPid = json.GetProperty("guard_pid").GetInt32(),
                GuardStartTicks = json.GetProperty("guard_start_ticks").GetUInt64(),
                RequestedAt = json.GetProperty("requested_at").GetDateTimeOffset(),
            };
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{path}: {failure.Message}", failure);
        }
    }
}
