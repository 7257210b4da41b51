using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Evidence;
using ContainerIR.Linux;

namespace ContainerIR.Runtimes.Docker;

/// <summary>Connects to an engine's socket and says in words why it cannot.</summary>
internal static class EngineConnection
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const ushort FileTypeMask = 0xF000;
    private const ushort SocketFile = 0xC000;

    /// <summary>Longest wait for one read: an engine that is stuck must not hold the acquisition for ever.</summary>
    public static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Connects, synchronously: one asynchronous operation would make the socket non-blocking for good, and evidence is read by blocking reads.</summary>
    /// <exception cref="SocketException">The engine does not take the connection.</exception>
    public static Socket Open(EngineAddress address)
    {
        Socket socket = address.SocketPath is null
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.ReceiveTimeout = (int)ReadTimeout.TotalMilliseconds;
            socket.SendTimeout = (int)ReadTimeout.TotalMilliseconds;
            if (address.SocketPath is { } path)
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
            }
            else
            {
                socket.Connect(address.Host, address.Port);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects and hangs up, asking nothing.</summary>
    /// <returns>Null when the engine takes connections; else the problem and its remedy.</returns>
    public static OperatorException? Try(EngineAddress address)
    {
        // .NET folds unlike errors of connect(2) into one word, so the plain ones are looked for first.
        if (address.SocketPath is { } path)
        {
            try
            {
                if ((RequireStat(path).stx_mode & FileTypeMask) != SocketFile)
                {
                    return Problem(address, new HostFileException(path, 0, "it is not a socket"));
                }
            }
            catch (HostFileException failure)
            {
                return Problem(address, failure);
            }
        }

        try
        {
            Open(address).Dispose();
            return null;
        }
        catch (Exception failure) when (failure is SocketException or ArgumentException)
        {
            return Problem(address, failure);
        }
    }

    /// <summary>The problem and its remedy for a connection that failed.</summary>
    public static OperatorException Problem(EngineAddress address, Exception failure)
    {
        string words = failure is SocketException socket ? $"{socket.Message} ({socket.SocketErrorCode})" : failure.Message;
        string remedy = failure switch
        {
            HostFileException { IsMissing: true } => "Start the engine (systemctl start docker), or set DOCKER_HOST to the socket it listens on.",
            HostFileException { Errno: Libc.EACCES or Libc.EPERM } or SocketException { SocketErrorCode: SocketError.AccessDenied } =>
                "Run cir as root (sudo): the socket's rights do not let this user in, and most evidence needs root anyway.",
            SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "The socket is there but no engine listens on it. Start it: systemctl start docker. Or set DOCKER_HOST.",
            _ => "Check that the engine runs and that DOCKER_HOST names its socket.",
        };
        return new OperatorException($"The container engine at {address} cannot be reached: {words}.", remedy, failure);
    }

    /// <summary>Pid of the process that listens on the socket, unix(7) SO_PEERCRED; null when not known (TCP, another pid namespace).</summary>
    public static int? ListenerPid(EngineAddress address)
    {
        if (address.SocketPath is null)
        {
            return null;
        }

        try
        {
            using Socket socket = Open(address);
            Span<byte> credentials = stackalloc byte[12];
            return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) == credentials.Length && MemoryMarshal.Read<int>(credentials) is > 0 and var pid ? pid : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>TLS as the docker command does it: server checked against ca.pem alone, client shown by cert.pem and key.pem. Null for none.</summary>
    /// <exception cref="OperatorException">The files cannot be used.</exception>
    public static SslClientAuthenticationOptions? Tls(EngineAddress address)
    {
        if (address.CertificateDirectory is not { } folder)
        {
            return null;
        }

        try
        {
            X509Certificate2 client = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"));
            X509Certificate2Collection roots = [];
            roots.ImportFromPemFile(Path.Combine(folder, "ca.pem"));
            X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(roots);
            return new SslClientAuthenticationOptions { TargetHost = address.Host, ClientCertificates = [client], CertificateChainPolicy = policy };
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                $"The TLS files for {address} cannot be used: {failure.Message}",
                "DOCKER_CERT_PATH must name a directory with ca.pem, cert.pem and key.pem; unset it for an engine without TLS.",
                failure);
        }
    }

    private static unsafe StatX RequireStat(string path)
    {
        StatX stat = default;
        byte[] name = [.. System.Text.Encoding.UTF8.GetBytes(path), 0];
        fixed (byte* pointer = name)
        {
            return Libc.statx(Libc.AT_FDCWD, pointer, Libc.AT_STATX_DONT_SYNC, StatX.STATX_BASIC_STATS, &stat) == 0
                ? stat
                : throw new HostFileException(Evidence.Text.DisplayText.Escape(path), Marshal.GetLastPInvokeError());
        }
    }
}
