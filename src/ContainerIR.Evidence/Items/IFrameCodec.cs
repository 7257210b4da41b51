namespace ContainerIR.Evidence.Items;

/// <summary>One compressor of independent zstd frames. One instance serves one thread. Evidence brings none: the product supplies it.</summary>
public interface IFrameCodec : IDisposable
{
    /// <summary>Upper bound of the frame size for so many raw bytes.</summary>
    int MaxFrameBytes(int rawBytes);

    /// <summary>Compresses one frame.</summary>
    /// <returns>Bytes written to <paramref name="frame"/>.</returns>
    int Compress(ReadOnlySpan<byte> raw, Span<byte> frame);
}
