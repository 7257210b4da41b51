using System.Security.Cryptography;
using System.Text;
using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Collectors;

/// <summary>What the diff says of each path, on layers made by hand: marks of every kind, several layers, hostile ones.</summary>
public sealed class The_verdict_on_a_path
{
    private static readonly UnixTime Then = new(1_600_000_000, 5);

    private sealed class LateReader(DateTimeOffset now) : TimeProvider
    {
        private bool wasAsked;

        public override DateTimeOffset GetUtcNow()
        {
            DateTimeOffset answer = wasAsked ? now.AddMinutes(1) : now.AddHours(-1);
            wasAsked = true;
            return answer;
        }
    }

    [Fact]
    public async Task Is_by_content_and_metadata_against_the_original()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        foreach (string name in new[] { "same", "chmod", "stomped", "grown", "link", "type", "chown", "attr", "when" })
        {
            byte[] path = Encoding.UTF8.GetBytes(name);
            _ = name == "link" ? lower.Symlink(path, "old"u8) : lower.File(path, "content");
            _ = name switch
            {
                "link" => upper.Symlink(path, "new"u8),
                "type" => upper.Dir(path),
                "stomped" => upper.File(path, "CONTENT"),
                "grown" => upper.File(path, "content and more"),
                _ => upper.File(path, "content"),
            };
            lower.Times(path, Then, Then);
            upper.Times(path, Then, Then);
        }

        upper.Mode("chmod"u8, 0x1FF).Owner("chown"u8, 7, 8).Xattr("attr"u8, "user.x"u8, "y"u8).Xattr("same"u8, "trusted.overlay.note"u8, "y"u8)
            .Times("when"u8, Then, new(1, 1)).File("new"u8, "n").Whiteout("nothing"u8);

        using DiffCapture capture = await DiffCapture.Of(upper, lower);

        Assert.Equal(DiffVerdict.Touched, capture["/same"].Verdict);
        Assert.Equal((DiffVerdict.MetadataOnly, "mode"), (capture["/chmod"].Verdict, string.Join(',', capture["/chmod"].Changed)));
        Assert.Equal((DiffVerdict.MetadataOnly, "uid,gid"), (capture["/chown"].Verdict, string.Join(',', capture["/chown"].Changed)));
        Assert.Equal((DiffVerdict.MetadataOnly, "xattrs"), (capture["/attr"].Verdict, string.Join(',', capture["/attr"].Changed)));
        Assert.Equal((DiffVerdict.MetadataOnly, "mtime"), (capture["/when"].Verdict, string.Join(',', capture["/when"].Changed)));
        Assert.Equal((DiffVerdict.Modified, "content"), (capture["/stomped"].Verdict, string.Join(',', capture["/stomped"].Changed)));
        Assert.Equal((DiffVerdict.Modified, "target"), (capture["/link"].Verdict, string.Join(',', capture["/link"].Changed)));
        Assert.Contains("type", capture["/type"].Changed);
        Assert.Equal(DiffVerdict.Modified, capture["/grown"].Verdict);
        Assert.Equal(DiffVerdict.Added, capture["/new"].Verdict);
        Assert.Equal((DiffVerdict.WhiteoutOfNothing, DiffKind.Whiteout), (capture["/nothing"].Verdict, capture["/nothing"].Kind));
        Assert.Contains("content-differs-mtime-same", capture["/stomped"].Signs);
        Assert.Contains("mtime-before-birth", capture["/when"].Signs);
        Assert.DoesNotContain("mtime-before-birth", capture["/same"].Signs);
        Assert.Equal(Hash("content"), capture["/stomped"].Original!.Sha256);
        Assert.Equal(Hash("CONTENT"), capture["/stomped"].Object!.Sha256);
        Assert.Equal("old"u8.ToArray(), capture["/link"].Original!.LinkTarget);
        Assert.Equal(Then, capture["/grown"].Original!.ModifiedAt);
        Assert.Equal(1, capture.Summary.ByVerdict["added"]);
        Assert.Equal(capture.Entries.Count, capture.Summary.Entries);
    }

    [Fact]
    public async Task Calls_a_time_the_future_by_the_clock_of_the_moment_it_was_read()
    {
        using HostileTree upper = new();
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        upper.File("later"u8, "x").File("written-meanwhile"u8, "x");
        upper.Times("later"u8, Then, new(now.AddYears(1).ToUnixTimeSeconds(), 1));

        // The copy began an hour before the container wrote the second file.
        using DiffCapture capture = await DiffCapture.Of(upper, [], null, clock: new LateReader(now));

        Assert.Contains("mtime-in-future", capture["/later"].Signs);
        Assert.DoesNotContain("mtime-in-future", capture["/written-meanwhile"].Signs);
    }

    [Fact]
    public async Task Comes_with_the_original_in_the_second_tar()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        lower.Dir("d"u8).File("d/a"u8, "deleted a").Symlink("d/l"u8, "to"u8).File("m"u8, "before").Mode("m"u8, 0x180).Owner("m"u8, 12, 13).File("t"u8, "same")
            .Sparse("s"u8, 1 << 30, (5000, [1, 2]));
        upper.Whiteout("d"u8).File("m"u8, "after!").File("t"u8, "same").Whiteout("s"u8);

        using DiffCapture capture = await DiffCapture.Of(upper, lower);
        string root = capture.Extract(RootFsDiffCollector.BeforeItem);

        SortedDictionary<string, string> expected = TreeFacts.Read(lower.Root);
        foreach (string notChanged in new[] { ".", "./t" })
        {
            expected.Remove(notChanged);
        }

        SortedDictionary<string, string> actual = TreeFacts.Read(root);
        actual.Remove(".");
        Assert.Equal("", TreeFacts.Difference(expected, actual));
        Assert.All(capture.Entries.Values, entry => Assert.Equal(entry.Verdict is DiffVerdict.Deleted or DiffVerdict.Modified, entry.Original?.BeforeOffset is not null));
        Assert.Equal(5, capture.Summary.OriginalsStored);
    }

    [Fact]
    public async Task Is_cut_short_of_originals_only_where_a_gap_says_so()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        lower.File("large"u8, new byte[100_000]).File("small"u8, "s");
        upper.Whiteout("large"u8).Whiteout("small"u8);

        using DiffCapture capture = await DiffCapture.Of(upper, [lower], new DiffLimits { MaxBeforeBytes = 50_000 });

        Assert.Null(capture["/large"].Original!.BeforeOffset);
        Assert.NotNull(capture["/large"].Original!.Sha256);
        Assert.NotNull(capture["/small"].Original!.BeforeOffset);
        Assert.Contains("limited to 50000 bytes", Assert.Single(capture.Sink.Gaps).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finds_what_deleted_and_opaque_directories_hide_in_any_number_of_layers()
    {
        using HostileTree top = new();
        using HostileTree middle = new();
        using HostileTree bottom = new();
        using HostileTree upper = new();
        bottom.Dir("d"u8).File("d/old"u8, "1").File("d/replaced"u8, "bottom").File("d/gone-already"u8, "1").Dir("d/sub"u8).File("d/sub/deep"u8, "1").File("o"u8, "was a file")
            .Dir("hidden"u8).File("hidden/by-opaque"u8, "1").Dir("x"u8).File("x/kept"u8, "1");
        middle.Dir("d"u8).File("d/replaced"u8, "middle").Whiteout("d/gone-already"u8).Dir("hidden"u8).Xattr("hidden"u8, "trusted.overlay.opaque"u8, "y"u8).File("hidden/seen"u8, "2");
        top.Dir("d"u8).File("d/added"u8, "3").Dir("d/sub"u8).File("d/sub/more"u8, "3");
        upper.Whiteout("d"u8).Whiteout("hidden"u8).Dir("x"u8).Xattr("x"u8, "trusted.overlay.opaque"u8, "y"u8).File("x/new"u8, "n").Dir("o"u8);

        using DiffCapture capture = await DiffCapture.Of(upper, top, middle, bottom);

        string[] deleted = [.. capture.Entries.Where(entry => entry.Value.Verdict == DiffVerdict.Deleted).Select(entry => entry.Key).Order(StringComparer.Ordinal)];
        Assert.Equal(["/d", "/d/added", "/d/old", "/d/replaced", "/d/sub", "/d/sub/deep", "/d/sub/more", "/hidden", "/hidden/seen", "/x/kept"], deleted);
        Assert.Equal((1, Hash("middle")), (capture["/d/replaced"].Original!.Layer, capture["/d/replaced"].Original!.Sha256));
        Assert.Equal("/d"u8.ToArray(), capture["/d/sub/deep"].HiddenBy);
        Assert.Equal("/x"u8.ToArray(), capture["/x/kept"].HiddenBy);
        Assert.Null(capture["/d/sub/deep"].Object);
        Assert.Equal(DiffKind.OpaqueDirectory, capture["/x"].Kind);
        Assert.Equal(DiffVerdict.Modified, capture["/o"].Verdict);
    }

    [Fact]
    public async Task Agrees_with_the_kernel_on_what_a_container_no_longer_sees()
    {
        using HostileTree top = new();
        using HostileTree bottom = new();
        using HostileTree upper = new();
        using HostileTree work = new();
        using HostileTree merged = new();
        bottom.Dir("a"u8).File("a/1"u8, "1").File("a/2"u8, "2").Dir("a/b"u8).File("a/b/3"u8, "3").Dir("c"u8).File("c/4"u8, "4").File("f"u8, "f").Dir("to-file"u8).File("to-file/x"u8, "x");
        top.Dir("a"u8).File("a/2"u8, "two").Whiteout("a/1"u8).File("a/5"u8, "5").Dir("c"u8).Xattr("c"u8, "trusted.overlay.opaque"u8, "y"u8).File("c/6"u8, "6");
        string Mount(string options, string script) => RealEngine.Run("unshare", "-m", "sh", "-ec", $"mount -t overlay overlay -o {options} '{merged.Root}'; cd '{merged.Root}'; {script}");
        string lowers = $"lowerdir={top.Root}:{bottom.Root}";
        string[] before = Mount(lowers, "find .").Split('\n');
        string[] after = Mount(
            $"{lowers},upperdir={upper.Root},workdir={work.Root}",
            "rm -r a; mkdir a; echo n > a/new; echo m >> c/6; rm f; rm -r to-file; echo f > to-file; mkdir a/b; echo later > a/b/later; rm -r c/6; find .").Split('\n');

        using DiffCapture capture = await DiffCapture.Of(upper, top, bottom);

        IEnumerable<string> gone = before.Except(after).Select(path => path[1..]).Order(StringComparer.Ordinal);
        IEnumerable<string> deleted = capture.Entries.Where(entry => entry.Value.Verdict == DiffVerdict.Deleted).Select(entry => entry.Key).Order(StringComparer.Ordinal);
        Assert.Equal(gone, deleted);
    }

    [Fact]
    public async Task Follows_renames_by_origin_and_redirect()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        using HostileTree work = new();
        using HostileTree merged = new();
        lower.Dir("etc"u8).File("etc/profile"u8, "export PATH").File("etc/victim"u8, "victim").File("etc/linked"u8, "linked").File("etc/stay"u8, "stay").Dir("dir"u8).File("dir/in"u8, "in").Dir("dir/sub"u8)
            .File("dir/sub/deep"u8, "deep");
        lower.Times("etc/profile"u8, Then, Then);
        RealEngine.Run("unshare", "-m", "sh", "-ec", $"mount -t overlay overlay -o redirect_dir=on,lowerdir={lower.Root},upperdir={upper.Root},workdir={work.Root} '{merged.Root}'; cd '{merged.Root}'; "
            + "mv etc/profile renamed; mv etc/stay etc/victim; ln etc/linked hardlink; mv dir moved; echo more >> moved/in; echo more >> moved/sub/deep; rm -r moved/sub; mkdir moved/sub");

        // The kernel's own path of a handle is only right while its cache is warm.
        File.WriteAllText("/proc/sys/vm/drop_caches", "2");
        using DiffCapture capture = await DiffCapture.Of(upper, lower);

        DiffEntry renamed = capture["/renamed"];
        Assert.Equal((DiffVerdict.Renamed, "/etc/profile"), (renamed.Verdict, Encoding.UTF8.GetString(renamed.Original!.Path)));
        Assert.Equal(Hash("export PATH"), renamed.Original.Sha256);
        Assert.Empty(renamed.Changed);
        Assert.Equal(DiffVerdict.Deleted, capture["/etc/profile"].Verdict);
        Assert.Equal((DiffVerdict.Renamed, "/etc/stay"), (capture["/etc/victim"].Verdict, Encoding.UTF8.GetString(capture["/etc/victim"].Original!.Path)));
        Assert.Equal(Hash("victim"), capture["/etc/victim"].Replaced!.Sha256);
        Assert.Equal(DiffVerdict.Added, capture["/hardlink"].Verdict);
        Assert.Equal(DiffVerdict.Touched, capture["/etc/linked"].Verdict);
        Assert.Equal((DiffVerdict.Renamed, "/dir"), (capture["/moved"].Verdict, Encoding.UTF8.GetString(capture["/moved"].Original!.Path)));
        Assert.Equal((DiffVerdict.Modified, "/dir/in"), (capture["/moved/in"].Verdict, Encoding.UTF8.GetString(capture["/moved/in"].Original!.Path)));
        Assert.Equal((DiffVerdict.Deleted, "/dir/sub/deep"), (capture["/moved/sub/deep"].Verdict, Encoding.UTF8.GetString(capture["/moved/sub/deep"].Original!.Path)));
    }

    [Fact]
    public async Task Takes_the_content_of_a_metacopy_from_below()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        using HostileTree work = new();
        using HostileTree merged = new();
        lower.File("f"u8, new string('f', 5000));
        RealEngine.Run("unshare", "-m", "sh", "-ec", $"mount -t overlay overlay -o metacopy=on,redirect_dir=on,lowerdir={lower.Root},upperdir={upper.Root},workdir={work.Root} '{merged.Root}'; chmod 700 '{merged.Root}/f'");

        using DiffCapture asUpper = await DiffCapture.Of(upper, lower);
        Assert.Equal((DiffVerdict.MetadataOnly, "mode"), (asUpper["/f"].Verdict, string.Join(',', asUpper["/f"].Changed)));

        using HostileTree newer = new();
        newer.Whiteout("f"u8);
        using DiffCapture asLower = await DiffCapture.Of(newer, upper, lower);
        Assert.Equal((0, Hash(new string('f', 5000))), (asLower["/f"].Original!.Layer, asLower["/f"].Original!.Sha256));
    }

    [Fact]
    public async Task Knows_whiteouts_that_are_attributes()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        lower.File("a"u8, "a").File("b"u8, "b");
        upper.File("a"u8, "").Xattr("a"u8, "trusted.overlay.whiteout"u8, ""u8).File("b"u8, "").Xattr("b"u8, "user.overlay.whiteout"u8, ""u8);

        using DiffCapture capture = await DiffCapture.Of(upper, lower);
        Assert.Equal(DiffVerdict.Deleted, capture["/a"].Verdict);
        Assert.Equal(DiffVerdict.Modified, capture["/b"].Verdict);

        using DiffCapture rootless = await DiffCapture.Of(upper, [lower], null, userXattr: true);
        Assert.Equal(DiffVerdict.Modified, rootless["/a"].Verdict);
        Assert.Equal(DiffVerdict.Deleted, rootless["/b"].Verdict);
    }

    [Fact]
    public async Task Marks_mount_stubs_and_what_lies_under_a_mount()
    {
        using HostileTree upper = new();
        upper.Dir("mnt"u8).Dir("mnt/vol"u8).File("mnt/vol/tool"u8, "hidden").File("gen.py"u8, "").File("full"u8, "x");

        using DiffCapture capture = await DiffCapture.Of(upper, [], null, mountPoints: ["/mnt/vol", "/gen.py", "/full"]);

        Assert.Equal(DiffVerdict.MountStub, capture["/gen.py"].Verdict);
        Assert.Equal(DiffVerdict.MountStub, capture["/mnt/vol"].Verdict);
        Assert.Equal(DiffVerdict.Added, capture["/full"].Verdict);
        Assert.True(capture["/mnt/vol/tool"].IsUnderMount);
        Assert.False(capture["/mnt/vol"].IsUnderMount);
    }

    [Fact]
    public async Task Rests_on_metadata_alone_in_triage()
    {
        using HostileTree lower = new();
        using HostileTree upper = new();
        foreach (string name in new[] { "same", "stomped", "grown" })
        {
            byte[] path = Encoding.UTF8.GetBytes(name);
            lower.File(path, "content").Times(path, Then, Then);
            upper.File(path, name == "grown" ? "content and more" : name == "same" ? "content" : "CONTENT").Times(path, Then, Then);
        }

        upper.Whiteout("gone"u8);
        lower.File("gone"u8, "g");

        using DiffCapture capture = await DiffCapture.Of(upper, [lower], null, Profile.Triage);

        Assert.Equal(["entries.jsonl.zst", "summary.json"], capture.Sink.Items.Select(item => item.Path).Order(StringComparer.Ordinal));
        Assert.Equal((DiffVerdict.Touched, true), (capture["/stomped"].Verdict, capture["/stomped"].IsByMetadata));
        Assert.Equal((DiffVerdict.Modified, false), (capture["/grown"].Verdict, capture["/grown"].IsByMetadata));
        Assert.Equal(DiffVerdict.Deleted, capture["/gone"].Verdict);
        Assert.All(capture.Entries.Values, entry => Assert.Null(entry.Object?.Sha256));
        Assert.False(capture.Summary.HasContent);
    }

    private static string Hash(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
}

/// <summary>Trees made to hang, exhaust or mislead a reader.</summary>
public sealed class A_hostile_tree
{
    [Fact]
    public async Task Of_3000_levels_is_read_to_its_end_with_few_descriptors()
    {
        using HostileTree upper = new();
        using HostileTree lower = new();
        upper.Chain(3000, "d"u8);
        lower.Chain(2000, "d"u8);

        using DiffCapture capture = await DiffCapture.Of(upper, [lower], new DiffLimits { Walk = new WalkLimits { MaxOpenFrames = 16 } });

        Assert.Equal(3002, capture.Entries.Count);
        Assert.Equal(DiffVerdict.Added, capture["/" + string.Join('/', Enumerable.Repeat("d", 3001))].Verdict);
        Assert.Equal(DiffVerdict.Touched, capture["/" + string.Join('/', Enumerable.Repeat("d", 2000))].Verdict);
        Assert.Empty(capture.Sink.Gaps);
    }

    [Fact]
    public async Task Goes_on_with_the_rest_of_each_directory_after_coming_back_from_below()
    {
        using HostileTree upper = new();
        byte[] path = [];
        List<string> names = [];
        for (int level = 0; level < 60; level++)
        {
            for (int i = 0; i < 5; i++)
            {
                byte[] sibling = [.. path, .. Encoding.ASCII.GetBytes($"{i}")];
                upper.Dir(sibling);
                names.Add("/" + Encoding.ASCII.GetString(sibling));
            }

            path = [.. path, (byte)'2', (byte)'/'];
        }

        using DiffCapture capture = await DiffCapture.Of(upper, [], new DiffLimits { Walk = new WalkLimits { MaxOpenFrames = 4 } });

        Assert.Equal(names.Order(StringComparer.Ordinal), capture.Entries.Keys.Where(name => name != "/").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Beyond_a_limit_ends_in_a_gap()
    {
        using HostileTree upper = new();
        using HostileTree lower = new();
        upper.Chain(20, "d"u8).Whiteout("gone"u8);
        lower.Dir("gone"u8);
        for (int i = 0; i < 20; i++)
        {
            lower.File(Encoding.ASCII.GetBytes($"gone/{i}"), "x");
        }

        async Task<string> Gap(WalkLimits limits)
        {
            using DiffCapture capture = await DiffCapture.Of(upper, [lower], new DiffLimits { Walk = limits });
            _ = capture.Extract();
            return Assert.Single(capture.Sink.Gaps).Reason;
        }

        Assert.Contains("deeper than 10 directories", await Gap(new() { MaxDepth = 10 }), StringComparison.Ordinal);
        Assert.Contains("12 bytes", await Gap(new() { MaxPathBytes = 12 }), StringComparison.Ordinal);
        Assert.Contains("more than 10 entries", await Gap(new() { MaxEntries = 10 }), StringComparison.Ordinal);
        Assert.Contains("more than 5 entries hidden", await Gap(new() { MaxHiddenEntries = 5 }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_100000_entries_and_one_inode_of_50000_names_is_read()
    {
        using HostileTree upper = new();
        RealEngine.Run("bash", "-c", $"cd '{upper.Root}' && mkdir many links && (cd many && seq 100000 | xargs touch) && echo x > links/0 && cd links && perl -e 'link(\"0\", $_) for 1..50000'");

        using DiffCapture capture = await DiffCapture.Of(upper);

        Assert.Equal(150_004, capture.Summary.Entries);
        Assert.Equal(50_000, capture.ReadEntries().Count(entry => entry.HardLinkTo is not null));
    }

    [Fact]
    public async Task Whose_files_change_while_they_are_read_still_makes_a_valid_archive()
    {
        using HostileTree upper = new();
        for (int i = 0; i < 20; i++)
        {
            upper.File(Encoding.ASCII.GetBytes($"f{i}"), new byte[200_000]);
        }

        using CancellationTokenSource stop = new();
        string script = $"cd '{upper.Root}'; while [ ! -e ../stop.$PPID ]; do for i in 3 7 11; do : > f$i; head -c 300000 /dev/zero > f$i; mv f$i g$i; cp g$i f$i; rm g$i; mkdir -p d$i/e; rmdir -p d$i/e; done; done";
        using System.Diagnostics.Process churn = System.Diagnostics.Process.Start("bash", ["-c", script]);
        try
        {
            for (int round = 0; round < 15; round++)
            {
                using DiffCapture capture = await DiffCapture.Of(upper);
                RealEngine.Run("tar", "-tf", capture.Sink.PathOf(RootFsDiffCollector.UpperItem));
                Assert.Empty(capture.Malformed);
                Assert.All(capture.ReadEntries(), entry => Assert.True(entry.Error is null == (capture.Sink.Gaps.All(gap => gap.Sought != entry.DisplayPath)), entry.DisplayPath));
            }
        }
        finally
        {
            churn.Kill();
            churn.WaitForExit();
        }
    }

    [Fact]
    public async Task Ends_what_only_endless_paths_lead_to_and_reads_the_rest()
    {
        using HostileTree upper = new();
        upper.Chain(3_000, "d"u8).File("z-after"u8, "x");

        using DiffCapture capture = await DiffCapture.Of(upper, [], new DiffLimits { Walk = new WalkLimits { MaxLongPathBytes = 1_000_000 } });

        (string sought, string reason) = Assert.Single(capture.Sink.Gaps.Select(gap => (gap.Sought, gap.Reason)));
        Assert.StartsWith("/d/d/d", sought, StringComparison.Ordinal);
        Assert.Contains("longer than 4096 bytes have more than 1000000", reason, StringComparison.Ordinal);
        Assert.InRange(capture.Entries.Values.Where(entry => entry.Path.Length > 4097).Sum(entry => (long)entry.Path.Length), 900_000, 1_010_000);
        Assert.NotNull(capture["/z-after"].Object!.Sha256);
    }

    [Fact]
    public async Task Records_many_gaps_as_few()
    {
        using HostileTree upper = new();
        for (int i = 0; i < 50; i++)
        {
            upper.Chain(3, Encoding.ASCII.GetBytes($"c{i}"));
        }

        using DiffCapture capture = await DiffCapture.Of(upper, [], new DiffLimits { MaxGaps = 5, Walk = new WalkLimits { MaxDepth = 2 } });

        Assert.Equal(6, capture.Sink.Gaps.Count);
        Assert.StartsWith("45 more entries", capture.Sink.Gaps[^1].Sought, StringComparison.Ordinal);
    }
}
