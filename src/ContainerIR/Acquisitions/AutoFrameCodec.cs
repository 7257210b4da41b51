using ContainerIR.Evidence.Items;

namespace ContainerIR.Acquisitions;

/// <summary>Compresses what gets smaller and stores what does not: a piece of each frame is tried first, so archives, images and ciphertext cost little.</summary>
internal sealed class AutoFrameCodec : IFrameCodec
{
    private const int SampleBytes = 32 * 1024;

    // A frame is compressed when its sample shrinks by more than a thirty-second.
    private const int WorthShift = 5;

    private readonly ZstdFrameCodec zstd = new();
    private readonly StoredFrameCodec stored = new();
    private readonly byte[] sample;

    public AutoFrameCodec() => sample = new byte[zstd.MaxFrameBytes(SampleBytes)];

    public int MaxFrameBytes(int rawBytes) => Math.Max(zstd.MaxFrameBytes(rawBytes), stored.MaxFrameBytes(rawBytes));

    public int Compress(ReadOnlySpan<byte> raw, Span<byte> frame)
    {
        if (raw.Length <= 4 * SampleBytes || Shrinks(raw[..SampleBytes]) || Shrinks(raw.Slice(raw.Length / 2, SampleBytes)) || Shrinks(raw[^SampleBytes..]))
        {
            int size = zstd.Compress(raw, frame);
            if (size < raw.Length)
            {
                return size;
            }
        }

        return stored.Compress(raw, frame);
    }

    public void Dispose() => zstd.Dispose();

    private bool Shrinks(ReadOnlySpan<byte> piece) => zstd.Compress(piece, sample) < piece.Length - (piece.Length >> WorthShift);
}
