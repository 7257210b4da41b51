using System.Buffers;
using System.Text.Json;

namespace ContainerIR.Evidence.Items;

/// <summary>One line of a chunk list: where a frame lies in the file, which raw bytes it holds, and the digests of both. It proves that frame alone.</summary>
/// <param name="Index">Number of the frame, from 0.</param>
/// <param name="Offset">Offset of the frame in the file.</param>
/// <param name="Length">Length of the frame.</param>
/// <param name="RawOffset">Offset of its raw bytes in the content.</param>
/// <param name="RawLength">Number of its raw bytes.</param>
/// <param name="Sha256">SHA-256 of the frame.</param>
/// <param name="RawSha256">SHA-256 of the raw bytes.</param>
public sealed record ChunkRecord(long Index, long Offset, int Length, long RawOffset, int RawLength, string Sha256, string RawSha256)
{
    /// <summary>Longest line a reader accepts.</summary>
    public const int MaxLineBytes = 512;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 2, AllowDuplicateProperties = false };

    /// <summary>The line, its line feed included.</summary>
    public byte[] ToLine()
    {
        ArrayBufferWriter<byte> line = new(320);
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            json.WriteNumber("i", Index);
            json.WriteNumber("off", Offset);
            json.WriteNumber("len", Length);
            json.WriteNumber("raw_off", RawOffset);
            json.WriteNumber("raw_len", RawLength);
            json.WriteString("sha256", Sha256);
            json.WriteString("raw_sha256", RawSha256);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    /// <summary>Reads a line without its line feed.</summary>
    /// <returns>Null where it is none.</returns>
    public static ChunkRecord? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Strict);
            JsonElement root = document.RootElement;
            return root.GetPropertyCount() != 7
                ? null
                : new ChunkRecord(
                    root.GetProperty("i").GetInt64(),
                    root.GetProperty("off").GetInt64(),
                    root.GetProperty("len").GetInt32(),
                    root.GetProperty("raw_off").GetInt64(),
                    root.GetProperty("raw_len").GetInt32(),
                    root.GetProperty("sha256").GetString() ?? "",
                    root.GetProperty("raw_sha256").GetString() ?? "");
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }
}
