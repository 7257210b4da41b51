using System.Net;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Traffic;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors.Traffic;

/// <summary>Traffic as an acquisition takes it.</summary>
public sealed class The_traffic_collector : IDisposable
{
    private readonly TrafficSetting setting = new();

    public void Dispose() => setting.Dispose();

    [Fact]
    public async Task Is_a_gap_when_the_container_does_not_run()
    {
        TestContainer a = setting.Start();
        _ = RealEngine.Docker("kill", a.Id);
        await new TrafficCollector(TrafficOptions.TenSeconds, TimeProvider.System).CollectAsync(TrafficSetting.Ref(a, ContainerState.Exited), setting.Sink, default);
        Assert.Equal("traffic", Assert.Single(setting.Sink.Gaps).Sought);
        Assert.Empty(setting.Sink.Items);
    }

    [Fact]
    public async Task Runs_from_the_moment_its_collector_is_called()
    {
        TestContainer a = setting.Start();
        Task collecting = new TrafficCollector(new TrafficOptions(TimeSpan.FromSeconds(1), 1024 * 1024), TimeProvider.System).CollectAsync(TrafficSetting.Ref(a), setting.Sink, default);
        Sender.In(a.InitPid).Sender.Datagrams(IPAddress.Parse(a.Inspect("{{.NetworkSettings.Gateway}}")), 47011, [TrafficSetting.Pattern(20, 1)]);
        await collecting;
        _ = Assert.Single(setting.Tshark("udp.dstport==47011 && !icmp", "udp.payload"));
    }

    [Fact]
    public async Task Reads_a_second_network_namespace_a_process_made_inside()
    {
        TestContainer a = setting.Start("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined");
        _ = RealEngine.Docker("exec", "-d", a.Id, "unshare", "-n", "sh", "-c", "ip link set lo up; ping 127.0.0.1");
        await RealEngine.Until(() => a.Exec("ps").Contains("ping 127.0.0.1", StringComparison.Ordinal), "the second namespace");
        await new TrafficCollector(new TrafficOptions(TimeSpan.FromSeconds(3), 1024 * 1024), TimeProvider.System).CollectAsync(TrafficSetting.Ref(a), setting.Sink, default);
        Assert.NotEmpty(setting.Tshark("icmp.type==8 && ip.dst==127.0.0.1", "icmp.type"));
        Assert.Equal(2, setting.Summary.GetProperty("interfaces").EnumerateArray().Select(item => item.GetProperty("network_namespace").GetUInt64()).Distinct().Count());
    }
}
