using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Shippers;

/// <summary>Where to, in which protocol, and with what to prove who we are and who they are.</summary>
internal sealed record ShipTarget
{
    private static readonly string[] Forms =
    [
        "gelf+udp", "gelf+tcp", "gelf+tls", "gelf+http", "gelf+https", "splunk+http", "splunk+https", "elastic+http", "elastic+https", "syslog+tcp", "syslog+tls", "webhook+http", "webhook+https",
    ];

    /// <summary><c>gelf</c>, <c>splunk</c>, <c>elastic</c>, <c>syslog</c>, <c>webhook</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>Host, port, path; its scheme is the transport: <c>udp</c>, <c>tcp</c>, <c>tls</c>, <c>http</c>, <c>https</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>Secret for the receiver; null when none is given.</summary>
    public string? Token { get; init; }

    /// <summary>The only authorities trusted; null for those of the system.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>Whether syslog carries CEF.</summary>
    public bool IsCef { get; init; }

    public bool IsEncrypted => Address.Scheme is "tls" or "https";

    /// <summary>The target without what could be secret in it.</summary>
    public string Shown => $"{Protocol}+{Address.Scheme}://{Address.Host}:{Address.Port}{Address.AbsolutePath}";

    /// <exception cref="OperatorException">It is no target.</exception>
    public static ShipTarget Parse(string text, string? token, string? caFile, bool isCef)
    {
        int plus = text.IndexOf('+', StringComparison.Ordinal);
        string form = text.Split("://")[0];
        if (!Forms.Contains(form) || !Uri.TryCreate(text[(plus + 1)..], UriKind.Absolute, out Uri? address) || address.Host.Length == 0 || (address.Port <= 0 && address.Scheme is not ("http" or "https")))
        {
            throw new OperatorException(
                $"{DisplayText.Shorten(text, 200)} is no receiver.", $"Give PROTOCOL://HOST:PORT[/PATH] with a protocol of: {string.Join(", ", Forms)}");
        }

        if (address.UserInfo.Length > 0)
        {
            throw new OperatorException("A password in an argument can be read by every program of this host.", "Give it with --token-file FILE or CIR_SHIP_TOKEN.");
        }

        string protocol = text[..plus];
        return protocol == "splunk" && token is null
            ? throw new OperatorException("Splunk wants a token.", "Give it with --token-file FILE or CIR_SHIP_TOKEN.")
            : new ShipTarget { Protocol = protocol, Address = address, Token = token, Authorities = caFile is null ? null : ReadAuthorities(caFile), IsCef = isCef };
    }

    /// <summary>The way to it.</summary>
    public IShipper Open(TimeProvider clock) => (Protocol, Address.Scheme) switch
    {
        ("gelf", "udp") => new GelfUdpShipper(this),
        ("gelf", "tcp" or "tls") => new StreamShipper(this, GelfMessage.Frame),
        ("gelf", _) => new GelfHttpShipper(this),
        ("splunk", _) => new SplunkShipper(this, clock),
        ("elastic", _) => new ElasticShipper(this),
        ("webhook", _) => new WebhookShipper(this),
        _ => new StreamShipper(this, (line, each) => SyslogMessage.Frame(line, each, IsCef)),
    };

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        try
        {
            X509Certificate2Collection authorities = [];
            authorities.ImportFromPemFile(file);
            return authorities.Count > 0 ? authorities : throw new System.Security.Cryptography.CryptographicException("it holds no certificate");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new OperatorException($"The authority file {DisplayText.Escape(file)} cannot be read: {failure.Message}", "Give a PEM file with the certificates of the receiver's authority: --ca FILE", failure);
        }
    }
}
