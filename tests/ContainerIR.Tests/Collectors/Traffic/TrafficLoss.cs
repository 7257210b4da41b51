using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ContainerIR.Collectors.Traffic;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>How many packets a capture loses at which rate. A measurement, not a test: run by tests/bench/traffic-loss.sh.</summary>
public sealed class Traffic_capture_loss(ITestOutputHelper output) : IDisposable
{
    private readonly TrafficSetting setting = new();

    public void Dispose() => setting.Dispose();

    [Theory(Explicit = true)]
    [InlineData(10_000, 100)]
    [InlineData(50_000, 100)]
    [InlineData(100_000, 100)]
    [InlineData(50_000, 1400)]
    public async Task Is_measured(int packetsPerSecond, int bytes)
    {
        TestContainer a = setting.Start();
        TestContainer b = setting.Start();
        IPEndPoint to = new(IPAddress.Parse(b.Inspect("{{.NetworkSettings.IPAddress}}")), 47001);
        using Socket sender = Sender.In(a.InitPid).Open(SocketType.Dgram);
        using Socket receiver = Sender.In(b.InitPid).Open(SocketType.Dgram);
        receiver.Bind(new IPEndPoint(IPAddress.Any, 47001)); // no answers of "port unreachable"
        byte[] payload = new byte[bytes - 42];
        int count = packetsPerSecond * 4;

        await using TrafficCapture capture = setting.Capture(a, TrafficSetting.OneMinute with { MaxBytes = 1L << 30 });
        Stopwatch watch = Stopwatch.StartNew();
        for (int sent = 0; sent < count; sent++)
        {
            _ = sender.SendTo(payload, to);
            while (watch.Elapsed.TotalSeconds * packetsPerSecond < sent)
            {
                // A paced sender: waiting in the kernel would make bursts.
            }
        }

        double seconds = watch.Elapsed.TotalSeconds;
        await capture.StopAsync(default);
        System.Text.Json.JsonElement seen = setting.Summary.GetProperty("interfaces")[0];
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{bytes,5} bytes: asked {packetsPerSecond,7}/s, sent {count / seconds,9:F0}/s, in file {seen.GetProperty("packets").GetInt64()} of {count}, dropped {seen.GetProperty("dropped_packets").GetInt64()}"));
        Assert.True(seen.GetProperty("packets").GetInt64() + seen.GetProperty("dropped_packets").GetInt64() >= count);
    }
}
