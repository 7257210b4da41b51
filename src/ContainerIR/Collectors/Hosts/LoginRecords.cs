using System.Buffers.Binary;
using System.Net;
using System.Text;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Hosts;

/// <summary>Binary login records of the host: wtmp and btmp (utmp(5): 384 bytes each), lastlog (292 bytes, by uid). Anything may stand in them; nothing fails.</summary>
internal static class LoginRecords
{
    public const int UtmpBytes = 384;
    public const int LastlogBytes = 292;
    private const short UserProcess = 7;
    private const short LoginProcess = 6;
    private const short DeadProcess = 8;
    private const short BootTime = 2;

    /// <summary>One record; null for one that says nothing of a person, or is not of the window.</summary>
    /// <param name="record">Its bytes.</param>
    /// <param name="isFailed">Whether it is of btmp: failed logins.</param>
    /// <param name="fromNs">Begin of the window.</param>
    public static SessionRow? Parse(ReadOnlySpan<byte> record, bool isFailed, long fromNs)
    {
        if (record.Length < UtmpBytes)
        {
            return null;
        }

        short type = BinaryPrimitives.ReadInt16LittleEndian(record);
        long seconds = BinaryPrimitives.ReadUInt32LittleEndian(record[340..]);
        int micros = BinaryPrimitives.ReadInt32LittleEndian(record[344..]);
        long timeNs = (seconds * 1_000_000_000) + (micros is >= 0 and < 1_000_000 ? micros * 1000L : 0);
        string user = Text(record.Slice(44, 32)), line = Text(record.Slice(8, 32)), host = Text(record.Slice(76, 256));
        bool isSession = type is UserProcess or DeadProcess or BootTime || (isFailed && type is LoginProcess);
        if (!isSession || timeNs < fromNs || seconds == 0)
        {
            return null;
        }

        string kind = isFailed ? "failed-login" : type switch { UserProcess => "login", DeadProcess => "logout", _ => "boot" };
        return new()
        {
            TimeNs = timeNs,
            Kind = kind,
            User = user.Length > 0 ? user : null,
            Terminal = line.Length > 0 ? line : null,
            Source = Address(record.Slice(348, 16)) ?? (host.Length > 0 && type != BootTime ? host : null),
            Pid = BinaryPrimitives.ReadInt32LittleEndian(record[4..]),
            What = kind + (host.Length > 0 ? $" (host field: {host})" : ""),
            Basis = isFailed ? "btmp" : "wtmp",
        };
    }

    /// <summary>Last login of a uid; null where there was none in the window.</summary>
    public static SessionRow? ParseLast(ReadOnlySpan<byte> record, long uid, string? name, long fromNs)
    {
        if (record.Length < LastlogBytes)
        {
            return null;
        }

        long timeNs = BinaryPrimitives.ReadUInt32LittleEndian(record) * 1_000_000_000L;
        string line = Text(record.Slice(4, 32)), host = Text(record.Slice(36, 256));
        return timeNs == 0 || timeNs < fromNs
            ? null
            : new() { TimeNs = timeNs, Kind = "login", User = name ?? $"uid {uid}", Terminal = line.Length > 0 ? line : null, Source = host.Length > 0 ? host : null, What = "last login", Basis = "lastlog" };
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.Latin1.GetString(end < 0 ? field : field[..end]);
    }

    private static string? Address(ReadOnlySpan<byte> address) =>
        address.IndexOfAnyExcept((byte)0) < 0 ? null : new IPAddress(address[4..].IndexOfAnyExcept((byte)0) < 0 ? address[..4] : address).ToString();
}
