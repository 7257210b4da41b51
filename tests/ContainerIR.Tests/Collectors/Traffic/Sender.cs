using System.Net;
using System.Net.Sockets;
using ContainerIR.Linux;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>Sockets of this process that stand in a container's network namespace: known bytes on a known way, without a program inside.</summary>
internal sealed class Sender(TestContainerNetwork network)
{
    public static TestContainerNetwork In(int pid) => new(pid);

    /// <summary>Sends datagrams one by one to a port where nobody need listen; returns when the last has left.</summary>
    public void Datagrams(IPAddress to, int port, IEnumerable<byte[]> payloads, int fromPort = 0)
    {
        using Socket socket = network.Open(SocketType.Dgram);
        socket.Bind(new IPEndPoint(IPAddress.Any, fromPort));
        foreach (byte[] payload in payloads)
        {
            _ = socket.SendTo(payload, new IPEndPoint(to, port));
        }
    }
}

/// <summary>The network namespace of a container, for tests.</summary>
internal sealed class TestContainerNetwork(int pid)
{
    private const int AF_INET = 2;

    public Sender Sender => new(this);

    public Socket Open(SocketType type)
    {
        using NamespaceHandle space = NamespaceHandle.OfProcess(pid);
        Descriptor socket = space.CreateSocket(AF_INET, (int)type, 0);
        int number = socket.Number;
        socket.SetHandleAsInvalid(); // the socket owns it from here on
        return new Socket(new SafeSocketHandle(number, ownsHandle: true));
    }
}
