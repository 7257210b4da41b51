using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Bundles;

/// <summary>What a bundle must know before its first line.</summary>
public sealed record BundleOptions
{
    /// <summary>Directory that gets the bundle's own directory. Made when missing.</summary>
    public required string OutDirectory { get; init; }

    /// <summary>Name of the bundle's directory, from <see cref="BundleName.Make"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Case id, as the operator gave it.</summary>
    public required string CaseId { get; init; }

    /// <summary>Name and version of the program: <c>Bag-Software-Agent</c>.</summary>
    public required string Agent { get; init; }

    /// <summary>Makes one compressor; called once for each compressing thread.</summary>
    public required Func<IFrameCodec> MakeFrameCodec { get; init; }

    /// <summary>Time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Hears how far items are, from several threads; null for nobody.</summary>
    public IProgress<ItemProgress>? Progress { get; init; }
}
