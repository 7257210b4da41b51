using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace ContainerIR.Linux;

/// <summary>
/// A duplicate of another process's socket (pidfd_getfd(2)), asked for what it is and closed again: for sockets no table lists and for the network
/// namespace a socket keeps alive.
/// </summary>
internal sealed unsafe class BorrowedSocket : IDisposable
{
    private readonly Descriptor socket;

    private BorrowedSocket(Descriptor socket) => this.socket = socket;

    /// <summary>Duplicates it; null when the process or descriptor is gone, or names another socket by now.</summary>
    public static BorrowedSocket? Open(int pid, int descriptor, ulong inode, out int errno)
    {
        using Descriptor? process = Descriptor.Own(Libc.OpenPidfd(pid), out errno);
        Descriptor? copy = process is null ? null : Descriptor.Own(Libc.DuplicateFrom(process.Number, descriptor), out errno);
        if (copy is null)
        {
            return null;
        }

        if (copy.TryStat(out StatX stat, out errno) && stat.stx_ino == inode)
        {
            return new BorrowedSocket(copy);
        }

        copy.Dispose();
        errno = errno == 0 ? Libc.ESRCH : errno;
        return null;
    }

    /// <summary>The network namespace it belongs to.</summary>
    public Descriptor? OpenNamespace(out int errno) => Descriptor.Own(Libc.ioctl(socket.Number, Libc.SIOCGSKNS, 0), out errno);

    /// <summary>What it says of itself.</summary>
    public SocketEntry Describe(ulong inode)
    {
        int family = Option(Libc.SO_DOMAIN), type = Option(Libc.SO_TYPE), protocol = Option(Libc.SO_PROTOCOL);
        (IPAddress? local, int localPort, byte[] name) = Name(isPeer: false);
        (IPAddress? remote, int remotePort, byte[] peer) = Name(isPeer: true);
        return new SocketEntry
        {
            Protocol = (family, type, protocol) switch
            {
                (Libc.AF_INET or Libc.AF_INET6, 1, 0 or 6) => "tcp",
                (Libc.AF_INET or Libc.AF_INET6, 2, 0 or 17) => "udp",
                (Libc.AF_INET or Libc.AF_INET6, 2, 1 or 58) => "icmp",
                (Libc.AF_INET or Libc.AF_INET6, 3, _) => "raw",
                (Libc.AF_UNIX, _, _) => "unix",
                (Libc.AF_PACKET, _, _) => "packet",
                (Libc.AF_NETLINK, _, _) => "netlink",
                (Libc.AF_VSOCK, _, _) => "vsock",
                _ => string.Create(CultureInfo.InvariantCulture, $"family-{family}"),
            },
            Family = family,
            SocketType = type,
            SubProtocol = protocol,
            Inode = inode,
            Local = local,
            LocalPort = localPort,
            Remote = remote,
            RemotePort = remotePort,
            Name = family == Libc.AF_VSOCK && peer.Length > 0 ? [.. name, .. " -> "u8, .. peer] : name,
            Source = SocketSource.Descriptor,
        };
    }

    public void Dispose() => socket.Dispose();

    private int Option(int option)
    {
        int value = 0;
        uint size = sizeof(int);
        return Libc.getsockopt(socket.Number, Libc.SOL_SOCKET, option, &value, &size) == 0 ? value : 0;
    }

    private (IPAddress? Address, int Port, byte[] Name) Name(bool isPeer)
    {
        const int space = 128; // struct sockaddr_storage
        byte* address = stackalloc byte[space];
        uint size = space;
        int result = isPeer ? Libc.getpeername(socket.Number, address, &size) : Libc.getsockname(socket.Number, address, &size);
        if (result != 0 || size < 2)
        {
            return (null, 0, []);
        }

        ReadOnlySpan<byte> bytes = new(address, (int)Math.Min(size, space));
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes) switch
        {
            Libc.AF_INET when bytes.Length >= 8 => (new IPAddress(bytes.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), []),
            Libc.AF_INET6 when bytes.Length >= 24 => (new IPAddress(bytes.Slice(8, 16)), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), []),
            Libc.AF_UNIX => (null, 0, bytes[2..].ToArray()),
            Libc.AF_VSOCK when bytes.Length >= 12 => (null, 0, VsockName(bytes)),
            _ => (null, 0, []),
        };
    }

    // vsock(7): struct sockaddr_vm. Machine 2 is the one this machine runs on, 4294967295 any.
    private static byte[] VsockName(ReadOnlySpan<byte> address) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"cid {BinaryPrimitives.ReadUInt32LittleEndian(address[8..])} port {BinaryPrimitives.ReadUInt32LittleEndian(address[4..])}"));
}
