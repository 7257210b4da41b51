using System.Globalization;
using System.Text;
using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Linux;
using ContainerIR.Tests.Some;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>The tar of a writable layer, extracted by GNU tar as root and compared entry by entry.</summary>
public sealed class The_tar_of_a_writable_layer
{
    private const uint Fifo = Libc.S_IFIFO;
    private const uint Char = Libc.S_IFCHR;
    private const uint Block = Libc.S_IFBLK;
    private const uint Socket = Libc.S_IFSOCK;

    [Fact]
    public async Task Extracts_to_the_same_tree_whatever_the_container_made()
    {
        using HostileTree upper = EveryShape();
        SortedDictionary<string, string> expected = TreeFacts.Read(upper.Root);
        Assert.True(expected.Count > 60, $"only {expected.Count} facts");

        using DiffCapture capture = await DiffCapture.Of(upper);

        Assert.Equal("", TreeFacts.Difference(expected, TreeFacts.Read(capture.Extract())));
        Assert.Empty(capture.Sink.Gaps);
        Assert.Empty(capture.Malformed);
        Assert.Equal(DiffKind.Socket, capture["/socket"].Kind);
    }

    [Fact]
    public async Task Is_described_entry_by_entry()
    {
        using HostileTree upper = EveryShape();
        SortedDictionary<string, string> facts = TreeFacts.Read(upper.Root);

        using DiffCapture capture = await DiffCapture.Of(upper);

        foreach ((string name, string fact) in facts.Where(item => item.Key.StartsWith('.')))
        {
            DiffEntry entry = capture["/" + name.TrimStart('.').TrimStart('/')];
            Assert.Contains($"owner={entry.Object!.Uid}:{entry.Object.Gid} ", fact, StringComparison.Ordinal);
            if (fact.Contains("sha256=", StringComparison.Ordinal))
            {
                Assert.EndsWith(" sha256=" + entry.Object.Sha256, fact, StringComparison.Ordinal);
            }
        }

        Assert.Equal(facts.Keys.Count(name => name.StartsWith('.')) + 1, capture.Entries.Count);
        Assert.Equal("-4.012345679", capture["/times/negative"].Object!.ModifiedAt.ToString());
        Assert.Equal("8589934592.000000001", capture["/times/far"].Object!.ModifiedAt.ToString());
        Assert.Equal("1:3", capture["/null"].Object!.RepresentedDevice);
        Assert.Equal("/etc/shadow"u8.ToArray(), capture["/absolute"].Object!.LinkTarget);
        Assert.Equal("hello"u8.ToArray(), capture["/xattrs/user"].Xattrs.Single(xattr => xattr.Name.AsSpan().SequenceEqual("user.note"u8)).Value);
        Assert.Equal(capture["/links/one"].Object!.Sha256, capture["/links/two"].Object!.Sha256);
    }

    [Fact]
    public async Task Gives_each_entry_the_offset_of_its_header()
    {
        using HostileTree upper = EveryShape();

        using DiffCapture capture = await DiffCapture.Of(upper);

        byte[] tar = File.ReadAllBytes(capture.Sink.PathOf(RootFsDiffCollector.UpperItem));
        Assert.All(capture.Entries.Values.Where(entry => entry.Kind != DiffKind.Socket), entry =>
            Assert.Equal("PaxHeaders/0\0ustar\0", Encoding.ASCII.GetString([.. tar.AsSpan((int)entry.TarOffset!.Value, 13), .. tar.AsSpan((int)entry.TarOffset.Value + 257, 6)])));
    }

    [Property(MaxTest = 25, Arbitrary = [typeof(Trees)])]
    public async Task Extracts_to_the_same_tree_for_any_tree(Tree tree)
    {
        using HostileTree upper = new();
        tree.Make(upper);
        SortedDictionary<string, string> expected = TreeFacts.Read(upper.Root);

        using DiffCapture capture = await DiffCapture.Of(upper);

        Assert.Equal("", TreeFacts.Difference(expected, TreeFacts.Read(capture.Extract())));
    }

    [Fact]
    public async Task Leaves_every_timestamp_as_it_was()
    {
        using HostileTree upper = EveryShape();
        using HostileTree lower = new();
        lower.Dir("etc"u8).File("etc/changed"u8, "old").Symlink("etc/link"u8, "to"u8).Dir("gone"u8).File("gone/a"u8, "a");
        upper.Dir("etc"u8).File("etc/changed"u8, "new").Symlink("etc/link"u8, "other"u8).Whiteout("gone"u8);
        UnixTime longAgo = new(1_000_000_000, 5);
        foreach (string path in new[] { "etc", "etc/changed", "etc/link" })
        {
            upper.Times(Encoding.UTF8.GetBytes(path), longAgo, new(1_500_000_000, 0));
            lower.Times(Encoding.UTF8.GetBytes(path), longAgo, new(1_500_000_000, 0));
        }

        (SortedDictionary<string, string> upperBefore, SortedDictionary<string, string> lowerBefore) = (TreeFacts.ReadTimes(upper.Root), TreeFacts.ReadTimes(lower.Root));

        using DiffCapture capture = await DiffCapture.Of(upper, lower);

        Assert.Empty(capture.Sink.Effects);
        Assert.Equal("", TreeFacts.Difference(upperBefore, TreeFacts.ReadTimes(upper.Root)));
        Assert.Equal("", TreeFacts.Difference(lowerBefore, TreeFacts.ReadTimes(lower.Root)));
    }

    [Fact]
    public async Task Without_a_private_mount_moves_the_access_time_of_links_alone_and_says_so()
    {
        using HostileTree upper = new();
        upper.Dir("d"u8).File("d/f"u8, "x").Symlink("d/l"u8, "to"u8);
        UnixTime longAgo = new(1_000_000_000, 5);
        upper.Times("d/f"u8, longAgo, longAgo).Times("d/l"u8, longAgo, longAgo).Times("d"u8, longAgo, longAgo);
        SortedDictionary<string, string> before = TreeFacts.ReadTimes(upper.Root);

        using DiffCapture capture = await DiffCapture.Of(upper, [], null, allowClone: false);

        SortedDictionary<string, string> after = TreeFacts.ReadTimes(upper.Root);
        Assert.Contains("access times of symbolic links", Assert.Single(capture.Sink.Effects), StringComparison.Ordinal);
        before.Remove("./d/l");
        after.Remove("./d/l");
        Assert.Equal("", TreeFacts.Difference(before, after));
        Assert.Equal(DiffVerdict.Added, capture["/d/l"].Verdict);
    }

    private static HostileTree EveryShape()
    {
        HostileTree tree = new();
        byte[] longName = [.. Enumerable.Repeat((byte)'L', 255)];
        tree.Dir("names"u8);
        foreach (byte[] name in (byte[][])
            [
                [.. "a\nb"u8], [.. "\x1b[2J"u8], [(byte)'c', 0xff], [(byte)'c', 0xfe], [.. "-rf"u8], [.. "--checkpoint-action=exec=sh x"u8], [.. "'\";`id`$(id)"u8],
                [.. "back\\slash"u8], [.. "cr\rname"u8], [.. " lead"u8], [.. "trail "u8], [0xe2, 0x80, 0xae, (byte)'g'], [.. "<script>"u8], [.. "é"u8], [.. ".wh.etc"u8],
                [.. ".wh..wh..opq"u8], [.. "%s%n"u8], [0xed, 0xa0, 0x80], [.. "a=b"u8], [.. "tab\t"u8], [.. "..."u8], [.. "GNUSparseFile.0"u8], [1], [0x7f], longName,
            ])
        {
            tree.File([.. "names/"u8, .. name], name);
        }

        tree.Dir([.. "names/d"u8, .. longName[1..]]).File([.. "names/d"u8, .. longName[1..], (byte)'/', .. longName], "deep").Dir([.. "names/"u8, 0xfd])
            .Symlink([.. "names/"u8, 0xfd, .. "/to"u8], [0xfc, 0xfb]);

        // Around the width of the header's fields.
        byte[] ninetyNine = [.. Enumerable.Repeat((byte)'n', 99)];
        tree.File(ninetyNine, "99").File([.. ninetyNine, (byte)'1'], "100").File([.. ninetyNine, .. "12"u8], "101").Dir([.. ninetyNine, (byte)'d']).Dir([.. ninetyNine[1..], (byte)'e'])
            .Symlink("to-100"u8, [.. ninetyNine, (byte)'1']).Symlink("to-101"u8, [.. ninetyNine, .. "12"u8]);

        tree.Node("fifo"u8, Fifo | 0x1A4).Node("null"u8, Char | 0x1B6, 1, 3).Node("disk"u8, Block | 0x180, 254, 1_000_000).Node("socket"u8, Socket | 0x1FF)
            .Whiteout("deleted"u8).Link("deleted-too"u8, "deleted"u8).Symlink("absolute"u8, "/etc/shadow"u8).Symlink("dangling"u8, "nowhere"u8)
            .Symlink("up"u8, "../../../../../etc/shadow"u8).Symlink("long"u8, [.. Enumerable.Repeat((byte)'t', 4000)]);

        tree.File("suid"u8, "s").Mode("suid"u8, 0xDED).File("none"u8, "n").Mode("none"u8, 0).Dir("sticky"u8, 0x3FF).File("owner"u8, "o").Owner("owner"u8, 3_000_000_000, 4_000_000_000)
            .File("nobody"u8, "o").Owner("nobody"u8, 4_294_967_294, 2_097_152).Symlink("owned"u8, "x"u8).Owner("owned"u8, 5, 6);

        tree.Dir("links"u8).File("links/one"u8, "same").Link("links/two"u8, "links/one"u8).Link("links/three"u8, "links/one"u8)
            .Symlink("links/soft"u8, "one"u8).Link("links/soft2"u8, "links/soft"u8).Node("links/pipe"u8, Fifo | 0x180).Link("links/pipe2"u8, "links/pipe"u8)
            .Link([.. "links/"u8, 0xff], "links/one"u8).Link([.. "links/"u8, .. longName], "links/one"u8);

        tree.Dir("sparse"u8).Sparse("sparse/hole"u8, 1 << 30).Sparse("sparse/middle"u8, 1 << 24, (1 << 20, [.. "data"u8])).Sparse("sparse/end"u8, 5_000_000, (4_999_999, [1]))
            .Sparse("sparse/many"u8, 1 << 24, [.. Enumerable.Range(0, 200).Select(i => ((long)i * 65536, new byte[] { 1, 2, 3 }))])
            .Sparse("sparse/huge"u8, 17_000_000_000_000, (4096, [.. "data"u8]), (16_999_999_999_000, [.. "tail"u8]))
            .Sparse([.. "sparse/"u8, 0xff, .. longName[1..]], 1 << 20, (0, [1])).Link("sparse/linked"u8, "sparse/middle"u8);

        tree.Dir("xattrs"u8).File("xattrs/user"u8, "x").Xattr("xattrs/user"u8, "user.note"u8, "hello"u8).Xattr("xattrs/user"u8, "user.a=b%c"u8, "odd"u8)
            .Xattr("xattrs/user"u8, "user.binary"u8, new byte[] { 0, 10, 255, 61 }).Xattr("xattrs/user"u8, "user.empty"u8, ""u8)
            .File("xattrs/cap"u8, "x").Xattr("xattrs/cap"u8, "security.capability"u8, new byte[] { 1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })
            .Dir("xattrs/opaque"u8).Xattr("xattrs/opaque"u8, "trusted.overlay.opaque"u8, "y"u8).Symlink("xattrs/link"u8, "x"u8).Xattr("xattrs/link"u8, "trusted.note"u8, "on a link"u8)
            .File("xattrs/acl"u8, "x").Xattr("xattrs/acl"u8, "system.posix_acl_access"u8, Acl()).File("xattrs/big"u8, "x").Xattr("xattrs/big"u8, "user.big"u8, new byte[3000]);

        tree.File("empty"u8, "").File("block"u8, new string('b', 512)).File("block-1"u8, new string('b', 511)).File("block+1"u8, new string('b', 513)).File("big"u8, Bytes(3_000_001));
        tree.Dir("times"u8).File("times/negative"u8, "").Times("times/negative"u8, new(-5, 123456789), new(-5, 987654321)).File("times/far"u8, "").Times("times/far"u8, new(1L << 33, 2), new(1L << 33, 1))
            .File("times/epoch"u8, "").Times("times/epoch"u8, new(0, 0), new(0, 0)).File("times/before"u8, "").Times("times/before"u8, new(-1, 500_000_000), new(-1, 500_000_000))
            .File("times/ns"u8, "").Times("times/ns"u8, new(1_700_000_000, 1), new(1_700_000_000, 999_999_999)).Symlink("times/link"u8, "x"u8).Times("times/link"u8, new(7, 8), new(9, 10))
            .Dir("times/dir"u8).File("times/dir/f"u8, "x").Times("times/dir"u8, new(3, 4), new(5, 6)).Chain(1000, "d"u8);
        return tree;
    }

    /// <summary>struct posix_acl_xattr_header and entries: user::rw-, user:1000:r--, group::r--, mask::r--, other::---.</summary>
    private static byte[] Acl()
    {
        List<byte> acl = [2, 0, 0, 0];
        foreach ((short tag, short rights, int id) in new (short, short, int)[] { (1, 6, -1), (2, 4, 1000), (4, 4, -1), (0x10, 4, -1), (0x20, 0, -1) })
        {
            acl.AddRange([.. BitConverter.GetBytes(tag), .. BitConverter.GetBytes(rights), .. BitConverter.GetBytes(id)]);
        }

        return [.. acl];
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new System.Random(4711).NextBytes(bytes);
        return bytes;
    }
}

/// <summary>One node of a generated tree; paths are made from indexes, so that every tree can be made.</summary>
public sealed record TreeNode(byte Kind, byte[] Name, byte Parent, uint Mode, uint Owner, int Seconds, int Nanoseconds, byte[] Content, int Hole);

/// <summary>A generated tree.</summary>
public sealed record Tree(TreeNode[] Nodes)
{
    internal void Make(HostileTree tree)
    {
        List<byte[]> directories = [[]];
        List<byte[]> others = [];
        HashSet<string> taken = [];
        foreach (TreeNode node in Nodes)
        {
            byte[] parent = directories[node.Parent % directories.Count];
            byte[] name = [.. node.Name.Where(letter => letter is not 0 and not (byte)'/').Take(200)];
            byte[] path = [.. parent, .. parent.Length > 0 ? "/"u8 : default, .. name];
            if (name.Length == 0 || name.All(letter => letter == '.') || path.Length > 1500 || !taken.Add(Convert.ToHexString(path)))
            {
                continue;
            }

            UnixTime time = new(node.Seconds, (uint)(node.Nanoseconds & 0x1FFFFFFF));
            bool isLink = false;
            switch (node.Kind % 8)
            {
                case 0:
                    tree.Dir(path, node.Mode & 0xFFF);
                    directories.Add(path);
                    break;
                case 1:
                    tree.Symlink(path, [(byte)'t', .. node.Content.Where(letter => letter != 0)]);
                    isLink = true;
                    break;
                case 2:
                    tree.Node(path, Libc.S_IFIFO | (node.Mode & 0xFFF));
                    break;
                case 3 when others.Count > 0:
                    tree.Link(path, others[(int)(node.Owner % (uint)others.Count)]);
                    continue;
                case 4:
                    tree.Sparse(path, (long)node.Hole * 4096, (Math.Max(0, ((long)node.Hole * 4096) - node.Content.Length), node.Content));
                    break;
                case 5:
                    tree.Node(path, Libc.S_IFCHR | (node.Mode & 0x1FF), node.Owner & 0xFFF, node.Mode & 0xFFFFF);
                    break;
                default:
                    tree.File(path, node.Content);
                    if (node.Content.Length > 0)
                    {
                        tree.Xattr(path, [.. "user."u8, .. name.Take(40)], node.Content);
                    }

                    break;
            }

            tree.Owner(path, node.Owner, node.Owner / 3);
            if (!isLink)
            {
                tree.Mode(path, node.Mode & 0xFFF);
            }

            if (node.Kind % 8 != 0)
            {
                others.Add(path);
            }

            tree.Times(path, time, time);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join("\n", Nodes.Select(node =>
        string.Create(CultureInfo.InvariantCulture, $"{node.Kind % 8} {Convert.ToHexString(node.Name)} in {node.Parent} {node.Mode:x} {node.Owner} {node.Seconds}.{node.Nanoseconds} {node.Content.Length} {node.Hole}")));
}

/// <summary>Makes trees.</summary>
public static class Trees
{
    /// <summary>Up to 60 nodes.</summary>
    public static Arbitrary<Tree> Any()
    {
        Gen<byte> letter = Gen.OneOf(Gen.Choose(1, 255), Gen.Choose('a', 'e'), Gen.Elements(0xff, 0x0a, 0x5c, 0x3d, 0x25)).Select(value => (byte)value);
        Gen<byte[]> name = Gen.OneOf(letter.ArrayOf(3), letter.ArrayOf(12), letter.ArrayOf(120));
        Gen<byte[]> content = Gen.OneOf(Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(), Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(700));
        Gen<uint> owner = Gen.OneOf(Gen.Choose(0, 70000).Select(value => (uint)value), Gen.Choose(0, int.MaxValue).Select(value => (uint)value * 2));
        Gen<TreeNode> node =
            from kind in Gen.Choose(0, 7)
            from ownName in name
            from parent in Gen.Choose(0, 255)
            from mode in Gen.Choose(0, 0xFFF)
            from uid in owner
            from seconds in Gen.Choose(int.MinValue, int.MaxValue)
            from nanoseconds in Gen.Choose(0, int.MaxValue)
            from bytes in content
            from hole in Gen.Choose(0, 500)
            select new TreeNode((byte)kind, ownName, (byte)parent, (uint)mode, uid, seconds, nanoseconds, bytes, hole);
        return Arb.From(node.ArrayOf().Select(nodes => new Tree([.. nodes.Take(60)])), tree => tree.Nodes.Length < 2 ? [] : [new Tree(tree.Nodes[..(tree.Nodes.Length / 2)]), new Tree(tree.Nodes[(tree.Nodes.Length / 2)..])]);
    }
}
