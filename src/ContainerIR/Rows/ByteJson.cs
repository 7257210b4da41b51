using System.Text.Json;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Rows;

/// <summary>
/// Bytes of a container in JSON: a field for people (<see cref="DisplayText"/>) and, where that is not the very bytes, a field <c>NAME_b64</c> with
/// all of them. Nothing is only shown lossy.
/// </summary>
internal static class ByteJson
{
    /// <summary>Writes one or two properties.</summary>
    public static void Write(Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes)
    {
        if (IsPlain(bytes))
        {
            json.WriteString(name, bytes);
            return;
        }

        json.WriteString(name, DisplayText.Escape(bytes));
        json.WriteBase64String(name + "_b64", bytes);
    }

    /// <summary>The exact bytes of a property; null when it is missing or not text.</summary>
    public static byte[]? Read(JsonElement row, string name)
    {
        if (row.TryGetProperty(name + "_b64", out JsonElement exact) && exact.ValueKind == JsonValueKind.String && exact.TryGetBytesFromBase64(out byte[]? bytes))
        {
            return bytes;
        }

        return row.TryGetProperty(name, out JsonElement text) && text.ValueKind == JsonValueKind.String ? System.Text.Encoding.UTF8.GetBytes(text.GetString()!) : null;
    }

    /// <summary>Whether bytes are printable ASCII without backslash, so that the display form is the bytes.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e) && !bytes.Contains((byte)'\\');
}
