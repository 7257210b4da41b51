using ContainerIR.Evidence.Items;

namespace ContainerIR.Collectors;

/// <summary>Records the first gaps of one kind each and the rest as one: a hostile tree can make millions, and each is a synced journal line.</summary>
internal sealed class GapBudget(IEvidenceSink sink, int maxGaps)
{
    private long count;
    private string last = "";

    public void Add(string sought, string reason)
    {
        if (++count <= maxGaps)
        {
            sink.AddGap(sought, reason);
        }
        else
        {
            last = sought;
        }
    }

    /// <summary>Records how many were left out, if any were.</summary>
    /// <param name="where">Where each of them can still be found.</param>
    public void Complete(string where)
    {
        if (count > maxGaps)
        {
            sink.AddGap($"{count - maxGaps} more entries, the last {last}", $"only the first {maxGaps} are recorded one by one; each is in {where}");
        }
    }
}
