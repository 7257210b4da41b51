using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>How large items are stored. Whatever is chosen, they are zstd frames that any zstd reads.</summary>
public enum Compression
{
    /// <summary>Compressed frame by frame where that makes them smaller. The default.</summary>
    Auto,

    /// <summary>As they are: fastest, largest.</summary>
    None,

    /// <summary>Always compressed.</summary>
    Zstd,
}

/// <summary>From the choice to the compressor.</summary>
internal static class Compressions
{
    public static Func<IFrameCodec> Codec(Compression compression) => compression switch
    {
        Compression.None => static () => new StoredFrameCodec(),
        Compression.Zstd => static () => new ZstdFrameCodec(),
        _ => static () => new AutoFrameCodec(),
    };
}
