using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Layers;

/// <summary>One piece of a layer's tar: bytes that are kept, or the content of a file that lies in the layer's directory.</summary>
/// <param name="Segment">The bytes; null for a file.</param>
/// <param name="Name">Name of the tar's member; null for bytes.</param>
/// <param name="SizeBytes">Size of its content.</param>
/// <param name="Crc64">CRC-64 (ISO) of its content, big-endian; empty where it has none.</param>
internal readonly record struct TarPiece(byte[]? Segment, byte[]? Name, long SizeBytes, byte[] Crc64);

/// <summary>
/// Reads a layer's tar-split file: gzip'ed JSON lines that with the files of the layer give its tar again, byte for byte (github.com/vbatts/tar-split,
/// tar/storage/entry.go). Every member of the tar has an entry, whatever its kind.
/// </summary>
internal static class TarSplitReader
{
    private const int MaxLineBytes = 64 * 1024 * 1024;

    /// <summary>Reads the pieces in the order of the tar.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static IEnumerable<TarPiece> Read(Stream gzip)
    {
        using GZipStream content = new(gzip, CompressionMode.Decompress);
        foreach (StreamLine line in JsonLines.Read(content, MaxLineBytes))
        {
            yield return Parse(line);
        }
    }

    private static TarPiece Parse(StreamLine line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line.Content);
            byte[] payload = json.RootElement.TryGetProperty("payload", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetBytesFromBase64() : [];
            if (json.RootElement.Number("type") == 2)
            {
                return new(payload, null, 0, []);
            }

            // A name that is no UTF-8 is in name_raw.
            byte[] name = json.RootElement.TryGetProperty("name_raw", out JsonElement raw) && raw.ValueKind == JsonValueKind.String
                ? raw.GetBytesFromBase64()
                : Encoding.UTF8.GetBytes(json.RootElement.Text("name") ?? "");
            long size = json.RootElement.Number("size") ?? 0;
            return json.RootElement.Number("type") == 1 && name.Length > 0 && size >= 0
                ? new(null, name, size, payload)
                : throw new InvalidDataException($"line {line.Number} is neither a segment nor a file");
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException)
        {
            throw new InvalidDataException($"line {line.Number}: {failure.Message}", failure);
        }
    }
}
