using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Evidence.Recoveries;

/// <summary>The provable prefix of an item stored as frames: frames whose place, digest and raw digest are all as the chunk list says.</summary>
internal sealed record FrameSalvage(IReadOnlyList<ChunkRecord> Chunks, long StoredBytes, long RawBytes, string RawSha256, byte[] SeekTable, bool EndsWithSeekTable)
{
    public static FrameSalvage Find(BundleTree tree, string payloadPath, string chunksPath, IFrameDecoder decoder)
    {
        using FileStream? payload = tree.OpenRead(payloadPath);
        using FileStream? list = tree.OpenRead(chunksPath);
        using IncrementalHash rawHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        List<ChunkRecord> proven = [];
        (long offset, long rawOffset) = (0, 0);
        if (payload is not null && list is not null)
        {
            byte[] raw = new byte[FramePool.ChunkBytes];
            LineReader reader = new(list, ChunkRecord.MaxLineBytes);
            while (Next(reader) is ChunkRecord chunk
                && chunk.Index == proven.Count && chunk.Offset == offset && chunk.RawOffset == rawOffset
                && chunk.RawLength is > 0 and <= FramePool.ChunkBytes && chunk.Length is > 0 and <= 2 * FramePool.ChunkBytes
                && payload.Length - offset >= chunk.Length)
            {
                byte[] frame = new byte[chunk.Length];
                if (payload.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) != frame.Length
                    || Convert.ToHexStringLower(SHA256.HashData(frame)) != chunk.Sha256
                    || decoder.Decompress(frame, raw) != chunk.RawLength
                    || Convert.ToHexStringLower(SHA256.HashData(raw.AsSpan(0, chunk.RawLength))) != chunk.RawSha256)
                {
                    break;
                }

                rawHash.AppendData(raw, 0, chunk.RawLength);
                proven.Add(chunk);
                offset += chunk.Length;
                rawOffset += chunk.RawLength;
            }
        }

        byte[] table = Items.SeekTable.Write([.. proven.Select(chunk => (chunk.Length, chunk.RawLength))]);
        return new FrameSalvage(proven, offset, rawOffset, Convert.ToHexStringLower(rawHash.GetHashAndReset()), table, EndsWith(payload, offset, table));
    }

    /// <summary>The chunk list of an item that is whole, from its own frames as its seek table tells them; null where it has none.</summary>
    public static byte[]? ListOf(BundleTree tree, string payloadPath, IFrameDecoder decoder)
    {
        using FileStream? payload = tree.OpenRead(payloadPath);
        if (payload is null || Items.SeekTable.Read(payload) is not IReadOnlyList<(int FrameBytes, int RawBytes)> frames)
        {
            return null;
        }

        payload.Position = 0;
        byte[] raw = new byte[FramePool.ChunkBytes];
        using MemoryStream list = new();
        (long offset, long rawOffset) = (0, 0);
        for (int i = 0; i < frames.Count; i++)
        {
            (int frameBytes, int rawBytes) = frames[i];
            byte[] frame = new byte[frameBytes];
            if (payload.ReadAtLeast(frame, frameBytes, throwOnEndOfStream: false) != frameBytes || decoder.Decompress(frame, raw) != rawBytes)
            {
                return null;
            }

            ChunkRecord chunk = new(
                i, offset, frameBytes, rawOffset, rawBytes, Convert.ToHexStringLower(SHA256.HashData(frame)), Convert.ToHexStringLower(SHA256.HashData(raw.AsSpan(0, rawBytes))));
            list.Write(chunk.ToLine());
            offset += frameBytes;
            rawOffset += rawBytes;
        }

        return list.ToArray();
    }

    public byte[] ChunkList()
    {
        StringBuilder text = new();
        foreach (ChunkRecord chunk in Chunks)
        {
            text.Append(Encoding.ASCII.GetString(chunk.ToLine()));
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static ChunkRecord? Next(LineReader reader)
    {
        try
        {
            return reader.Next() is ReadOnlyMemory<byte> line && reader.HadLineFeed ? ChunkRecord.Parse(line) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static bool EndsWith(FileStream? payload, long offset, byte[] table)
    {
        if (payload is null || payload.Length != offset + table.Length)
        {
            return false;
        }

        payload.Position = offset;
        byte[] end = new byte[table.Length];
        return payload.ReadAtLeast(end, end.Length, throwOnEndOfStream: false) == end.Length && end.AsSpan().SequenceEqual(table);
    }
}
