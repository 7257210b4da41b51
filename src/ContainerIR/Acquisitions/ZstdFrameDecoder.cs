using ContainerIR.Evidence.Items;
using SharpCompress.Compressors.ZStandard;

namespace ContainerIR.Acquisitions;

/// <summary>Decodes single Zstandard frames by SharpCompress' managed engine. The room given bounds what a hostile frame can unfold to.</summary>
internal sealed class ZstdFrameDecoder : IFrameDecoder
{
    private readonly Decompressor decompressor = new();

    public int Decompress(ReadOnlySpan<byte> frame, Span<byte> raw)
    {
        try
        {
            return decompressor.TryUnwrap(frame, raw, out int count) ? count : -1;
        }
        catch (ZstdException)
        {
            return -1;
        }
    }

    public void Dispose() => decompressor.Dispose();
}
