using System.Text;
using System.Text.RegularExpressions;
using ContainerIR.Collectors.Journals;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Hosts;

/// <summary>Reads every place of the host that says who came and what they did with containers, copies what is its own record, and makes rows of it.</summary>
/// <param name="prefix">What makes a path of the host true for us.</param>
/// <param name="fromNs">Begin of the time window.</param>
internal sealed partial class LoginSources(string prefix, long fromNs)
{
    private const long LogLimitBytes = 64L * 1024 * 1024;
    private const int HistoryLimitBytes = 4 * 1024 * 1024;
    private const int MaxRows = 100_000;
    private const int MaxGenerations = 64;
    private const long InflatedLimitBytes = 1024L * 1024 * 1024;

    private static readonly string[] Programs = ["sshd", "sshd-session", "sudo", "su", "login", "systemd-logind"];

    // Rotated ones too, compressed or not: auth.log.1, auth.log.2.gz, secure-20261122.gz. The binary records of su rotate like them.
    private static readonly string[] AuthLogs = ["auth.log", "secure"];
    private static readonly (string Name, bool IsFailed)[] RecordFiles = [("wtmp", false), ("btmp", true)];
    private static readonly string[] Histories = [".bash_history", ".zsh_history", ".ash_history", ".sh_history"];

    /// <summary>What was found.</summary>
    public List<SessionRow> Rows { get; } = [];

    /// <summary>What was looked at, for the scope.</summary>
    public List<string> Read { get; } = [];

    /// <summary>Reads all of them.</summary>
    public async Task CollectAsync(IEvidenceSink sink, CancellationToken ct)
    {
        await AddRecordsAsync("/run/utmp", "utmp", false, sink, ct);
        List<string> logs = HostDirectory.TextNames(prefix + "/var/log");
        foreach ((string name, bool isFailed) in RecordFiles)
        {
            foreach (string file in Generations(logs, name, sink))
            {
                await AddRecordsAsync("/var/log/" + file, file, isFailed, sink, ct);
            }
        }

        AddLastlog(sink);
        foreach (string file in AuthLogs.SelectMany(name => Generations(logs, name, sink)))
        {
            await AddAuthLogAsync("/var/log/" + file, file, sink, ct);
        }

        await AddJournalAsync(sink, ct);
        AddAudit(sink);
        AddHistories(sink);
    }

    /// <summary>A log and what logrotate made of it: numbers or dates behind its name, <c>.gz</c> behind those.</summary>
    private static IEnumerable<string> Generations(List<string> names, string log, IEvidenceSink sink)
    {
        List<string> found = [.. names.Where(name => name == log || (name.StartsWith(log, StringComparison.Ordinal) && name[log.Length] is '.' or '-' && Rotated().IsMatch(name.AsSpan(log.Length))))];
        if (found.Count > MaxGenerations)
        {
            sink.AddGap($"more rotated files of /var/log/{log}", $"{found.Count} are there, {MaxGenerations} were read");
        }

        foreach (string other in names.Where(name => name.StartsWith(log + ".", StringComparison.Ordinal) && (name.EndsWith(".xz", StringComparison.Ordinal) || name.EndsWith(".zst", StringComparison.Ordinal) || name.EndsWith(".bz2", StringComparison.Ordinal))))
        {
            sink.AddGap($"logins in /var/log/{DisplayText.Escape(other)}", "only gzip is read");
        }

        return found.Take(MaxGenerations);
    }

    private async Task AddRecordsAsync(string path, string item, bool isFailed, IEvidenceSink sink, CancellationToken ct)
    {
        if (HostFile.TryStat(prefix + path) is null)
        {
            return;
        }

        Read.Add(path);
        await sink.AddHostFileAsync("logins/" + item, prefix + path, LogLimitBytes, ct);
        ForEachRecord(path, LoginRecords.UtmpBytes, sink, (record, _) => Add(LoginRecords.Parse(record, isFailed, fromNs) is { } row ? row with { Basis = item } : null));
    }

    private void AddLastlog(IEvidenceSink sink)
    {
        if (HostFile.TryStat(prefix + "/var/log/lastlog") is not null)
        {
            Read.Add("/var/log/lastlog (its rows; the file is as long as the largest uid)");
            ForEachRecord("/var/log/lastlog", LoginRecords.LastlogBytes, sink, (record, number) => Add(LoginRecords.ParseLast(record, number, Accounts.NameOf((uint)number), fromNs)));
        }
    }

    private void ForEachRecord(string path, int bytes, IEvidenceSink sink, RecordAction take) => ReadContent(path, sink, content =>
    {
        byte[] buffer = new byte[bytes * 256];
        long number = 0;
        int count;
        do
        {
            count = content.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            for (int i = 0; i + bytes <= count; i += bytes)
            {
                take(buffer.AsSpan(i, bytes), number++);
            }
        }
        while (count == buffer.Length && number * bytes < InflatedLimitBytes);
    });

    private async Task AddAuthLogAsync(string path, string item, IEvidenceSink sink, CancellationToken ct)
    {
        if (HostFile.TryStat(prefix + path) is null)
        {
            return;
        }

        Read.Add(path);
        await sink.AddHostFileAsync($"logins/{item}", prefix + path, LogLimitBytes, ct);
        long now = ClockFacts.Read().RealtimeNs;
        TimeSpan offset = TimeZoneInfo.Local.GetUtcOffset(DateTimeOffset.UtcNow);
        ForEachLine(path, sink, (line, number) => Add(AuthLines.FromSyslog(line, now, offset, $"{path} line {number}")));
    }

    private async Task AddJournalAsync(IEvidenceSink sink, CancellationToken ct)
    {
        using HostJournal journal = HostJournal.Open(prefix);
        Read.Add($"systemd journal ({journal.Paths.Count} files): entries of {string.Join(", ", Programs)}");
        await journal.ExportAsync(
            [.. Programs.Select(program => Encoding.ASCII.GetBytes("SYSLOG_IDENTIFIER=" + program))],
            entry => entry.TimeNs >= fromNs,
            "logins/auth.journal-export.zst", "entries of login programs in the systemd journal since the window's begin, Journal Export Format", sink,
            (entry, _, _) =>
            {
                // Anybody may call himself sshd: journald's own fields say who it was.
                string sender = $"journal: {entry.Text("SYSLOG_IDENTIFIER")} as {entry.Text("_EXE")} uid {entry.Text("_UID")} pid {entry.Text("_PID")}";
                Add(AuthLines.FromMessage(entry.Text("SYSLOG_IDENTIFIER"), entry.Text("MESSAGE"), entry.TimeNs, null, sender));
                return ValueTask.CompletedTask;
            },
            ct);
        foreach ((string sought, string reason) in journal.Gaps.Take(20))
        {
            sink.AddGap(sought, reason);
        }
    }

    private void AddAudit(IEvidenceSink sink)
    {
        foreach (string name in HostDirectory.TextNames(prefix + "/var/log/audit").Where(name => name.StartsWith("audit.log", StringComparison.Ordinal)))
        {
            Read.Add($"/var/log/audit/{name}: records that name a program of containers");
            AuditRecords records = new(Accounts.NameOf, Add);
            ForEachLine("/var/log/audit/" + name, sink, (line, _) => records.Feed(line));
            records.Finish();
        }
    }

    private void AddHistories(IEvidenceSink sink)
    {
        foreach (string home in HostDirectory.TextNames(prefix + "/home", 1000).Select(name => "/home/" + name).Prepend("/root"))
        {
            foreach (string path in Histories.Select(name => $"{home}/{name}").Where(path => HostFile.TryStat(prefix + path) is not null))
            {
                Read.Add($"{path}: lines that name a program of containers");
                string user = home[(home.LastIndexOf('/') + 1)..];
                long? time = null;
                ForEachLine(path, sink, (line, number) =>
                {
                    string text = Encoding.Latin1.GetString(line[..Math.Min(line.Length, 4096)]);

                    // bash writes "#1700000000" above a line, zsh ": 1700000000:0;" before it, where they were told to.
                    if (text.Length is > 9 and < 13 && text[0] == '#' && long.TryParse(text.AsSpan(1), out long epoch))
                    {
                        time = epoch;
                        return;
                    }

                    if (text.StartsWith(": ", StringComparison.Ordinal) && text.IndexOf(';') is > 0 and var semicolon && long.TryParse(text[2..].Split(':')[0], out epoch))
                    {
                        (time, text) = (epoch, text[(semicolon + 1)..]);
                    }

                    if (AuthLines.IsOfContainers(text))
                    {
                        Add(new() { TimeNs = time * 1_000_000_000, Kind = "shell-history", User = user, What = text, Basis = $"{path} line {number}" });
                    }

                    time = null;
                });
            }
        }
    }

    private void ForEachLine(string path, IEvidenceSink sink, RecordAction take) => ReadContent(path, sink, content =>
    {
        foreach (StreamLine line in JsonLines.Read(content, HistoryLimitBytes))
        {
            if (line.Offset > InflatedLimitBytes)
            {
                sink.AddGap($"{DisplayText.Escape(path)} from line {line.Number}", $"over the limit of {InflatedLimitBytes} bytes decompressed");
                break;
            }

            take(line.Content.Span, line.Number);
        }
    });

    /// <summary>Opens a file, decompressed where its name says that it is compressed. What was read before a fault stays read.</summary>
    private void ReadContent(string path, IEvidenceSink sink, Action<Stream> read)
    {
        try
        {
            using HostFile file = HostFile.Open(prefix + path);
            using Stream content = path.EndsWith(".gz", StringComparison.Ordinal) ? new GzipContent(file, LogLimitBytes) : file.OpenStream(LogLimitBytes);
            read(content);
        }
        catch (HostFileException failure)
        {
            sink.AddGap(path, failure.Message);
        }
        catch (InvalidDataException failure)
        {
            sink.AddGap($"the rest of {DisplayText.Escape(path)}", $"broken gzip: {failure.Message}");
        }
    }

    [GeneratedRegex(@"^[.-]\d{1,8}(-\d{1,10})?(\.gz)?$", RegexOptions.NonBacktracking)]
    private static partial Regex Rotated();

    private void Add(SessionRow? row)
    {
        if (row is not null && (row.TimeNs is null || row.TimeNs >= fromNs) && Rows.Count < MaxRows)
        {
            Rows.Add(row);
        }
    }

    private delegate void RecordAction(ReadOnlySpan<byte> record, long number);
}
