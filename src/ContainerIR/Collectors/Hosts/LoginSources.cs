using System.Text;
using ContainerIR.Collectors.Journals;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Hosts;

/// <summary>Reads every place of the host that says who came and what they did with containers, copies what is its own record, and makes rows of it.</summary>
/// <param name="prefix">What makes a path of the host true for us.</param>
/// <param name="fromNs">Begin of the time window.</param>
internal sealed class LoginSources(string prefix, long fromNs)
{
    private const long LogLimitBytes = 64L * 1024 * 1024;
    private const int HistoryLimitBytes = 4 * 1024 * 1024;
    private const int MaxRows = 100_000;

    private static readonly string[] Programs = ["sshd", "sshd-session", "sudo", "su", "login", "systemd-logind"];
    private static readonly string[] AuthLogs = ["auth.log", "auth.log.1", "secure", "secure-1"];
    private static readonly string[] Histories = [".bash_history", ".zsh_history", ".ash_history", ".sh_history"];

    /// <summary>What was found.</summary>
    public List<SessionRow> Rows { get; } = [];

    /// <summary>What was looked at, for the scope.</summary>
    public List<string> Read { get; } = [];

    /// <summary>Reads all of them.</summary>
    public async Task CollectAsync(IEvidenceSink sink, CancellationToken ct)
    {
        foreach ((string path, string item, bool isFailed) in new[] { ("/var/log/wtmp", "wtmp", false), ("/var/log/wtmp.1", "wtmp.1", false), ("/var/log/btmp", "btmp", true) })
        {
            await AddRecordsAsync(path, item, isFailed, sink, ct);
        }

        AddLastlog(sink);
        foreach (string name in AuthLogs)
        {
            await AddAuthLogAsync("/var/log/" + name, name, sink, ct);
        }

        await AddJournalAsync(sink, ct);
        AddAudit(sink);
        AddHistories(sink);
    }

    private async Task AddRecordsAsync(string path, string item, bool isFailed, IEvidenceSink sink, CancellationToken ct)
    {
        if (HostFile.TryStat(prefix + path) is null)
        {
            return;
        }

        Read.Add(path);
        await sink.AddHostFileAsync("logins/" + item, prefix + path, LogLimitBytes, ct);
        ForEachRecord(path, LoginRecords.UtmpBytes, sink, (record, _) => Add(LoginRecords.Parse(record, isFailed, fromNs)));
    }

    private void AddLastlog(IEvidenceSink sink)
    {
        if (HostFile.TryStat(prefix + "/var/log/lastlog") is not null)
        {
            Read.Add("/var/log/lastlog (its rows; the file is as long as the largest uid)");
            ForEachRecord("/var/log/lastlog", LoginRecords.LastlogBytes, sink, (record, number) => Add(LoginRecords.ParseLast(record, number, Accounts.NameOf((uint)number), fromNs)));
        }
    }

    private void ForEachRecord(string path, int bytes, IEvidenceSink sink, RecordAction take)
    {
        try
        {
            using HostFile file = HostFile.Open(prefix + path);
            byte[] buffer = new byte[bytes * 256];
            long at = 0, end = Math.Min((long)file.Stat.stx_size, LogLimitBytes);
            while (at + bytes <= end)
            {
                int count = file.ReadAt(buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)), at);
                for (int i = 0; i + bytes <= count; i += bytes)
                {
                    take(buffer.AsSpan(i, bytes), (at + i) / bytes);
                }

                if (count < bytes)
                {
                    break;
                }

                at += count - (count % bytes);
            }
        }
        catch (HostFileException failure)
        {
            sink.AddGap(path, failure.Message);
        }
    }

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
            ForEachLine("/var/log/audit/" + name, sink, (line, _) => Add(AuthLines.FromAudit(line, Accounts.NameOf)));
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

    private void ForEachLine(string path, IEvidenceSink sink, RecordAction take)
    {
        try
        {
            using HostFile file = HostFile.Open(prefix + path);
            using Stream content = file.OpenStream(LogLimitBytes);
            foreach (StreamLine line in JsonLines.Read(content, HistoryLimitBytes))
            {
                take(line.Content.Span, line.Number);
            }
        }
        catch (HostFileException failure)
        {
            sink.AddGap(path, failure.Message);
        }
    }

    private void Add(SessionRow? row)
    {
        if (row is not null && (row.TimeNs is null || row.TimeNs >= fromNs) && Rows.Count < MaxRows)
        {
            Rows.Add(row);
        }
    }

    private delegate void RecordAction(ReadOnlySpan<byte> record, long number);
}
