using System.Globalization;
using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>A descriptor that leads to a path.</summary>
internal sealed record SeenDescriptor(long Number, string Target, long MountId);

/// <summary>What the rules need of a row of processes.jsonl.zst. Texts are in display form; the row itself has the bytes.</summary>
internal sealed record SeenProcess
{
    private const int MaxArguments = 256;
    private const int MaxDescriptors = 1024;

    private static readonly string[] Shells = ["sh", "ash", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh", "mksh"];
    private static readonly string[] Interpreters = ["python", "python2", "python3", "perl", "ruby", "lua", "php", "node", "awk", "gawk", "mawk", "tclsh", "nc", "ncat", "netcat", "socat"];
    private static readonly string[] TextTools = ["grep", "egrep", "fgrep", "rg", "sed", "awk", "less", "more", "vi", "vim", "nano", "cat", "tail", "head", "find", "strings"];
    private static readonly string[] MultiCall = ["busybox", "toybox", "coreutils"];

    public FindingPlace Place { get; init; } = new("");

    public required int Pid { get; init; }

    public int ParentPid { get; init; }

    public long InnerPid { get; init; }

    public string Comm { get; init; } = "";

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public string CommandLine => string.Join(' ', Arguments);

    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Where its executable is, without the kernel's mark of deletion; null when unknown.</summary>
    public string? ExecutablePath { get; init; }

    /// <summary>The text of the link, mark included.</summary>
    public string ExecutableLink { get; init; } = "";

    public string? ExecutableSha256 { get; init; }

    public bool IsDeleted { get; init; }

    public bool IsInMemory { get; init; }

    /// <summary>What stands at the executable's name: <c>same</c>, <c>missing</c>, <c>other</c>, <c>unknown</c>.</summary>
    public string PathNow { get; init; } = "";

    /// <summary>Device of the executable, <c>major:minor</c>.</summary>
    public string? ExecutableDevice { get; init; }

    public string? RootDevice { get; init; }

    public long Terminal { get; init; }

    public ulong? Effective { get; init; }

    public ulong? Permitted { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public string? Seccomp { get; init; }

    public string? NoNewPrivileges { get; init; }

    public string? Tracer { get; init; }

    public IReadOnlyList<string> Signs { get; init; } = [];

    /// <summary>Inodes of the sockets behind descriptors 0, 1 and 2; 0 where it is none.</summary>
    public IReadOnlyList<long> StandardSockets { get; init; } = [];

    /// <summary>Inode of its mount namespace; 0 when unknown.</summary>
    public long MountNamespace { get; init; }

    public string WorkingDirectory { get; init; } = "";

    /// <summary>Mount its working directory is on; 0 when unknown.</summary>
    public long WorkingDirectoryMount { get; init; }

    /// <summary>Descriptors whose target is a path, at most 1024.</summary>
    public IReadOnlyList<SeenDescriptor> Descriptors { get; init; } = [];

    /// <summary>Writable and executable mappings of no file: size in bytes.</summary>
    public long WritableExecutableBytes { get; init; }

    /// <summary>Executable mappings of files without a name, but the executable's own and memfds.</summary>
    public IReadOnlyList<string> DeletedLibraries { get; init; } = [];

    /// <summary>Processor time used and start after boot, in clock ticks (100 a second in /proc).</summary>
    public long UsedTicks { get; init; }

    public long StartTicks { get; init; }

    public string ExecutableName => LastOf(ExecutablePath ?? "");

    /// <summary>What it acts as: for a multi-call program the name it was called by, else its file's name. A name alone is the process's own choice.</summary>
    public string Role => MultiCall.Contains(ExecutableName) && Arguments.Count > 0 ? CalledAs() : ExecutableName;

    public bool IsShell => Shells.Contains(Role);

    public bool IsInterpreter => IsShell || Interpreters.Contains(Role) || Interpreters.Any(name => Role.StartsWith(name, StringComparison.Ordinal) && Role[name.Length..].All(c => c is '.' or (>= '0' and <= '9')));

    /// <summary>Shows, searches or edits text: what its command line speaks of it does not do.</summary>
    public bool IsTextTool => TextTools.Contains(Role);

    public bool Has(string sign) => Signs.Contains(sign);

    /// <summary>The values every finding on a process shows.</summary>
    public List<SeenValue> Seen(params SeenValue[] more) =>
    [
        new("pid", Pid.ToString(CultureInfo.InvariantCulture)),
        SeenValue.Of("exe", ExecutableLink),
        SeenValue.Of("cmdline", CommandLine),
        .. ExecutableSha256 is { } digest ? [new SeenValue("exe_sha256", digest)] : Array.Empty<SeenValue>(),
        .. more,
    ];

    public static string LastOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static SeenProcess? Parse(JsonElement row)
    {
        if (row.Number("pid") is not (> 0 and <= int.MaxValue and var pid))
        {
            return null;
        }

        JsonElement exe = row.Object("exe"), status = row.Object("status");
        string link = exe.Text("link") ?? "";
        const string mark = " (deleted)";
        bool isDeleted = exe.Flag("deleted");
        return new SeenProcess
        {
            Pid = (int)pid,
            ParentPid = (int)Math.Clamp(row.Number("ppid") ?? 0, 0, int.MaxValue),
            InnerPid = row.Numbers("nspid") is [.., var inner] ? inner : 0,
            Comm = row.Text("comm") ?? "",
            Arguments = [.. row.Texts("cmdline").Take(MaxArguments)],
            Environment = [.. row.Texts("environ").Where(pair => pair.StartsWith("LD_", StringComparison.Ordinal) || pair.StartsWith("HIST", StringComparison.Ordinal))],
            ExecutableLink = link,
            ExecutablePath = link.Length == 0 ? null : isDeleted && link.EndsWith(mark, StringComparison.Ordinal) ? link[..^mark.Length] : link,
            ExecutableSha256 = exe.Text("sha256"),
            IsDeleted = isDeleted,
            IsInMemory = exe.Flag("memory"),
            PathNow = exe.Text("path_now") ?? "",
            ExecutableDevice = exe.Text("dev"),
            RootDevice = row.List("member_by", why => why.Text("why") == "root-device" ? why.Text("detail") : null).FirstOrDefault(),
            Terminal = row.Number("tty") ?? 0,
            Effective = Mask(status, "CapEff"),
            Permitted = Mask(status, "CapPrm"),
            StartedAt = row.Instant("started_at"),
            Seccomp = status.Text("Seccomp"),
            NoNewPrivileges = status.Text("NoNewPrivs"),
            Tracer = status.Text("TracerPid"),
            Signs = row.Texts("signs"),
            MountNamespace = row.Object("namespaces").Number("mnt") ?? 0,
            WorkingDirectory = row.Text("cwd") ?? "",
            WorkingDirectoryMount = row.Number("cwd_mnt_id") ?? 0,
            Descriptors = [.. row.Items("fds").Select(Descriptor).OfType<SeenDescriptor>().Take(MaxDescriptors)],
            WritableExecutableBytes = row.Object("maps").Items("rwx").Where(map => map.Text("path") is null or "" or "[heap]" or "[stack]").Sum(SizeOf),
            DeletedLibraries = [.. row.Object("maps").Items("deleted").Where(map => (map.Text("perms") ?? "").Contains('x', StringComparison.Ordinal)).Select(map => map.Text("path")).OfType<string>()
                .Where(path => path != link && !path.StartsWith("/memfd:", StringComparison.Ordinal) && !path.StartsWith("/dev/zero", StringComparison.Ordinal)).Take(MaxDescriptors)],
            UsedTicks = Math.Max(0, row.Number("user_ticks") ?? 0) + Math.Max(0, row.Number("system_ticks") ?? 0),
            StartTicks = row.Number("start_ticks") ?? 0,
            StandardSockets = [.. Enumerable.Range(0, 3).Select(number => SocketOf(row, number))],
        };
    }

    private string CalledAs()
    {
        string called = LastOf(Arguments[0]).TrimStart('-');
        return MultiCall.Contains(called) && Arguments.Count > 1 ? LastOf(Arguments[1]) : called;
    }

    private static long SocketOf(JsonElement row, int number)
    {
        const string prefix = "socket:[";
        foreach (JsonElement descriptor in row.Items("fds"))
        {
            if (descriptor.Number("fd") == number)
            {
                string target = descriptor.Text("target") ?? "";
                return target.StartsWith(prefix, StringComparison.Ordinal)
                    && long.TryParse(target.AsSpan(prefix.Length).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out long inode) ? inode : 0;
            }
        }

        return 0;
    }

    private static SeenDescriptor? Descriptor(JsonElement row) =>
        row.Text("target") is ['/', ..] target && row.Number("fd") is { } number ? new(number, target, row.Number("mnt_id") ?? 0) : null;

    // "7f00-8f00", hexadecimal: as in /proc/PID/maps.
    private static long SizeOf(JsonElement map) =>
        (map.Text("range") ?? "").Split('-') is [var from, var to]
        && long.TryParse(from, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long start) && long.TryParse(to, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long end)
            ? Math.Clamp(end - start, 0, 1L << 40) : 0;

    private static ulong? Mask(JsonElement status, string name) =>
        ulong.TryParse(status.Text(name), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mask) ? mask : null;
}
