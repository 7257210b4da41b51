namespace ContainerIR.Evidence.Transport;

/// <summary>
/// Reads a tar forward. It knows regular files and directories only; anything else in it is an error that names the kind. It never touches a file
/// system. Whatever the tar claims, it holds one extended header of at most 8 KiB.
/// </summary>
internal sealed class TarReader(Stream source)
{
    private const int MaxRecordsBytes = 8 * 1024;

    private readonly byte[] block = new byte[TarHeader.BlockBytes];
    private long contentLeft;
    private long paddingLeft;

    /// <summary>The next entry; null after the two blocks of zeros that end a whole tar.</summary>
    /// <exception cref="InvalidDataException">The tar is damaged, cut, or holds what no bundle holds.</exception>
    public async Task<TarEntry?> NextAsync(CancellationToken ct)
    {
        if (contentLeft > 0)
        {
            throw new InvalidOperationException("the content of the last entry was not read");
        }

        string? path = null;
        long? size = null;
        while (true)
        {
            await SkipPaddingAsync(ct);
            await FillAsync(block, ct);
            if (TarHeader.Read(block) is not { } header)
            {
                await ReadEndAsync(ct);
                return null;
            }

            if (header.Type == TarHeader.Extended && path is null && size is null)
            {
                if (header.SizeBytes > MaxRecordsBytes)
                {
                    throw new InvalidDataException($"an extended header of the tar has {header.SizeBytes} bytes");
                }

                byte[] records = new byte[header.SizeBytes];
                await FillAsync(records, ct);
                paddingLeft = TarHeader.PaddedBytes(header.SizeBytes) - header.SizeBytes;
                (path, size) = TarHeader.ReadRecords(records);
                continue;
            }

            TarEntry entry = new((path ?? header.Path).TrimEnd('/'), size ?? header.SizeBytes, header.Type == TarHeader.Directory);
            if (header.Type is not (TarHeader.File or TarHeader.Directory) || (entry.IsDirectory && entry.SizeBytes != 0) || entry.SizeBytes > long.MaxValue / 2)
            {
                throw new InvalidDataException(
                    $"'{Text.DisplayText.Shorten(entry.Path, 120)}' in the tar is neither file nor directory (type '{Text.DisplayText.Escape(header.Type.ToString())}')");
            }

            contentLeft = entry.SizeBytes;
            paddingLeft = TarHeader.PaddedBytes(contentLeft) - contentLeft;
            return entry;
        }
    }

    /// <summary>Reads on in the content of the entry; 0 at its end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct)
    {
        int count = await source.ReadAsync(buffer[..(int)Math.Min(buffer.Length, contentLeft)], ct);
        if (count == 0 && contentLeft > 0 && buffer.Length > 0)
        {
            throw Cut();
        }

        contentLeft -= count;
        return count;
    }

    private static InvalidDataException Cut() => new("the tar is cut: it ends in the middle of an entry or without its end mark");

    private async Task SkipPaddingAsync(CancellationToken ct)
    {
        byte[] padding = new byte[paddingLeft];
        await FillAsync(padding, ct);
        paddingLeft = 0;
    }

    private async Task FillAsync(byte[] buffer, CancellationToken ct)
    {
        if (await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct) < buffer.Length)
        {
            throw Cut();
        }
    }

    // Read on to the very end: only then has the decryption below authenticated its last chunk. GNU tar fills up with zeros to 10 KiB.
    private async Task ReadEndAsync(CancellationToken ct)
    {
        await FillAsync(block, ct);
        byte[] rest = new byte[64 * 1024];
        bool onlyZeros = !block.AsSpan().ContainsAnyExcept((byte)0);
        long count = 0;
        int read;
        while ((read = await source.ReadAsync(rest, ct)) > 0)
        {
            count += read;
            onlyZeros &= !rest.AsSpan(0, read).ContainsAnyExcept((byte)0);
            if (!onlyZeros || count > 1024 * 1024)
            {
                break;
            }
        }

        if (!onlyZeros || count > 1024 * 1024)
        {
            throw new InvalidDataException("something follows the end mark of the tar");
        }
    }
}

/// <summary>What stands in a transport tar: the path without trailing slash.</summary>
internal sealed record TarEntry(string Path, long SizeBytes, bool IsDirectory);
