using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>A section of the bundle whose gaps and effects are also told to the person who watches.</summary>
internal sealed class RelayedSink(IEvidenceSink section, string collector, ProgressRelay relay) : IEvidenceSink
{
    public ItemWriter Create(string name, ItemOptions options) => section.Create(name, options);

    public void AddGap(string sought, string reason)
    {
        section.AddGap(sought, reason);
        relay.Gap($"{collector}: {sought}: {reason}");
    }

    public void AddEffect(string what)
    {
        section.AddEffect(what);
        relay.Effect($"{collector}: {what}");
    }
}
