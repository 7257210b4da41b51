using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>
/// One process of <c>processes.jsonl.zst</c>. Texts are in display form (escaped, see <see cref="Evidence.Text.DisplayText"/>): what a process says of
/// itself (name, command line, environment) is its own choice.
/// </summary>
public sealed record ProcessRow
{
    /// <summary>Process id in the host's pid namespace.</summary>
    public required int Pid { get; init; }

    /// <summary>Parent in the host's pid namespace.</summary>
    public required int ParentPid { get; init; }

    /// <summary>Process id in each pid namespace, the host's first.</summary>
    public IReadOnlyList<long> NamespacePids { get; init; } = [];

    /// <summary>Start in clock ticks after boot: with the pid the identity of a process.</summary>
    public long StartTicks { get; init; }

    /// <summary>Start (UTC), good to 10 ms.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Name the process bears.</summary>
    public string Comm { get; init; } = "";

    /// <summary>Arguments.</summary>
    public IReadOnlyList<string> CommandLine { get; init; } = [];

    /// <summary>Environment, <c>NAME=value</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Kernel's state letter; empty when unknown.</summary>
    public string State { get; init; } = "";

    /// <summary>Real, effective, saved and file-system user id as the host sees them.</summary>
    public IReadOnlyList<long> UserIds { get; init; } = [];

    /// <summary>Text of the exe link; null when there is none.</summary>
    public string? ExecutablePath { get; init; }

    /// <summary>SHA-256 of the running executable; null when it could not be read.</summary>
    public string? ExecutableSha256 { get; init; }

    /// <summary>Size of the running executable.</summary>
    public long? ExecutableSizeBytes { get; init; }

    /// <summary>Whether no name leads to the running executable.</summary>
    public bool IsExecutableDeleted { get; init; }

    /// <summary>Whether it lives in memory only.</summary>
    public bool IsExecutableInMemory { get; init; }

    /// <summary>Item in the section that holds its bytes (<c>exe/0001.zst</c>); null when none.</summary>
    public string? ExecutableItem { get; init; }

    /// <summary>Working directory.</summary>
    public string WorkingDirectory { get; init; } = "";

    /// <summary>Why it counts as the container's: <c>cgroup</c>, <c>namespace</c>, <c>ancestry</c> …</summary>
    public IReadOnlyList<string> MemberBy { get; init; } = [];

    /// <summary>What is unusual: <c>exe-deleted</c>, <c>left-cgroup</c>, <c>rwx-map</c> …</summary>
    public IReadOnlyList<string> Signs { get; init; } = [];

    /// <summary>Why the row is not whole; null when it is.</summary>
    public string? Vanished { get; init; }

    /// <summary>Effective capabilities, hexadecimal mask; null when unknown.</summary>
    public string? EffectiveCapabilities { get; init; }

    /// <summary>Number of open descriptors listed.</summary>
    public int DescriptorCount { get; init; }

    /// <summary>Reads rows of the decompressed item.</summary>
    public static IEnumerable<ProcessRow> Read(Stream lines, RowLimits limits, RowProblems problems) => RowReader.Read(lines, Parse, limits, problems);

    /// <summary>One row; null when it has no pid.</summary>
    internal static ProcessRow? Parse(JsonElement row)
    {
        if (JsonFields.Number(row, "pid") is not (>= 0 and <= int.MaxValue and var pid))
        {
            return null;
        }

        JsonElement exe = JsonFields.Object(row, "exe");
        return new ProcessRow
        {
            Pid = (int)pid,
            ParentPid = (int)Math.Clamp(JsonFields.Number(row, "ppid") ?? 0, 0, int.MaxValue),
            NamespacePids = JsonFields.Numbers(row, "nspid"),
            StartTicks = JsonFields.Number(row, "start_ticks") ?? 0,
            StartedAt = JsonFields.Time(row, "started_at"),
            Comm = JsonFields.Text(row, "comm") ?? "",
            CommandLine = JsonFields.Texts(row, "cmdline"),
            Environment = JsonFields.Texts(row, "environ"),
            State = JsonFields.Text(row, "state") ?? "",
            UserIds = JsonFields.Numbers(row, "uids"),
            ExecutablePath = JsonFields.Text(exe, "link"),
            ExecutableSha256 = JsonFields.Text(exe, "sha256"),
            ExecutableSizeBytes = JsonFields.Number(exe, "size"),
            IsExecutableDeleted = JsonFields.Flag(exe, "deleted"),
            IsExecutableInMemory = JsonFields.Flag(exe, "memory"),
            ExecutableItem = JsonFields.Text(exe, "item"),
            WorkingDirectory = JsonFields.Text(row, "cwd") ?? "",
            MemberBy = JsonFields.List(row, "member_by", e => JsonFields.Text(e, "why")),
            Signs = JsonFields.Texts(row, "signs"),
            Vanished = JsonFields.Text(row, "vanished"),
            EffectiveCapabilities = JsonFields.Text(JsonFields.Object(row, "status"), "CapEff"),
            DescriptorCount = row.TryGetProperty("fds", out JsonElement fds) && fds.ValueKind == JsonValueKind.Array ? fds.GetArrayLength() : 0,
        };
    }
}
