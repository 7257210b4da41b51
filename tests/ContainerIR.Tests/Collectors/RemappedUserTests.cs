using System.Security.Cryptography;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class A_container_of_remapped_users
{
    [Fact]
    public async Task Shows_users_as_the_host_knows_them_and_hides_nothing()
    {
        Assert.SkipUnless(RemappedEngine.IsPossible, "/etc/subuid has no range for dockremap");
        using RemappedEngine engine = await RemappedEngine.Start();
        string id = engine.Docker("run", "-d", RealEngine.Image, "sh", "-c", "cp /bin/busybox /tmp/sleep; /tmp/sleep 1001 & sleep 1; rm /tmp/sleep; exec nc -l -p 9300").Trim();
        ContainerRef container = SomeContainer.Parse(engine.Docker("inspect", id));
        await RealEngine.Until(() => File.ReadAllText($"/proc/{container.InitPid}/net/tcp6").Contains(":2454 ", StringComparison.Ordinal), "a listener");

        using Capture processes = await Capture.Processes(container);
        using Capture network = await Capture.Network(container);

        List<ProcessRow> rows = await processes.ProcessRows();
        Assert.Equal(2, rows.Count);
        Assert.All(rows, row => Assert.Equal(100_000, row.UserIds[0]));
        string busybox = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes("/bin/busybox")));
        Assert.All(rows, row => Assert.Equal(busybox, row.ExecutableSha256));
        Assert.Contains("exe-deleted", rows.Single(row => row.Pid != container.InitPid).Signs);
        SocketRow listener = Assert.Single(await network.SocketRows(), row => row.LocalPort == 9300);
        Assert.Equal(container.InitPid, Assert.Single(listener.Owners).Pid);
        Assert.Contains(network.Document("namespaces.json").GetProperty("namespaces")[0].GetProperty("interfaces").EnumerateArray(), link => link.GetProperty("name").GetString() == "eth0");
        Assert.Empty(processes.Sink.Gaps);
        Assert.Empty(network.Sink.Gaps);
    }
}
