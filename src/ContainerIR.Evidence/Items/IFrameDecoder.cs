namespace ContainerIR.Evidence.Items;

/// <summary>Decodes single zstd frames. One instance serves one thread. Evidence brings none: the product supplies it.</summary>
public interface IFrameDecoder : IDisposable
{
    /// <summary>Decodes one frame.</summary>
    /// <param name="frame">The frame, whole.</param>
    /// <param name="raw">Room for the raw bytes; a frame that holds more is damaged.</param>
    /// <returns>Raw bytes written, or -1 where the frame is damaged.</returns>
    int Decompress(ReadOnlySpan<byte> frame, Span<byte> raw);
}
