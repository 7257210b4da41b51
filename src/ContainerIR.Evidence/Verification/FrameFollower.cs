using System.Security.Cryptography;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Verification;

/// <summary>
/// Goes along an item stored as frames while it is hashed, and along its chunk list: each frame lies where the list says, has the digest and states the
/// content size the list says, and after the last one comes the seek table of exactly these frames. Holds one frame.
/// </summary>
internal sealed class FrameFollower(Stream list)
{
    private const int MaxFrameBytes = 2 * FramePool.ChunkBytes;

    private readonly LineReader lines = new(list, ChunkRecord.MaxLineBytes);
    private readonly List<(int FrameBytes, int RawBytes)> frames = [];
    private byte[] frame = [];
    private int filled;
    private ChunkRecord? chunk;
    private byte[]? table;
    private int tableOffset;
    private long offset;

    /// <summary>Bytes of content that the frames hold, as far as they are good.</summary>
    public long RawBytes { get; private set; }

    /// <summary>What is wrong; null as long as nothing is.</summary>
    public string? Fault { get; private set; }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && Fault is null)
        {
            if (chunk is null && table is null)
            {
                Next();
            }
            else if (chunk is not null)
            {
                int count = Math.Min(bytes.Length, chunk.Length - filled);
                bytes[..count].CopyTo(frame.AsSpan(filled));
                filled += count;
                bytes = bytes[count..];
                if (filled == chunk.Length)
                {
                    Judge(chunk);
                }
            }
            else
            {
                int count = Math.Min(bytes.Length, table!.Length - tableOffset);
                if (count < bytes.Length || !bytes.SequenceEqual(table.AsSpan(tableOffset, count)))
                {
                    Fault = "after its last frame stands something else than the seek table of its frames";
                }

                tableOffset += count;
                bytes = bytes[count..];
            }
        }
    }

    /// <summary>Says that the item ended.</summary>
    public void End()
    {
        if (Fault is null && chunk is null && table is null)
        {
            Next();
        }

        if (Fault is null && (chunk is not null || tableOffset != table!.Length))
        {
            Fault = chunk is not null ? $"it ends before frame {frames.Count} of its chunk list does" : "it ends before its seek table does";
        }
    }

    private void Next()
    {
        ReadOnlyMemory<byte>? line;
        try
        {
            line = lines.Next();
        }
        catch (FormatException failure)
        {
            Fault = $"its chunk list cannot be read: {failure.Message}";
            return;
        }

        if (line is null)
        {
            table = SeekTable.Write(frames);
            return;
        }

        ChunkRecord? next = lines.HadLineFeed ? ChunkRecord.Parse(line.Value) : null;
        bool isNext = next is not null && next.Index == frames.Count && next.Offset == offset && next.RawOffset == RawBytes
            && next.Length is > 0 and <= MaxFrameBytes && next.RawLength is > 0 and <= FramePool.ChunkBytes
            && next.ToLine().AsSpan()[..^1].SequenceEqual(line.Value.Span);
        if (!isNext)
        {
            Fault = $"line {frames.Count} of its chunk list is not that of the next frame, or lies about sizes";
            return;
        }

        chunk = next;
        filled = 0;
        if (frame.Length < chunk!.Length)
        {
            frame = new byte[chunk.Length];
        }
    }

    private void Judge(ChunkRecord whole)
    {
        ReadOnlySpan<byte> bytes = frame.AsSpan(0, whole.Length);
        long? stated = ZstdFrame.ContentBytes(bytes);
        Fault = Convert.ToHexStringLower(SHA256.HashData(bytes)) != whole.Sha256 ? $"frame {whole.Index} has another SHA-256 than its chunk list says"
            : stated is null ? $"frame {whole.Index} is not exactly one zstd frame that states its size"
            : stated != whole.RawLength ? $"frame {whole.Index} states {stated} bytes of content, its chunk list says {whole.RawLength}"
            : null;
        frames.Add((whole.Length, whole.RawLength));
        offset += whole.Length;
        RawBytes += whole.RawLength;
        chunk = null;
    }
}
