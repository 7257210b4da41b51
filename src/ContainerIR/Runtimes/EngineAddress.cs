using System.Globalization;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Runtimes;

/// <summary>Where an engine answers: a Unix socket, or a TCP port with or without TLS. Written as DOCKER_HOST is.</summary>
internal sealed record EngineAddress
{
    private const int PlainPort = 2375;
    private const int TlsPort = 2376;

    private EngineAddress()
    {
    }

    /// <summary>Path of the socket; null for TCP.</summary>
    public string? SocketPath { get; private init; }

    /// <summary>Host for TCP; empty for a socket.</summary>
    public string Host { get; private init; } = "";

    /// <summary>Port for TCP.</summary>
    public int Port { get; private init; }

    /// <summary>Directory with ca.pem, cert.pem and key.pem; null for no TLS.</summary>
    public string? CertificateDirectory { get; private init; }

    /// <summary>As a person writes it: <c>unix:///var/run/docker.sock</c>.</summary>
    public override string ToString() => SocketPath is { } path
        ? "unix://" + DisplayText.Escape(path)
        : string.Create(CultureInfo.InvariantCulture, $"tcp://{DisplayText.Escape(Host)}:{Port}");

    /// <summary>Reads an address.</summary>
    /// <param name="text"><c>unix:///path</c>, a bare absolute path, <c>tcp://host[:port]</c>.</param>
    /// <param name="certificateDirectory">TLS material for TCP (DOCKER_CERT_PATH with DOCKER_TLS_VERIFY); null for none.</param>
    /// <exception cref="OperatorException">It is no such address.</exception>
    public static EngineAddress Parse(string text, string? certificateDirectory = null)
    {
        string path = text.StartsWith("unix://", StringComparison.Ordinal) ? text["unix://".Length..] : text;
        if (path.StartsWith('/') && !path.Contains('\0'))
        {
            return new EngineAddress { SocketPath = path };
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "tcp" or "http" or "https" && uri.Host.Length > 0)
        {
            string? certificates = uri.Scheme == "http" ? null : certificateDirectory;
            return new EngineAddress { Host = uri.IdnHost, Port = uri.Port > 0 && !uri.IsDefaultPort ? uri.Port : certificates is null ? PlainPort : TlsPort, CertificateDirectory = certificates };
        }

        throw new OperatorException(
            $"The engine address {DisplayText.Shorten(text, 200)} cannot be used.",
            "Give unix:///path/to/docker.sock or tcp://host:port. For an engine behind ssh run cir on that host: most evidence is read from its files, not from its engine.");
    }
}
