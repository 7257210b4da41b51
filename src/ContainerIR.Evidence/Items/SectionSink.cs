using ContainerIR.Evidence.Bundles;

namespace ContainerIR.Evidence.Items;

/// <summary>The sink of one section of a bundle being written.</summary>
internal sealed class SectionSink(BundleWriter bundle, string directory, string collector, int volatilityRank) : IEvidenceSink
{
    public BundleWriter Bundle => bundle;

    public string Collector => collector;

    public int VolatilityRank => volatilityRank;

    public ItemWriter Create(string name, ItemOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ItemName.Check(name, options.Form);
        string path = $"{directory}/{name}";
        bundle.ReservePath(path);
        return options.Form == ItemForm.Frames ? new FramesItemWriter(this, path, options) : new PlainItemWriter(this, path, options);
    }

    public void AddGap(string sought, string reason) => bundle.AddGap(new Gap(collector, sought, reason, bundle.Clock.GetUtcNow()));

    public void AddEffect(string what) => bundle.AddEffect(collector, what);
}
