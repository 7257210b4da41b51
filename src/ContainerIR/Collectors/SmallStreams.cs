namespace ContainerIR.Collectors;

/// <summary>Documents that are both stored and looked into are read into memory, up to a limit.</summary>
internal static class SmallStreams
{
    /// <summary>Reads to the end.</summary>
    /// <exception cref="IOException">It is longer than the limit, or cannot be read.</exception>
    public static byte[] ReadAtMost(this Stream stream, int limitBytes)
    {
        using MemoryStream content = new();
        byte[] buffer = new byte[16 * 1024];
        int count;
        while ((count = stream.Read(buffer)) > 0)
        {
            content.Write(buffer, 0, count);
            if (content.Length > limitBytes)
            {
                throw new IOException($"longer than the limit of {limitBytes} bytes");
            }
        }

        return content.ToArray();
    }
}
