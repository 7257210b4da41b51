namespace ContainerIR.Collectors.Logs;

/// <summary>The wire form of protocol buffers, as far as log records need it (protobuf.dev, Encoding).</summary>
internal static class ProtocolBuffers
{
    /// <summary>Takes the next field off the front. False when the bytes are no field; then the rest means nothing.</summary>
    public static bool TryReadField(scoped ref ReadOnlySpan<byte> bytes, out int field, out ulong number, out ReadOnlySpan<byte> content)
    {
        (field, number) = (0, 0);
        content = [];
        if (!TryReadNumber(ref bytes, out ulong key) || key >> 3 is 0 or > int.MaxValue)
        {
            return false;
        }

        field = (int)(key >> 3);
        int width = 0;
        switch (key & 7)
        {
            case 0:
                return TryReadNumber(ref bytes, out number);
            case 1:
                width = 8;
                break;
            case 5:
                width = 4;
                break;
            case 2 when TryReadNumber(ref bytes, out ulong length) && length <= (ulong)bytes.Length:
                width = (int)length;
                break;
            default:
                return false;
        }

        if (width > bytes.Length)
        {
            return false;
        }

        content = bytes[..width];
        bytes = bytes[width..];
        return true;
    }

    private static bool TryReadNumber(scoped ref ReadOnlySpan<byte> bytes, out ulong number)
    {
        number = 0;
        for (int i = 0; i < bytes.Length && i < 10; i++)
        {
            number |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
