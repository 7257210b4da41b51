using System.Text;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions.Isolation;

/// <summary>Finds out how a container can be cut off. Changes nothing.</summary>
internal static class IsolationPlanner
{
    private const string CgroupRoot = "/sys/fs/cgroup/";

    /// <summary>A plan, or why there is none.</summary>
    /// <param name="scene">The container.</param>
    /// <param name="wish"><c>auto</c> or a method.</param>
    /// <param name="hasNft">Whether there is an nft.</param>
    /// <param name="table">Name of our tables.</param>
    /// <param name="faults">Gets why it cannot be done.</param>
    /// <param name="notes">Gets what the responder should know.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<IsolationPlan?> FindAsync(ActionScene scene, string wish, bool hasNft, string table, List<string> faults, List<string> notes, CancellationToken ct)
    {
        ContainerRef container = scene.Container;
        if (!container.HasProcesses)
        {
            faults.Add($"Container {container.ShortId} is {container.State.ToString().ToLowerInvariant()}: it has no network to cut. Its evidence is on disk: acquire it.");
            return null;
        }

        try
        {
            using NamespaceHandle space = NamespaceHandle.OfProcess(container.InitPid);
            IReadOnlyList<ContainerSummary> all = await scene.Runtime.ListAsync(ct);
            IReadOnlyList<ContainerRef> sharers =
                [.. all.Select(each => each.Container).Where(each => each.Id != container.Id && each.HasProcesses && NamespaceHandle.InodeOf(each.InitPid) == space.Inode)];
            IsolationPlan plan = new() { Method = "", Table = table, ContainerSpace = space.Inode, Life = IsolationPlan.LifeOf(container) };
            if (VethEnds.IsHosts(space.Inode, container.InitPid))
            {
                return OnHostsNetwork(container, wish, hasNft, plan, faults, notes);
            }

            if (wish == "cgroup")
            {
                faults.Add("It has a network of its own: method cgroup is for containers on the host's network.");
                return null;
            }

            plan = plan with { Sharers = [.. sharers.Select(each => each.Id)] };
            if (sharers.Count > 0)
            {
                notes.Add($"Shares its network with {string.Join(", ", sharers.Select(each => DisplayText.Shorten(each.Name, 64)))}: cut off with it.");
            }

            return Choose(plan, VethEnds.Find(space, container.InitPid), wish, hasNft, faults, notes);
        }
        catch (IOException failure)
        {
            faults.Add($"Its network namespace cannot be entered: {failure.Message}. Run as root on the engine's host.");
            return null;
        }
    }

    private static IsolationPlan? Choose(IsolationPlan plan, List<VethEnd> ends, string wish, bool hasNft, List<string> faults, List<string> notes)
    {
        // A link that is down and has no other end carries nothing (the kernel's own tunl0, sit0).
        List<CutLink> links = [.. ends.Where(end => end.Other is not null || end.Own.IsUp).Select(end => CutOf(end, plan.ContainerSpace, wish == "netns-nft"))];
        if (links.Count == 0)
        {
            notes.Add("It has no network interface beside loopback: there is nothing to cut.");
            return plan with { Method = "none" };
        }

        bool isInside = links.Exists(link => !link.IsHostSide);
        if (wish is "veth-nft" && isInside)
        {
            faults.Add($"Interface {string.Join(", ", links.Where(link => !link.IsHostSide).Select(link => DisplayText.Escape(link.Name)))} is no veth with an end outside: use --method auto.");
            return null;
        }

        bool isPlain = links.TrueForAll(link => link.HasPlainName);
        if (wish == "link-down" || (wish == "auto" && !(hasNft && isPlain)))
        {
            if (wish == "auto")
            {
                notes.Add(hasNft ? "An interface has a name nft cannot take: links are set down." : "nft is not installed: links are set down, which the container can see (no carrier).");
            }

            return plan with { Method = "link-down", Links = links };
        }

        if (!hasNft || !isPlain)
        {
            faults.Add(hasNft ? "An interface has a name nft cannot take: use --method link-down." : "nft is not installed: install nftables, or use --method link-down.");
            return null;
        }

        if (isInside)
        {
            notes.Add("An interface has no other end outside (macvlan, ipvlan, or asked for): its rules stand in the container's own network namespace, where a process with CAP_NET_ADMIN can see and remove them. Verify again.");
        }

        return plan with { Method = isInside ? "netns-nft" : "veth-nft", Links = links };
    }

    private static CutLink CutOf(VethEnd end, ulong space, bool inside) => end.Other is { } other && !inside
        ? new CutLink(end.OtherNamespace, other.Index, Encoding.UTF8.GetString(other.Name), IsHostSide: true, end.Own.Index)
        : new CutLink(space, end.Own.Index, Encoding.UTF8.GetString(end.Own.Name), IsHostSide: false, end.Own.Index);

    private static IsolationPlan? OnHostsNetwork(ContainerRef container, string wish, bool hasNft, IsolationPlan plan, List<string> faults, List<string> notes)
    {
        if (wish is not ("auto" or "cgroup"))
        {
            faults.Add($"It uses the host's network: {wish} would cut off the host. Use --method auto or cgroup.");
            return null;
        }

        if (!hasNft)
        {
            faults.Add("It uses the host's network, which only nft can cut for one control group: install nftables, or pause it: cir do pause.");
            return null;
        }

        if (CgroupFiles.Find(container.InitPid, container.Id, "") is not { } group || !group.Folder.StartsWith(CgroupRoot, StringComparison.Ordinal)
            || group.Folder.Any(static each => each is '"' or '\\' || char.IsControl(each)))
        {
            faults.Add("It uses the host's network and has no control group of its own in the v2 hierarchy, by which alone its packets can be told: pause it (cir do pause).");
            return null;
        }

        notes.Add("It uses the host's network: its sockets are matched by control group; a process that leaves the group is not. Pausing it is the surer way.");
        using ProcEntry? init = ProcEntry.Open(container.InitPid, out _);
        int level = init is null ? 0 : LevelOf(CgroupLines.Parse(init.Read("cgroup", 64 * 1024).Content).Tops(container.Id, engine: null));
        return plan with { Method = "cgroup", CgroupPath = group.Folder[CgroupRoot.Length..], CgroupLevel = level };
    }

    // Depth below the root of the v2 hierarchy: what nft counts as level.
    private static int LevelOf(List<(string Hierarchy, byte[] Top)> tops) =>
        tops.Where(top => top.Hierarchy.Length == 0).Select(top => top.Top.Count(static each => each == (byte)'/')).FirstOrDefault();
}
