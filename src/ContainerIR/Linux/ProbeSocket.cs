using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>
/// A socket of ours inside another network namespace, to try whether packets pass. The process stays outside: nothing runs in the container, and the socket
/// is there for a fraction of a second.
/// </summary>
internal sealed unsafe class ProbeSocket : IDisposable
{
    private readonly Descriptor socket;

    private ProbeSocket(Descriptor socket, int port) => (this.socket, Port) = (socket, port);

    /// <summary>Its local port.</summary>
    public int Port { get; }

    /// <summary>A UDP socket bound to an address, or to any.</summary>
    /// <exception cref="IOException">The namespace or the address refuses.</exception>
    public static ProbeSocket Datagram(NamespaceHandle space, IPAddress address)
    {
        Descriptor socket = space.CreateSocket(FamilyOf(address), Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK, 0);
        byte[] name = Name(address, 0);
        byte* bound = stackalloc byte[32];
        uint size = 32;
        fixed (byte* start = name)
        {
            if (Libc.bind(socket.Number, start, (uint)name.Length) != 0 || Libc.getsockname(socket.Number, bound, &size) != 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                socket.Dispose();
                throw new IOException($"bind to {address}: {Libc.Describe(errno)}");
            }
        }

        return new ProbeSocket(socket, BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(bound + 2, 2)));
    }

    /// <summary>A TCP socket that tries to connect and is not waited for.</summary>
    /// <exception cref="IOException">The namespace refuses.</exception>
    public static ProbeSocket Connecting(NamespaceHandle space, IPAddress address, int port)
    {
        Descriptor socket = space.CreateSocket(FamilyOf(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK, 0);
        byte[] name = Name(address, port);
        fixed (byte* start = name)
        {
            _ = Libc.connect(socket.Number, start, (uint)name.Length);
        }

        return new ProbeSocket(socket, 0);
    }

    /// <summary>Sends one datagram; 0, or the errno.</summary>
    public int Send(IPAddress address, int port)
    {
        byte[] name = Name(address, port);
        byte[] content = "probe"u8.ToArray();
        fixed (byte* start = name)
        fixed (byte* bytes = content)
        {
            return Libc.sendto(socket.Number, bytes, (nuint)content.Length, 0, start, (uint)name.Length) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    /// <summary>Whether a datagram came within the time.</summary>
    public bool HasReceived(TimeSpan limit)
    {
        if ((Libc.WaitForEvent(socket.Number, Libc.POLLIN, limit) & Libc.POLLIN) == 0)
        {
            return false;
        }

        byte* buffer = stackalloc byte[16];
        return Libc.recv(socket.Number, buffer, 16, 0) > 0;
    }

    public void Dispose() => socket.Dispose();

    private static int FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? Libc.AF_INET6 : Libc.AF_INET;

    // struct sockaddr_in, struct sockaddr_in6.
    private static byte[] Name(IPAddress address, int port)
    {
        bool isSix = address.AddressFamily == AddressFamily.InterNetworkV6;
        byte[] name = new byte[isSix ? 28 : 16];
        BinaryPrimitives.WriteUInt16LittleEndian(name, (ushort)FamilyOf(address));
        BinaryPrimitives.WriteUInt16BigEndian(name.AsSpan(2), (ushort)port);
        address.TryWriteBytes(name.AsSpan(isSix ? 8 : 4), out _);
        return name;
    }
}
