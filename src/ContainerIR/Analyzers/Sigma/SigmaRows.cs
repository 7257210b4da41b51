using System.Text;
using System.Text.Json;
using ContainerIR.Diffs;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>The rows of a bundle in the names rules use. Streamed, but for the processes: those of sockets and parents are looked up.</summary>
internal sealed class SigmaRows(Scene scene)
{
    private const int MaxProcesses = 100_000;
    private const int MaxListeners = 100_000;
    private const string Preload = "LD_PRELOAD=";

    private readonly Dictionary<int, SigmaProcess> processes = [];

    /// <summary>All rows of the views.</summary>
    public IEnumerable<SigmaRow> Read(IReadOnlySet<string> views, CancellationToken ct)
    {
        if (views.Contains(SigmaFields.Process) || views.Contains(SigmaFields.Socket) || views.Contains(SigmaFields.Connection))
        {
            foreach ((FindingPlace place, SigmaProcess process) in scene.Rows("processes", "processes.jsonl.zst", SigmaProcess.Parse, ct).Take(MaxProcesses))
            {
                processes[process.Pid] = process with { Place = place };
            }
        }

        IEnumerable<SigmaRow> rows = [];
        rows = views.Contains(SigmaFields.Process) ? rows.Concat(Processes()) : rows;
        rows = views.Contains(SigmaFields.Socket) || views.Contains(SigmaFields.Connection) ? rows.Concat(Sockets(ct)) : rows;
        rows = views.Contains(SigmaFields.File) || views.Contains(SigmaFields.FileEvent) || views.Contains(SigmaFields.FileDelete) ? rows.Concat(Files(ct)) : rows;
        rows = views.Contains(SigmaFields.Container) && scene.Inspect.ValueKind == JsonValueKind.Object ? rows.Append(SigmaContainer.Row(scene)) : rows;
        return views.Contains(SigmaFields.Mount) ? rows.Concat(SigmaContainer.Mounts(scene)) : rows;
    }

    private IEnumerable<SigmaRow> Processes()
    {
        HashSet<string> configured = [.. scene.Inspect.Object("Config").Texts("Env")];
        string command = string.Join(' ', scene.Inspect.Texts("Args").Prepend(scene.Inspect.Text("Path") ?? ""));
        foreach (SigmaProcess process in processes.Values)
        {
            SigmaRow row = new([SigmaFields.Process], process.Place);
            AddProcess(row, process);
            row.Add("ParentProcessId", process.ParentPid);
            if (processes.TryGetValue(process.ParentPid, out SigmaProcess? parent))
            {
                row.Add("ParentImage", parent.Image);
                row.Add("ParentCommandLine", parent.CommandLine);
            }

            row.Add("CurrentDirectory", process.WorkingDirectory);
            row.Add("started_at", process.StartedAt);
            row.Add("comm", process.Comm);
            row.Add("argument", process.Arguments);
            row.Add("argument_count", process.Arguments.Count);
            row.Add("argv0", process.Arguments.FirstOrDefault());
            row.Add("argv0_name", process.Arguments is [var called, ..] ? SeenProcess.LastOf(called).TrimStart('-') : null);
            row.Add("env", process.Environment);
            row.Add("package_change", scene.HasPackageChange);
            if (scene.Process(process.Pid) is { } seen)
            {
                string[] added = [.. seen.Environment.Where(pair => !configured.Contains(pair))];
                row.Add("env_added", added);
                row.Add("preload_place", added.Where(pair => pair.StartsWith(Preload, StringComparison.Ordinal)).SelectMany(pair => Paths.PlacesOf(pair[Preload.Length..])));
                row.Add("parent_role", scene.Process(seen.ParentPid)?.Role);
                row.Add("place", Paths.PlacesOf(seen.ExecutablePath ?? ""));
                row.Add("exe_path_now", seen.PathNow);
                row.Add("exe_verdict", scene.DriftOf(seen) is { } drift ? DiffWords.Of(drift.Verdict) : null);
                row.Add("inner_pid", seen.InnerPid);
                row.Add("is_container_command", seen.InnerPid == 1 && process.CommandLineText == command);
                row.Add("no_new_privs", seen.NoNewPrivileges);
                row.Add("same_socket_01", seen.StandardSockets is [> 0 and var input, var output, ..] && input == output);
                row.Add("seccomp", seen.Seccomp);
                row.Add("sign", seen.Signs);
                row.Add("tracer_pid", seen.Tracer);
                row.Add("tty", seen.Terminal);
                row.Add("cap_eff", seen.Effective?.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
            }

            yield return row;
        }
    }

    // What rows of processes and of sockets have in common.
    private void AddProcess(SigmaRow row, SigmaProcess process)
    {
        row.Add("ProcessId", process.Pid);
        row.Add("Image", process.Image);
        row.Add("CommandLine", process.CommandLine);
        row.Add("User", process.Uid == 0 ? "root" : process.Uid?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        row.Add("uid", process.Uid);
        if (scene.Process(process.Pid) is { } seen)
        {
            row.Add("sha256", seen.ExecutableSha256);
            row.Add("exe_name", seen.ExecutableName);
            row.Add("role", seen.Role);
            row.Add("exe_in_upper", scene.DriftOf(seen) is not null);
            row.Add("exe_deleted", seen.IsDeleted);
            row.Add("exe_memfd", seen.IsInMemory);
            row.Add("is_shell", seen.IsShell);
            row.Add("is_interpreter", seen.IsInterpreter);
            row.Add("is_text_tool", seen.IsTextTool);
            row.Add("brought_in", scene.IsBroughtIn(seen));
        }
    }

    private IEnumerable<SigmaRow> Sockets(CancellationToken ct)
    {
        HashSet<(long Namespace, string Protocol, int Port)> listeners = [];
        foreach ((_, SocketRow socket) in scene.Sockets(ct))
        {
            if (socket.State == "LISTEN" && listeners.Count < MaxListeners)
            {
                listeners.Add((socket.NetworkNamespace, socket.Protocol, socket.LocalPort));
            }
        }

        foreach ((FindingPlace place, SocketRow socket) in scene.Sockets(ct))
        {
            bool isConnection = socket.Protocol is "tcp" or "udp" && socket.State != "LISTEN" && socket is { RemotePort: > 0, RemoteAddress.Length: > 0 };
            SigmaRow row = new(isConnection ? [SigmaFields.Socket, SigmaFields.Connection] : [SigmaFields.Socket], place);
            row.Add("Protocol", socket.Protocol);
            row.Add("state", socket.State);
            row.Add("SourceIp", socket.LocalAddress);
            row.Add("SourcePort", socket.LocalPort > 0 ? socket.LocalPort : null);
            row.Add("DestinationIp", socket.RemoteAddress);
            row.Add("DestinationPort", socket.RemotePort > 0 ? socket.RemotePort : null);
            row.Add("peer", socket.Peer);
            row.Add("socket_name", socket.Name);
            if (isConnection)
            {
                row.Add("Initiated", !listeners.Contains((socket.NetworkNamespace, socket.Protocol, socket.LocalPort)));
            }

            if (socket.Owners.Where(owner => owner.IsMember).Select(owner => processes.GetValueOrDefault(owner.Pid)).OfType<SigmaProcess>().FirstOrDefault() is { } process)
            {
                AddProcess(row, process);
            }
            else
            {
                row.Add("uid", socket.Uid);
            }

            yield return row;
        }
    }

    private IEnumerable<SigmaRow> Files(CancellationToken ct)
    {
        foreach ((FindingPlace place, DiffEntry entry) in scene.Changes(ct))
        {
            bool isWritten = entry.Kind is DiffKind.File or DiffKind.SymbolicLink && entry.Verdict is DiffVerdict.Added or DiffVerdict.Modified or DiffVerdict.Renamed;
            bool isDeleted = entry.Verdict == DiffVerdict.Deleted;
            SigmaRow row = new(isWritten ? [SigmaFields.File, SigmaFields.FileEvent] : isDeleted ? [SigmaFields.File, SigmaFields.FileDelete] : [SigmaFields.File], place);
            row.Add("TargetFilename", entry.Path);
            row.Add("name", entry.Path[(entry.Path.AsSpan().LastIndexOf((byte)'/') + 1)..]);
            row.Add("verdict", DiffWords.Of(entry.Verdict));
            row.Add("kind", DiffWords.Of(entry.Kind));
            row.Add("changed", entry.Changed);
            row.Add("sign", entry.Signs);
            row.Add("under_mount", entry.IsUnderMount);
            row.Add("place", Paths.PlacesOf(entry.DisplayPath));
            row.Add("is_package_database", Paths.IsPackageDatabase(entry.DisplayPath));
            row.Add("package_change", scene.HasPackageChange);
            foreach ((byte[] name, _) in entry.Xattrs)
            {
                row.Add("xattr", name);
            }

            if (entry.Object is { } now)
            {
                row.Add("mode", Convert.ToString(now.Mode, 8));
                row.Add("size", now.SizeBytes);
                row.Add("uid", now.Uid);
                row.Add("gid", now.Gid);
                row.Add("sha256", now.Sha256);
                row.Add("link_target", now.LinkTarget);
                row.Add("attribute", now.Attributes);
                row.Add("mtime", now.ModifiedAt?.Seconds);
                row.Add("ctime", now.ChangedAt?.Seconds);
                row.Add("is_executable", entry.Kind == DiffKind.File && (now.Mode & 0b001_001_001) != 0);
                row.Add("setuid", (now.Mode & 0b100_000_000_000) != 0);
                row.Add("setgid", (now.Mode & 0b010_000_000_000) != 0);
                row.Add("at_start", now.ChangedAt is { } at && scene.Starts.Any(start => at.Seconds >= start.ToUnixTimeSeconds() && at.Seconds <= start.ToUnixTimeSeconds() + 10));
            }

            if (entry.Original is { } before)
            {
                row.Add("original_kind", DiffWords.Of(before.Kind));
                row.Add("original_mode", Convert.ToString(before.Mode, 8));
                row.Add("original_size", before.SizeBytes);
            }

            yield return row;
        }
    }
}

/// <summary>What rows need of a process as exact bytes: <see cref="SeenProcess"/> has the display forms and joins.</summary>
internal sealed record SigmaProcess(int Pid, int ParentPid)
{
    private const int MaxEnvironment = 1000;

    public FindingPlace Place { get; init; } = new("");

    public byte[]? Image { get; private init; }

    public byte[] CommandLine { get; private init; } = [];

    public string CommandLineText => Encoding.UTF8.GetString(CommandLine);

    public List<string> Arguments { get; private init; } = [];

    public List<string> Environment { get; private init; } = [];

    public byte[]? WorkingDirectory { get; private init; }

    public string? Comm { get; private init; }

    public long? Uid { get; private init; }

    public string? StartedAt { get; private init; }

    public static SigmaProcess? Parse(JsonElement row)
    {
        if (row.Number("pid") is not (> 0 and <= int.MaxValue and var pid))
        {
            return null;
        }

        JsonElement exe = row.Object("exe");
        byte[]? image = exe.ValueKind == JsonValueKind.Object ? ByteJson.Read(exe, "link") : null;
        List<byte[]> arguments = Separated(row, "cmdline");
        return new SigmaProcess((int)pid, (int)Math.Clamp(row.Number("ppid") ?? 0, 0, int.MaxValue))
        {
            Image = exe.Flag("deleted") && image is not null && image.AsSpan().EndsWith(" (deleted)"u8) ? image[..^" (deleted)".Length] : image,
            CommandLine = Joined(arguments),
            Arguments = [.. arguments.Select(Encoding.UTF8.GetString)],
            Environment = [.. Separated(row, "environ").Take(MaxEnvironment).Select(Encoding.UTF8.GetString)],
            WorkingDirectory = ByteJson.Read(row, "cwd"),
            Comm = ByteJson.Read(row, "comm") is { } comm ? Encoding.UTF8.GetString(comm) : null,
            Uid = row.Numbers("uids") is [_, var effective, ..] ? effective : row.Numbers("uids") is [var only] ? only : null,
            StartedAt = row.Text("started_at"),
        };
    }

    // The bytes stand in NAME_b64 wherever the display form is not all of them; without it the display form has no escapes but the doubled backslash.
    private static List<byte[]> Separated(JsonElement row, string name)
    {
        if (row.Field(name + "_b64") is { ValueKind: JsonValueKind.String } exact && exact.TryGetBytesFromBase64(out byte[]? bytes))
        {
            List<byte[]> parts = [];
            ReadOnlySpan<byte> all = bytes is [.., 0] ? bytes.AsSpan()[..^1] : bytes;
            foreach (Range range in all.Split((byte)0))
            {
                parts.Add(all[range].ToArray());
            }

            return parts;
        }

        return [.. row.Texts(name).Select(text => Encoding.UTF8.GetBytes(text.Replace(@"\\", @"\", StringComparison.Ordinal)))];
    }

    private static byte[] Joined(List<byte[]> arguments)
    {
        using MemoryStream joined = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            if (i > 0)
            {
                joined.WriteByte((byte)' ');
            }

            joined.Write(arguments[i]);
        }

        return joined.ToArray();
    }
}
