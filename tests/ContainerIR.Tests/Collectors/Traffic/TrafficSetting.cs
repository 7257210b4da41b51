using System.Globalization;
using System.Net;
using System.Text.Json;
using ContainerIR.Collectors.Traffic;
using ContainerIR.Linux;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>A user network of the engine with a container whose traffic is recorded, and what the tests ask of the recording.</summary>
internal sealed class TrafficSetting : IDisposable
{
    public static readonly TrafficOptions OneMinute = new(TimeSpan.FromMinutes(1), 256 * 1024 * 1024);
    private static int sequence;
    private readonly List<IDisposable> owned = [];
    private readonly List<string> networks = [];

    public FolderSink Sink { get; } = new();

    public string Pcap => Sink.PathOf("traffic.pcapng");

    public JsonElement Summary => JsonDocument.Parse(Sink.Read("summary.json")).RootElement;

    public static ContainerRef Ref(TestContainer container, ContainerState state = ContainerState.Running) =>
        SomeContainer.RefOf(container.Id) with { State = state, InitPid = state == ContainerState.Running ? container.InitPid : 0 };

    /// <summary>Bytes that no two seeds share.</summary>
    public static byte[] Pattern(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static IPAddress AddressOf(TestContainer container, string network) =>
        IPAddress.Parse(container.Inspect($"{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}"));

    public static IReadOnlyList<NamespaceDoor> Doors(TestContainer container)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{container.InitPid}/ns/net");
        using NamespaceHandle space = NamespaceHandle.Open(path);
        return [new NamespaceDoor(space.Inode, path)];
    }

    public string Network()
    {
        string name = $"cir-traffic-{Environment.ProcessId}-{Interlocked.Increment(ref sequence)}";
        _ = RealEngine.Docker("network", "create", name);
        networks.Add(name);
        return name;
    }

    public TestContainer Start(params string[] options)
    {
        TestContainer container = RealEngine.Start(options, "sleep", "1000000");
        owned.Add(container);
        return container;
    }

    public void Forget(TestContainer container) => owned.Remove(container);

    public TrafficCapture Capture(TestContainer container, TrafficOptions? options = null) =>
        TrafficCapture.Start(Ref(container), Doors(container), Sink, options ?? OneMinute, TimeProvider.System);

    public List<JsonElement> Rows(string name) =>
        [.. File.ReadLines(Sink.PathOf(name)).Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>Fields of the packets a display filter keeps, one array a packet, as tshark reads the file.</summary>
    public List<string[]> Tshark(string filter, params string[] fields) =>
        [.. RealEngine.Run("tshark", ["-n", "-r", Pcap, "-Y", filter, "-T", "fields", "-E", "separator=|", .. fields.SelectMany(field => new[] { "-e", field })])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('|'))];

    public void Dispose()
    {
        owned.ForEach(container => container.Dispose());
        networks.ForEach(name => RealEngine.Docker("network", "rm", name));
        Sink.Dispose();
    }
}
