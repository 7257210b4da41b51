using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Collectors.Hosts;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// What surrounds the container on its host: the engine's programs and settings, who may and who does command it, logins and sudo in the time window, timers and
/// units, the inventory of containers and images; and each exec session with the person the host's own records put to it. Neighbours' content is never taken.
/// </summary>
internal sealed class HostContextCollector(CollectionContext context) : ICollector
{
    private const long SmallFileBytes = 1024 * 1024;
    private const int PersistenceBytes = 64 * 1024;
    private const int MaxPersistence = 2000;
    private static readonly TimeSpan WindowBefore = TimeSpan.FromHours(24);

    private static readonly string[] UnitFolders = ["/etc/systemd/system", "/run/systemd/system", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron", "/var/spool/cron/crontabs"];
    private static readonly string[] UnitFiles = ["/etc/crontab", "/etc/rc.local", "/etc/ld.so.preload"];

    public string Name => "host-context";

    public Volatility Volatility => Volatility.Configuration;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        EngineProcess? engine = EngineProcess.Find(context.Runtime.Endpoint);
        string prefix = engine?.PathPrefix() ?? "";
        long fromNs = (container.CreatedAt - WindowBefore - DateTimeOffset.UnixEpoch).Ticks * 100;
        IReadOnlyList<SessionRow> clients = [];
        IReadOnlyList<string> listeners = [];
        if (engine is null)
        {
            sink.AddGap("the engine's clients, listeners and arguments", "the engine's process is not found on this host");
        }
        else
        {
            (clients, listeners) = EngineClients.Find(engine, sink.AddGap);
        }

        LoginSources logins = new(prefix, fromNs);
        await logins.CollectAsync(sink, ct);
        List<EventRow> events = [.. EngineEvents.Read(context.Events.Rewind(), container.Id, container.ImageId)];
        LoginOrigins origins = new(prefix, logins.Rows);
        List<SessionRow> known = [.. clients.Select(origins.Complete), .. logins.Rows.Select(row => row.Kind is "audit" or "sudo" ? origins.Complete(row) : row)];
        List<SessionRow> rows = [.. ExecSessions.Match(events, container, known, await HealthCommandAsync(container, ct)), .. known];
        rows.Sort(static (one, other) => (one.TimeNs ?? 0).CompareTo(other.TimeNs ?? 0));
        await AddRowsAsync("sessions.jsonl", "derived: the engine's events and clients, login records, logs and shell histories of the host", rows, static (json, row) => row.Write(json), sink, ct);
        await AddEngineAsync(engine, container, prefix, listeners, sink, ct);
        await AddRowsAsync("persistence.jsonl", "units of systemd and timers of cron on the host", Persistence(prefix, sink), Write, sink, ct);
        await HostInventory.CollectAsync(context.Runtime, sink, ct);
        await sink.AddJsonAsync("scope.json", "what this collector looked at", json => WriteScope(json, fromNs, logins.Read), ct);
    }

    private async Task AddEngineAsync(EngineProcess? engine, ContainerRef container, string prefix, IReadOnlyList<string> listeners, IEvidenceSink sink, CancellationToken ct)
    {
        string[] arguments = engine is null ? [] : Arguments(engine.Pid, "cmdline");
        int option = Array.FindIndex(arguments, argument => argument.StartsWith("--config-file", StringComparison.Ordinal));
        string settings = option < 0 ? "/etc/docker/daemon.json" : arguments[option].Contains('=') ? arguments[option][(arguments[option].IndexOf('=') + 1)..] : arguments.ElementAtOrDefault(option + 1) ?? "";
        bool hasSettings = settings.StartsWith('/') && HostFile.TryStat(prefix + settings, followLast: true) is not null
            && await sink.AddHostFileAsync("engine/daemon.json", prefix + settings, SmallFileBytes, ct);
        JsonElement info = await InfoAsync(sink, ct);
        await sink.AddJsonAsync(
            "engine.json", "/proc of the engine, GET /info, dpkg's digests, /etc/group",
            json =>
            {
                json.WriteString("endpoint", context.Runtime.Endpoint);
                json.WriteNumber("pid", engine?.Pid ?? 0);
                json.WriteTexts("arguments", arguments);
                json.WriteTexts("environment_names", engine is null ? [] : Arguments(engine.Pid, "environ").Select(variable => variable.Split('=', 2)[0]));
                json.WriteString("settings_file", hasSettings ? DisplayText.Escape(settings) : null);
                json.WriteTexts("listeners", listeners);
                json.WriteBoolean("tls", arguments.Any(argument => argument.StartsWith("--tls", StringComparison.Ordinal)));
                json.WriteBoolean("listens_on_tcp", listeners.Any(listener => listener.StartsWith("tcp ", StringComparison.Ordinal)));
                json.WriteString("version", DisplayText.Escape(info.Text("ServerVersion") ?? ""));
                json.WriteString("logging_driver", DisplayText.Escape(info.Text("LoggingDriver") ?? ""));
                json.WriteString("storage_driver", DisplayText.Escape(info.Text("Driver") ?? ""));
                json.WriteString("default_runtime", DisplayText.Escape(info.Text("DefaultRuntime") ?? ""));
                json.WriteBoolean("live_restore", info.Flag("LiveRestoreEnabled"));
                json.WriteTexts("security_options", info.Texts("SecurityOptions"));
                json.WriteBoolean("user_namespaces", info.Texts("SecurityOptions").Any(entry => entry.Contains("userns", StringComparison.Ordinal)));
                json.WriteTexts("users_who_may_command_it", GroupMembers(prefix, "docker"));
                EngineBinaries.Write(json, engine, container, prefix);
            },
            ct);
    }

    private async Task<JsonElement> InfoAsync(IEvidenceSink sink, CancellationToken ct)
    {
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.Info, "", ct);
            using JsonDocument info = ContainerInspect.Parse(content.ReadAtMost(16 * 1024 * 1024));
            return info.RootElement.Clone();
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            sink.AddGap("GET /info", failure.Message);
            return default;
        }
    }

    /// <summary>The command line of the container's health check as the engine's events tell it; null when it has none.</summary>
    private async Task<string?> HealthCommandAsync(ContainerRef container, CancellationToken ct)
    {
        try
        {
            await using Stream content = await context.Runtime.OpenDocumentAsync(EngineDocument.ContainerInspect, container.Id, ct);
            using JsonDocument inspect = ContainerInspect.Parse(content.ReadAtMost(64 * 1024 * 1024));
            List<string> test = inspect.RootElement.Object("Config").Object("Healthcheck").Texts("Test");
            List<string> shell = inspect.RootElement.Object("Config").Texts("Shell");
            return test switch
            {
                ["CMD", .. var command] => string.Join(' ', command),
                ["CMD-SHELL", var line, ..] => string.Join(' ', [.. shell.Count > 0 ? shell : ["/bin/sh", "-c"], line]),
                _ => null,
            };
        }
        catch (Exception failure) when (failure is IOException or OperatorException or InvalidDataException)
        {
            // The configuration collector asked for the same document, and its failure is a gap there.
            return null;
        }
    }

    private static string[] Arguments(int pid, string file)
    {
        using ProcEntry? process = ProcEntry.Open(pid, out _);
        return process is null ? [] : Encoding.UTF8.GetString(process.Read(file, (int)SmallFileBytes).Content).Split('\0', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Members of a group, and accounts whose own group it is: whoever is in it is root by way of the engine.</summary>
    private static List<string> GroupMembers(string prefix, string group)
    {
        try
        {
            string[]? entry = Encoding.Latin1.GetString(HostFile.ReadSmall(prefix + "/etc/group")).Split('\n').Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length > 3 && fields[0] == group);
            if (entry is null)
            {
                return [];
            }

            IEnumerable<string> primary = Encoding.Latin1.GetString(HostFile.ReadSmall(prefix + "/etc/passwd")).Split('\n').Select(line => line.Split(':')).Where(fields => fields.Length > 3 && fields[3] == entry[2]).Select(fields => fields[0]);
            return [.. entry[3].Split(',', StringSplitOptions.RemoveEmptyEntries).Concat(primary).Distinct()];
        }
        catch (HostFileException)
        {
            return [];
        }
    }

    private static List<PersistentFile> Persistence(string prefix, IEvidenceSink sink)
    {
        List<PersistentFile> files = [];
        foreach (string path in UnitFiles)
        {
            Add(path, 0);
        }

        foreach (string folder in UnitFolders)
        {
            foreach (string name in HostDirectory.TextNames(prefix + folder, MaxPersistence))
            {
                Add($"{folder}/{name}", 1);
            }
        }

        return files;

        void Add(string path, int foldersLeft)
        {
            if (files.Count >= MaxPersistence || HostFile.TryStat(prefix + path) is not { } stat)
            {
                return;
            }

            if ((stat.stx_mode & Libc.S_IFMT) == Libc.S_IFDIR)
            {
                foreach (string name in foldersLeft > 0 ? HostDirectory.TextNames(prefix + path, MaxPersistence) : [])
                {
                    Add($"{path}/{name}", foldersLeft - 1);
                }
            }
            else if ((stat.stx_mode & Libc.S_IFMT) == Libc.S_IFLNK)
            {
                files.Add(new(path, stat, null, HostFile.TryReadLink(prefix + path)));
            }
            else
            {
                try
                {
                    files.Add(new(path, stat, HostFile.ReadSmall(prefix + path, PersistenceBytes), null));
                }
                catch (HostFileException failure)
                {
                    sink.AddGap(path, failure.Message);
                }
            }
        }
    }

    private static void Write(Utf8JsonWriter json, PersistentFile file)
    {
        json.WriteStartObject();
        json.WriteString("path", DisplayText.Escape(file.Path));
        json.WriteNumber("size_bytes", file.Stat.stx_size);
        json.WriteNumber("uid", file.Stat.stx_uid);
        json.WriteString("modified", Rfc3339.Format((file.Stat.stx_mtime.tv_sec * 1_000_000_000) + file.Stat.stx_mtime.tv_nsec));
        json.WriteString("changed", Rfc3339.Format((file.Stat.stx_ctime.tv_sec * 1_000_000_000) + file.Stat.stx_ctime.tv_nsec));
        if (file.Target is not null)
        {
            json.WriteString("links_to", DisplayText.Escape(file.Target));
        }

        if (file.Content is not null)
        {
            json.WriteString("sha256", Convert.ToHexStringLower(SHA256.HashData(file.Content)));
            json.WriteBase64String("content_b64", file.Content);
        }

        json.WriteEndObject();
    }

    private static void WriteScope(Utf8JsonWriter json, long fromNs, List<string> read)
    {
        json.WriteString("window_from", Rfc3339.Format(fromNs));
        json.WriteString("window_to", Rfc3339.Format(ClockFacts.Read().RealtimeNs));
        json.WriteString("window_rule", string.Create(CultureInfo.InvariantCulture, $"from {WindowBefore.TotalHours} hours before the container was made until now; login files are copied whole, rows are of the window"));
        json.WriteTexts("read", read);
        json.WriteTexts("listed_only", ["containers, images, networks and volumes of the host: names, states, labels, addresses"]);
        json.WriteTexts("never_taken", ["files, environment, logs, memory or traffic of other containers", "home directories but the lines of shell histories that name a program of containers", "password hashes"]);
    }

    private static async Task AddRowsAsync<T>(string name, string source, IReadOnlyList<T> rows, Action<Utf8JsonWriter, T> write, IEvidenceSink sink, CancellationToken ct)
    {
        await using ItemWriter item = sink.Create(name, new ItemOptions(source));
        ArrayBufferWriter<byte> buffer = new();
        await using Utf8JsonWriter json = new(buffer);
        foreach (T row in rows)
        {
            write(json, row);
            await json.FlushAsync(ct);
            json.Reset();
            buffer.Write("\n"u8);
            await item.WriteAsync(buffer.WrittenMemory, ct);
            buffer.ResetWrittenCount();
        }

        await item.CompleteAsync(null, ct);
    }

    private sealed record PersistentFile(string Path, StatX Stat, byte[]? Content, byte[]? Target);
}
