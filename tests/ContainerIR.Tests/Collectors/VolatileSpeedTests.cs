using System.Diagnostics;
using System.Globalization;
using ContainerIR.Collectors;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>Alone on the machine as far as we can: processor time is what is bounded, the wall clock of a shared machine says nothing.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(Alone))]
public sealed class The_volatile_set
{
    [Fact]
    public async Task Of_two_hundred_processes_and_two_thousand_sockets_costs_less_than_a_second_of_one_processor()
    {
        const string crowd = """
            i=0; while [ $i -lt 199 ]; do sleep 1001 & i=$((i+1)); done; exec sleep 1002
            """;
        using TestContainer container = RealEngine.Start([], "sh", "-c", crowd);
        using Process sockets = Process.Start(new ProcessStartInfo("nsenter", ["-t", container.InitPid.ToString(CultureInfo.InvariantCulture), "-n", "python3", "-c",
            "import socket,time\ns=[socket.socket(socket.AF_INET,socket.SOCK_DGRAM) for i in range(2000)]\n[x.bind(('127.0.0.1',0)) for x in s]\ntime.sleep(1000)"]))!;
        try
        {
            int init = container.InitPid;
            await RealEngine.Until(() => File.ReadLines($"/proc/{init}/net/udp").Count() > 2000, "two thousand sockets");
            await RealEngine.Until(() => RealEngine.Docker("top", container.Id).Split('\n').Count(l => l.Contains("sleep 100", StringComparison.Ordinal)) == 200, "two hundred processes");
            using (await Capture.Network(container.Id))
            using (await Capture.Processes(container.Id, Profile.Triage))
            {
                // The first run compiles.
            }

            TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
            using Capture network = await Capture.Network(container.Id);
            TimeSpan between = Process.GetCurrentProcess().TotalProcessorTime;
            using Capture processes = await Capture.Processes(container.Id, Profile.Triage);
            TimeSpan after = Process.GetCurrentProcess().TotalProcessorTime;

            List<SocketRow> rows = await network.SocketRows();
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"network {(between - before).TotalMilliseconds:0} ms of processor, {network.Took.TotalMilliseconds:0} ms; processes {(after - between).TotalMilliseconds:0} ms of processor, {processes.Took.TotalMilliseconds:0} ms"));
            Assert.Equal(2000, rows.Count(r => r.Protocol == "udp" && r.Owners.Count == 1));
            Assert.Equal(201, (await processes.ProcessRows()).Count);
            Assert.InRange(after - before, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }
        finally
        {
            sockets.Kill();
        }
    }
}
