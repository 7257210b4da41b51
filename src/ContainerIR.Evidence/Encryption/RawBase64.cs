namespace ContainerIR.Evidence.Encryption;

/// <summary>Base64 without padding, canonical only (c2sp.org/age, RFC 4648 section 3.5).</summary>
internal static class RawBase64
{
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>The bytes; null for anything that <see cref="Encode"/> would not have written.</summary>
    public static byte[]? Decode(string text)
    {
        byte[] bytes = new byte[(text.Length * 3 / 4) + 3];
        string padded = text.PadRight((text.Length + 3) / 4 * 4, '=');
        return Convert.TryFromBase64String(padded, bytes, out int count) && Encode(bytes.AsSpan(0, count)) == text ? bytes[..count] : null;
    }
}
