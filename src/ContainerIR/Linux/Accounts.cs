using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux;

/// <summary>
/// Names of local accounts, read from <c>/etc/passwd</c> itself: the name service of the C library would load modules of the suspect host into us,
/// and directory accounts (LDAP, SSSD) stay numbers.
/// </summary>
internal static class Accounts
{
    private const int PasswdLimitBytes = 16 * 1024 * 1024;

    /// <summary>Name of a uid; null when it has no line or the file cannot be read. passwd(5).</summary>
    public static string? NameOf(uint uid)
    {
        try
        {
            return NameOf(uid, HostFile.ReadSmall("/etc/passwd", PasswdLimitBytes));
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    /// <summary>Who runs this process, as the kernel and the session's environment say.</summary>
    public static LocalLogin Current()
    {
        uint uid = Libc.getuid();
        uint? login = ReadLoginUid();
        return new LocalLogin
        {
            Uid = uid,
            EffectiveUid = Libc.geteuid(),
            Name = NameOf(uid),
            LoginUid = login,
            LoginName = login is { } id ? NameOf(id) : null,
            SudoUser = Variable("SUDO_USER"),
            SudoUid = Variable("SUDO_UID"),
            Terminal = HostFile.TryReadLink("/proc/self/fd/0") is { } target && target.AsSpan().StartsWith("/dev/"u8) ? DisplayText.Escape(target) : null,
            SshConnection = Variable("SSH_CONNECTION"),
        };
    }

    internal static string? NameOf(uint uid, ReadOnlySpan<byte> passwd)
    {
        Span<byte> digits = stackalloc byte[10];
        _ = uid.TryFormat(digits, out int count, default, CultureInfo.InvariantCulture);
        foreach (Range line in passwd.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> rest = passwd[line];
            int name = rest.IndexOf((byte)':');
            int password = name < 0 ? -1 : rest[(name + 1)..].IndexOf((byte)':');
            if (password < 0)
            {
                continue;
            }

            ReadOnlySpan<byte> id = rest[(name + password + 2)..];
            int end = id.IndexOf((byte)':');
            if (end >= 0 && id[..end].SequenceEqual(digits[..count]))
            {
                return DisplayText.Escape(rest[..name]);
            }
        }

        return null;
    }

    /// <summary>The audit login uid survives su and sudo; 4294967295 means not set. Documentation/filesystems/proc.rst.</summary>
    private static uint? ReadLoginUid()
    {
        try
        {
            string text = Encoding.ASCII.GetString(HostFile.ReadSmall("/proc/self/loginuid", 64)).Trim();
            return uint.TryParse(text, CultureInfo.InvariantCulture, out uint uid) && uid != uint.MaxValue ? uid : null;
        }
        catch (HostFileException)
        {
            return null;
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? DisplayText.Shorten(value, 256) : null;
}

/// <summary>Who runs this process on this host. All texts are in display form.</summary>
internal sealed record LocalLogin
{
    /// <summary>Real uid.</summary>
    public required uint Uid { get; init; }

    /// <summary>Effective uid.</summary>
    public required uint EffectiveUid { get; init; }

    /// <summary>Name of the real uid in /etc/passwd; null when it has none.</summary>
    public string? Name { get; init; }

    /// <summary>Uid of the login session (audit); null when not set.</summary>
    public uint? LoginUid { get; init; }

    /// <summary>Its name.</summary>
    public string? LoginName { get; init; }

    /// <summary>SUDO_USER.</summary>
    public string? SudoUser { get; init; }

    /// <summary>SUDO_UID.</summary>
    public string? SudoUid { get; init; }

    /// <summary>The terminal standard input is; null when it is none.</summary>
    public string? Terminal { get; init; }

    /// <summary>SSH_CONNECTION: client address, port, server address, port.</summary>
    public string? SshConnection { get; init; }
}
