using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Hosts;

/// <summary>
/// Records of auditd that name a program of containers. Of one event the SYSCALL record says who (the login uid, which su and sudo keep) and the EXECVE record
/// with the same serial number says what was called; sudo's USER_CMD record says both.
/// </summary>
/// <param name="nameOf">Name of an account.</param>
/// <param name="take">Gets the rows.</param>
internal sealed partial class AuditRecords(Func<uint, string?> nameOf, Action<SessionRow> take)
{
    private const int MaxLineCharacters = 8192;
    private const int MaxArguments = 64;

    /// <summary>Records of one event come together, but other CPUs' may stand between.</summary>
    private const int MaxPending = 64;

    private readonly Dictionary<string, SessionRow> pending = [];
    private readonly Queue<string> order = new();

    /// <summary>Takes a line.</summary>
    public void Feed(ReadOnlySpan<byte> line)
    {
        string text = Encoding.Latin1.GetString(line[..Math.Min(line.Length, MaxLineCharacters)]);
        Match stamp = Stamp().Match(text);
        if (!stamp.Success)
        {
            return;
        }

        Dictionary<string, string> fields = [];
        foreach (Match field in Field().Matches(text).Take(200))
        {
            fields.TryAdd(field.Groups[1].Value, field.Groups[2].Value);
        }

        string type = fields.GetValueOrDefault("type") ?? "record", key = stamp.Value;
        string? called = type switch
        {
            "EXECVE" => string.Join(' ', Enumerable.Range(0, MaxArguments).Select(i => fields.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"a{i}"))).TakeWhile(argument => argument is not null).Select(argument => Text(argument!))),
            "USER_CMD" => Text(fields.GetValueOrDefault("cmd") ?? ""),
            _ => null,
        };
        if (type == "EXECVE" && pending.TryGetValue(key, out SessionRow? syscall))
        {
            pending[key] = syscall with { What = $"EXECVE {called} ({syscall.What})" };
        }
        else if (AuthLines.IsOfContainers(called ?? text))
        {
            if (order.Count >= MaxPending)
            {
                Release();
            }

            SessionRow row = RowOf(stamp, fields, called is null ? $"{type} {Text(fields.GetValueOrDefault("comm") ?? "")} {Text(fields.GetValueOrDefault("exe") ?? "")} success={fields.GetValueOrDefault("success")}" : $"{type} {called}");
            if (pending.TryAdd(key, row))
            {
                order.Enqueue(key);
            }
            else
            {
                take(row);
            }
        }
    }

    /// <summary>Gives what waited for a record that did not come.</summary>
    public void Finish()
    {
        while (order.Count > 0)
        {
            Release();
        }
    }

    private void Release()
    {
        pending.Remove(order.Dequeue(), out SessionRow? row);
        take(row!);
    }

    private SessionRow RowOf(Match stamp, Dictionary<string, string> fields, string what) => new()
    {
        TimeNs = long.TryParse(stamp.Groups[1].Value, CultureInfo.InvariantCulture, out long seconds) && seconds < 9_000_000_000
            ? (seconds * 1_000_000_000) + (int.Parse(stamp.Groups[2].Value, CultureInfo.InvariantCulture) * 1_000_000L) : null,
        Kind = "audit",
        User = Number(fields, "auid") is { } uid ? nameOf(uid) ?? $"uid {uid}" : null,
        Terminal = Known(fields, "tty") ?? Known(fields, "terminal"),
        Source = Known(fields, "addr"),
        Pid = Number(fields, "pid"),
        AuditSession = Number(fields, "ses"),
        What = what,
        Basis = "audit.log",
    };

    /// <summary>A number; -1 stands for not set.</summary>
    private static uint? Number(Dictionary<string, string> fields, string name) =>
        uint.TryParse(fields.GetValueOrDefault(name), CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue ? number : null;

    private static string? Known(Dictionary<string, string> fields, string name) =>
        (fields.GetValueOrDefault(name) ?? "").Trim('"') is { Length: > 0 } text && text is not ("?" or "unknown" or "(none)") ? text : null;

    /// <summary>What users chose stands in quotes, or in hexadecimal digits where it holds a blank, a quote or a control character (audit_log_untrustedstring).</summary>
    private static string Text(string value) =>
        value.Length >= 2 && value[0] == '"' ? value.Trim('"')
        : value.Length >= 2 && value.Length % 2 == 0 && value.All(char.IsAsciiHexDigitUpper) ? Encoding.Latin1.GetString(Convert.FromHexString(value)).Replace('\0', ' ')
        : value;

    [GeneratedRegex(@"msg=audit\((\d{1,11})\.(\d{3}):\d+\)", RegexOptions.NonBacktracking)]
    private static partial Regex Stamp();

    [GeneratedRegex(@"(\w+)=(""[^""]*""|[^\s']+)", RegexOptions.NonBacktracking)]
    private static partial Regex Field();
}
