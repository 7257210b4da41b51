using ContainerIR.Actions.Changes;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Runtimes;

namespace ContainerIR.Actions.Isolation;

/// <summary>Carries an isolation out, looks whether it stands, and takes it away.</summary>
internal sealed class IsolationWork(Func<string?> findNft)
{
    /// <summary>Cuts off.</summary>
    /// <exception cref="IOException">It could not be done; what was done is still to be taken away.</exception>
    public void Apply(IsolationPlan plan)
    {
        foreach (ulong inode in plan.Spaces)
        {
            using NamespaceHandle space = Open(inode);
            if (plan.IsNft)
            {
                NftTable.Apply(Nft(), space, plan.Script(inode));
                continue;
            }

            foreach (CutLink link in plan.Links.Where(link => link.Space == inode))
            {
                LinkSwitch.Set(space, link.Index, isUp: false);
            }
        }
    }

    /// <summary>Takes away whatever of it stands.</summary>
    /// <exception cref="IOException">It could not be done.</exception>
    public void Remove(IsolationPlan plan)
    {
        foreach (ulong inode in plan.Spaces)
        {
            using NamespaceHandle? space = VethEnds.Open(inode);
            if (space is null)
            {
                continue; // With the namespace its tables and links went.
            }

            if (plan.IsNft)
            {
                NftTable.Remove(Nft(), space, plan.Family, plan.Table);
                continue;
            }

            List<LinkEntry> present = VethEnds.LinksOf(space);
            foreach (CutLink link in plan.Links.Where(link => link.Space == inode && present.Exists(each => Is(each, link))))
            {
                LinkSwitch.Set(space, link.Index, isUp: true);
            }
        }
    }

    /// <summary>Looks whether it stands as planned, for the interfaces the container has now.</summary>
    /// <param name="plan">As journaled.</param>
    /// <param name="container">The container now; null when there is none.</param>
    public ChangeLook Look(IsolationPlan plan, ContainerRef? container)
    {
        int initPid = container?.InitPid ?? 0;
        bool hasTable = plan.Spaces.Any(inode => StandsIn(plan, inode));
        string left = hasTable ? "; what was put in place is still there" : "";
        if (initPid == 0)
        {
            return new ChangeLook(hasTable ? ChangeCondition.NotInForce : ChangeCondition.Gone, "the container has ended" + left);
        }

        ChangeLook anotherLife = new(ChangeCondition.NotInForce, "NOT IN FORCE: the container was started again and has another network" + left + ". Isolate again, or keep it up: cir watch isolation");
        bool wasStartedAgain = plan.Life.Length > 0 && plan.Life != IsolationPlan.LifeOf(container!);
        if (NamespaceHandle.InodeOf(initPid) != plan.ContainerSpace)
        {
            return anotherLife;
        }

        // The rule knows its control group by a number that ended with the group.
        if (plan.Method == "cgroup" && wasStartedAgain)
        {
            return new ChangeLook(ChangeCondition.NotInForce, "NOT IN FORCE: the container was started again, in another control group" + left + ". Isolate again, or keep it up: cir watch isolation");
        }

        foreach (ulong inode in plan.Spaces)
        {
            if (!StandsIn(plan, inode))
            {
                return new ChangeLook(ChangeCondition.NotInForce, "NOT IN FORCE: what cuts it off is not there");
            }
        }

        if (plan.Method != "cgroup" && Uncovered(plan, initPid) is { Count: > 0 } open)
        {
            return wasStartedAgain ? anotherLife : new ChangeLook(ChangeCondition.NotInForce, $"NOT IN FORCE for interface {string.Join(", ", open)}: it came later. Isolate again, or keep it up: cir watch isolation");
        }

        return new ChangeLook(ChangeCondition.InForce, $"in force by {plan.Method}{(plan.Links.Count > 0 ? " on " + plan.LinkWords : "")}");
    }

    /// <summary>Drops counted so far; null where nothing counts.</summary>
    public DropCount? Drops(IsolationPlan plan)
    {
        if (!plan.IsNft)
        {
            return null;
        }

        DropCount sum = default;
        foreach (ulong inode in plan.Spaces)
        {
            using NamespaceHandle space = Open(inode);
            DropCount here = NftTable.Read(Nft(), space, plan.Family, plan.Table) is { } text ? NftTable.Drops(text) : default;
            sum = new DropCount(sum.From + here.From, sum.To + here.To);
        }

        return sum;
    }

    private static NamespaceHandle Open(ulong inode) => VethEnds.Open(inode) ?? throw new IOException($"network namespace {inode} is gone");

    private static bool Is(LinkEntry entry, CutLink link) => entry.Index == link.Index && System.Text.Encoding.UTF8.GetString(entry.Name) == link.Name;

    private static List<string> Uncovered(IsolationPlan plan, int initPid)
    {
        using NamespaceHandle container = NamespaceHandle.OfProcess(initPid);
        return [.. VethEnds.Find(container, initPid)
            .Where(end => (end.Other is not null || end.Own.IsUp) && !plan.Links.Any(link => link.OwnIndex == end.Own.Index
                && (link.IsHostSide ? end.OtherNamespace == link.Space && end.Other is { } other && Is(other, link) : Is(end.Own, link))))
            .Select(end => DisplayText.Escape(end.Own.Name))];
    }

    private bool StandsIn(IsolationPlan plan, ulong inode)
    {
        using NamespaceHandle? space = VethEnds.Open(inode);
        if (space is null)
        {
            return false;
        }

        if (plan.IsNft)
        {
            return NftTable.Read(Nft(), space, plan.Family, plan.Table) is { } text
                && (plan.Method == "cgroup" || plan.Links.Where(link => link.Space == inode).All(link => text.Contains($"\"{link.Name}\"", StringComparison.Ordinal)));
        }

        List<LinkEntry> present = VethEnds.LinksOf(space);
        List<CutLink> wanted = [.. plan.Links.Where(link => link.Space == inode)];
        return wanted.TrueForAll(link => present.Exists(each => Is(each, link) && !each.IsUp));
    }

    private string Nft() => findNft() ?? throw new IOException("nft is not installed any more: install nftables");
}
