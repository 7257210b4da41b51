namespace ContainerIR.Analyzers.Sigma;

/// <summary>
/// The views of a bundle that rules are held against, and the fields of their rows. schemas/sigma-row.schema.json says what each holds; a test holds both
/// together.
/// </summary>
internal static class SigmaFields
{
    public const string Process = "process";
    public const string File = "file";
    public const string Socket = "socket";
    public const string Mount = "mount";
    public const string Container = "container";
    public const string FileEvent = "file_event";
    public const string FileDelete = "file_delete";
    public const string Connection = "network_connection";

    private static readonly string[] OfProcess =
    [
        "Image", "CommandLine", "ParentImage", "ParentCommandLine", "CurrentDirectory", "User", "ProcessId", "ParentProcessId", "sha256",
        "argument", "argument_count", "argv0", "argv0_name", "brought_in", "cap_eff", "comm", "env", "env_added", "exe_deleted", "exe_in_upper", "exe_memfd", "exe_name", "exe_path_now", "exe_verdict", "inner_pid",
        "is_container_command", "is_interpreter", "is_shell", "is_text_tool", "no_new_privs", "package_change", "parent_role", "place", "preload_place", "role", "same_socket_01", "seccomp", "sign", "started_at", "tracer_pid", "tty", "uid",
    ];

    private static readonly string[] OfFile =
    [
        "TargetFilename", "sha256", "at_start", "attribute", "changed", "ctime", "gid", "is_executable", "is_package_database", "kind", "link_target", "mode", "mtime", "name", "original_kind",
        "original_mode", "original_size", "package_change", "place", "setgid", "setuid", "sign", "size", "uid", "under_mount", "verdict", "xattr",
    ];

    private static readonly string[] OfSocket =
    [
        "Image", "CommandLine", "User", "ProcessId", "SourceIp", "SourcePort", "DestinationIp", "DestinationPort", "Protocol", "Initiated",
        "brought_in", "exe_deleted", "exe_in_upper", "exe_memfd", "exe_name", "is_interpreter", "is_shell", "is_text_tool", "peer", "role", "sha256", "socket_name", "state", "uid",
    ];

    private static readonly string[] OfMount = ["destination", "propagation", "risk", "source", "type", "writable"];

    private static readonly string[] OfContainer =
    [
        "apparmor", "cap_add", "cap_drop", "cgroupns_mode", "command", "device", "env_name", "image", "ipc_mode", "label", "memory_limit", "name", "network_mode", "pid_mode", "pids_limit",
        "privileged", "published_port", "readonly_rootfs", "restart_count", "restart_policy", "security_opt", "user", "userns_mode", "uts_mode", "working_dir",
    ];

    /// <summary>Views with their fields.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Of { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        [Process] = OfProcess,
        [File] = OfFile,
        [Socket] = OfSocket,
        [Mount] = OfMount,
        [Container] = OfContainer,
        [FileEvent] = OfFile,
        [FileDelete] = OfFile,
        [Connection] = OfSocket,
    };

    /// <summary>The view a log source asks for; null when no rows of a bundle are it.</summary>
    public static string? ViewOf(string? product, string? category, string? service) => (product, category, service) switch
    {
        (_, _, not null) => null,
        ("linux" or null, "process_creation", _) => Process,
        ("linux" or null, FileEvent or FileDelete or Connection, _) => category,
        ("container_ir", Process or File or Socket or Mount or Container, _) => category,
        _ => null,
    };
}
