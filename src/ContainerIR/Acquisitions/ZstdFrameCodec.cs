using ContainerIR.Evidence.Items;
using SharpCompress.Compressors.ZStandard;
using SharpCompress.Compressors.ZStandard.Unsafe;

namespace ContainerIR.Acquisitions;

/// <summary>Zstandard frames by SharpCompress' managed engine: level 1, with the content size and a checksum in each frame (RFC 8878 section 3.1.1).</summary>
internal sealed class ZstdFrameCodec : IFrameCodec
{
    private const int Level = 1;

    private readonly Compressor compressor = new(Level);

    public ZstdFrameCodec() => compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);

    public int MaxFrameBytes(int rawBytes) => Compressor.GetCompressBound(rawBytes);

    public int Compress(ReadOnlySpan<byte> raw, Span<byte> frame) => compressor.Wrap(raw, frame);

    public void Dispose() => compressor.Dispose();
}
