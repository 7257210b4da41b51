using System.Net;
using System.Text;
using ContainerIR.Linux;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class A_stat_line
{
    private const string Rest = "S 41 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 12345 999424 77 18446744073709551615 1 1";

    [Theory]
    [InlineData("plain")]
    [InlineData("x) S 1 1 (")]
    [InlineData("a b (c")]
    [InlineData(")")]
    [InlineData("\n\x1b[2J")]
    public void Is_counted_from_the_last_parenthesis_whatever_the_name_holds(string comm)
    {
        ProcStat? stat = ProcStat.Parse(Encoding.Latin1.GetBytes($"42 ({comm}) {Rest}"));

        Assert.NotNull(stat);
        Assert.Equal((42, 41, 'S', 3, 12345UL), (stat.Pid, stat.ParentPid, stat.State, stat.ThreadCount, stat.StartTicks));
        Assert.Equal(comm, Encoding.Latin1.GetString(stat.Comm));
    }

    [Theory]
    [InlineData("")]
    [InlineData("42")]
    [InlineData("42 (x")]
    [InlineData("42 (x)")]
    [InlineData("42 (x) ")]
    [InlineData("42 (x) S 1 2 3")]
    [InlineData("(x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21")]
    [InlineData(") (")]
    public void Is_refused_when_it_is_cut(string text) => Assert.Null(ProcStat.Parse(Encoding.ASCII.GetBytes(text)));

    [Property(MaxTest = 500)]
    public bool Never_throws(byte[] bytes) => ProcStat.Parse([.. "1 ("u8, .. bytes, .. ") S "u8, .. bytes]) is null or { Pid: 1 };
}

public sealed class Cgroup_lines
{
    private static readonly string Id = new('a', 64);
    private static readonly string Other = new('b', 64);

    private static CgroupLines Of(string text) => CgroupLines.Parse(Encoding.ASCII.GetBytes(text));

    [Fact]
    public void Find_the_container_above_an_init_that_moved_itself_down()
    {
        List<(string Hierarchy, byte[] Top)> tops = Of($"5:pids:/docker/{Id}/init.scope\n0::/system.slice/docker-{Id}.scope/init\n3:cpuset:/\n").Tops(Id, null);

        Assert.Equal([("pids", $"/docker/{Id}"), ("", $"/system.slice/docker-{Id}.scope")], tops.Select(t => (t.Hierarchy, Encoding.ASCII.GetString(t.Top))));
        Assert.NotNull(Of($"5:pids:/docker/{Id}/deep/er\n0::/\n").Inside(tops));
        Assert.Null(Of($"5:pids:/docker/{Id}x\n0::/docker/{Id}\n").Inside(tops));
        Assert.True(Of($"5:pids:/docker/{Id}\n0::/elsewhere\n").IsOutsideSome(tops));
    }

    [Fact]
    public void Say_nothing_where_init_stands_in_the_root() => Assert.Empty(Of("5:pids:/\n0::/\n").Tops(Id, null));

    [Fact]
    public void Say_nothing_where_init_stands_with_the_engine()
    {
        CgroupLines engine = Of("5:pids:/docker.service\n0::/docker.service/shim\n4:memory:/box\n");

        Assert.Equal([$"/docker/{Id}"], Of($"5:pids:/docker/{Id}\n4:memory:/box\n").Tops(Id, engine).Select(t => Encoding.ASCII.GetString(t.Top)));
        Assert.Equal(["/own"], Of("5:pids:/own\n0::/docker.service\n4:memory:/box\n").Tops(Id, engine).Select(t => Encoding.ASCII.GetString(t.Top)));
    }

    [Fact]
    public void Name_the_other_container_but_never_this_one()
    {
        Assert.Equal(Other, Of($"5:pids:/docker/{Other}\n").OtherContainer(Id));
        Assert.Null(Of($"5:pids:/docker/{Id}/docker/{Other}\n").OtherContainer(Id));
        Assert.Null(Of($"5:pids:/docker/{Other}f\n").OtherContainer(Id));
    }

    [Property(MaxTest = 300)]
    public bool Never_throw(byte[] bytes) => CgroupLines.Parse(bytes).Lines.Count <= 64;
}

public sealed class A_process_mount_table
{
    private const string Table =
        "100 90 0:50 / / rw - overlay overlay rw,lowerdir=/l/A\\:x:/l/B,upperdir=/up\\040per,workdir=/w\n" +
        "101 100 0:51 / /fuse rw - fuse.evil evil rw\n102 100 0:52 / /ov rw - overlay overlay rw,lowerdir=/fuse/a\ngarbage\n103 100 8:1 /x /etc/hosts rw - ext4 /dev/sda rw\n";

    private static readonly ProcMounts Mounts = ProcMounts.Parse(Encoding.ASCII.GetBytes(Table));

    private static StatX On(ulong mount) => new() { stx_mask = StatX.STATX_MNT_ID, stx_mnt_id = mount };

    [Fact]
    public void Are_all_but_local_file_systems_and_the_engine_s_own_overlay()
    {
        Mounts.Trust(0, 50);

        Assert.False(Mounts.MayBlock(On(100)));
        Assert.True(Mounts.MayBlock(On(101)));
        Assert.True(Mounts.MayBlock(On(102)));
        Assert.False(Mounts.MayBlock(On(103)));
        Assert.True(Mounts.MayBlock(On(999)));
        Assert.False(Mounts.IsAllLocal);
        Assert.Equal(4, Mounts.All.Count);
    }

    [Fact]
    public void Give_the_layer_folders_with_their_escapes_undone() => Assert.Equal(
        ["/up per", "/l/A:x", "/l/B"], ContainerIR.Linux.Overlays.OverlayOptions.Parse(Mounts.Root!.SuperOptions).TopToBottom.Select(Encoding.ASCII.GetString));

    [Property(MaxTest = 300)]
    public bool Never_throws(byte[] bytes) => ProcMounts.Parse(bytes).All.Count >= 0;
}

public sealed class Proc_net_lines
{
    [Fact]
    public void Give_addresses_ports_state_and_inode()
    {
        SocketEntry? tcp = ProcNetTables.ParseLine("tcp", Libc.AF_INET, "   0: 0100007F:115C 0200000A:0050 01 00000001:00000002 00:00000000 00000000  1000        0 4711 1 0000 20"u8);
        SocketEntry? tcp6 = ProcNetTables.ParseLine(
            "tcp", Libc.AF_INET6, "   0: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100"u8);

        Assert.Equal((IPAddress.Loopback, 4444, IPAddress.Parse("10.0.0.2"), 80, "ESTABLISHED", 4711UL, 1000L), (tcp!.Local, tcp.LocalPort, tcp.Remote, tcp.RemotePort, tcp.State, tcp.Inode, tcp.Uid));
        Assert.Equal((IPAddress.Parse("::ffff:127.0.0.1"), 22, "LISTEN"), (tcp6!.Local, tcp6.LocalPort, tcp6.State));
    }

    [Fact]
    public void Keep_the_bytes_of_a_unix_name()
    {
        SocketEntry? unix = ProcNetTables.ParseLine("unix", Libc.AF_UNIX, "0000000000000000: 00000002 00000000 00010000 0001 01 99 @evil  name\xff"u8);

        Assert.Equal("LISTEN", unix!.State);
        Assert.Equal([0, .. "evil  name"u8], unix.Name[..11]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0: 0100007F:115C")]
    [InlineData("0: 0100007F:115C 0200000A:0050 ZZ 0:0 0 0 0 0 0")]
    [InlineData("0: 0100007F-115C 0200000A:0050 01 00000001:00000002 00:00000000 00000000 0 0 1")]
    [InlineData("\x1b[2J")]
    public void Are_passed_over_when_malformed(string line)
    {
        foreach (string table in (string[])["tcp", "tcp6", "unix", "packet", "netlink", "raw"])
        {
            (string protocol, int family) = ProcNetTables.Kind(table)!.Value;
            Assert.Null(ProcNetTables.ParseLine(protocol, family, Encoding.Latin1.GetBytes(line)));
        }
    }

    [Property(MaxTest = 300)]
    public bool Never_throw(byte[] bytes) =>
        ProcNetTables.ParseLine("tcp", Libc.AF_INET, bytes) is null && SockDiag.ParseInet("tcp", bytes) is null or { Protocol: "tcp" } && SockDiag.ParseUnix(bytes) is null or { Protocol: "unix" };
}

public sealed class A_conntrack_line
{
    [Fact]
    public void Shows_both_directions_and_whether_an_address_was_translated()
    {
        TrackedFlow? flow = TrackedFlow.Parse(
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.5 dst=1.2.3.4 sport=40000 dport=443 packets=7 bytes=900 src=1.2.3.4 dst=9.9.9.9 sport=443 dport=40000 packets=5 bytes=800 [ASSURED] mark=3 zone=0 use=2"u8);

        Assert.Equal(("tcp", "ESTABLISHED", true, true, 3UL), (flow!.Protocol, flow.State, flow.IsAssured, flow.IsTranslated, flow.Mark));
        Assert.Equal((IPAddress.Parse("10.0.0.5"), 443, 900UL), (flow.Original.Source, flow.Original.DestinationPort, flow.Original.Bytes));
        Assert.True(flow.Touches(new HashSet<IPAddress> { IPAddress.Parse("9.9.9.9") }));
        Assert.False(flow.Touches(new HashSet<IPAddress> { IPAddress.Parse("9.9.9.8") }));
    }

    [Fact]
    public void Of_udp_has_no_state()
    {
        TrackedFlow? flow = TrackedFlow.Parse("ipv4 2 udp 17 29 src=10.0.0.5 dst=10.0.0.6 sport=1 dport=53 [UNREPLIED] src=10.0.0.6 dst=10.0.0.5 sport=53 dport=1 mark=0 use=1"u8);

        Assert.Equal(("", true, false), (flow!.State, flow.IsUnreplied, flow.IsTranslated));
    }

    [Property(MaxTest = 300)]
    public bool Never_throws(byte[] bytes) => TrackedFlow.Parse(bytes) is null or { Protocol: not null };
}
