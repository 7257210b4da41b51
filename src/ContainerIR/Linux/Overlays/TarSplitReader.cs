using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux.Trees;

namespace ContainerIR.Linux.Overlays;

/// <summary>
/// Makes the tar of an image's layer again, byte for byte, from the layer's directory and what Docker kept of the tar (tar-split.json.gz; github.com/vbatts/tar-split):
/// the bytes between the files, and the files' names and sizes in order. The tar's SHA-256 is the layer's DiffID, unless a file of the layer was changed since.
/// </summary>
internal sealed unsafe class TarSplitReader(PrivateTree layer)
{
    private const int FileEntry = 1;
    private const int SegmentEntry = 2;
    private const int BufferBytes = 1024 * 1024;
    private const int MaxLineBytes = 64 * 1024 * 1024;
    private const int MaxProblems = 100;

    private readonly byte[] buffer = new byte[BufferBytes];

    /// <summary>Files that are not there, or are shorter than they were; zeros stand for what is missing.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Regular files written.</summary>
    public long Files { get; private set; }

    /// <summary>Writes the tar.</summary>
    /// <param name="tarSplit">Content of tar-split.json.gz, compressed.</param>
    /// <param name="tar">Gets the tar.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="IOException">The tar-split is broken: what was written is a prefix.</exception>
    public void CopyTo(Stream tarSplit, Stream tar, CancellationToken ct)
    {
        try
        {
            using GZipStream lines = new(tarSplit, CompressionMode.Decompress, leaveOpen: true);
            foreach (ReadOnlyMemory<byte> line in Lines(lines))
            {
                ct.ThrowIfCancellationRequested();
                Write(line, tar, ct);
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidDataException or FormatException or InvalidOperationException)
        {
            throw new IOException($"broken tar-split: {DisplayText.Shorten(failure.Message, 200)}", failure);
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(Stream stream)
    {
        byte[] text = new byte[64 * 1024];
        int start = 0, filled = 0;
        while (true)
        {
            int end = text.AsSpan(start, filled - start).IndexOf((byte)'\n');
            if (end >= 0)
            {
                yield return text.AsMemory(start, end);
                start += end + 1;
                continue;
            }

            text.AsSpan(start, filled - start).CopyTo(text);
            (start, filled) = (0, filled - start);
            if (filled == text.Length)
            {
                if (filled >= MaxLineBytes)
                {
                    throw new InvalidDataException("a line is longer than the limit");
                }

                Array.Resize(ref text, text.Length * 2);
            }

            int count = stream.Read(text, filled, text.Length - filled);
            if (count == 0)
            {
                if (filled > 0)
                {
                    yield return text.AsMemory(0, filled);
                }

                yield break;
            }

            filled += count;
        }
    }

    private void Write(ReadOnlyMemory<byte> line, Stream tar, CancellationToken ct)
    {
        if (line.Span.Trim((byte)' ').IsEmpty)
        {
            return;
        }

        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement entry = document.RootElement;
        int type = entry.TryGetProperty("type", out JsonElement kind) && kind.TryGetInt32(out int number) ? number : 0;
        if (type == SegmentEntry)
        {
            if (entry.TryGetProperty("payload", out JsonElement payload) && payload.ValueKind == JsonValueKind.String)
            {
                tar.Write(payload.GetBytesFromBase64());
            }
        }
        else if (type == FileEntry)
        {
            long size = entry.TryGetProperty("size", out JsonElement bytes) && bytes.TryGetInt64(out long value) ? value : 0;
            byte[] name = entry.TryGetProperty("name_raw", out JsonElement raw) && raw.ValueKind == JsonValueKind.String ? raw.GetBytesFromBase64()
                : entry.TryGetProperty("name", out JsonElement text) && text.ValueKind == JsonValueKind.String ? System.Text.Encoding.UTF8.GetBytes(text.GetString()!) : [];
            if (size > 0)
            {
                Files++;
                WriteFile(name, size, tar, ct);
            }
        }
    }

    private void WriteFile(byte[] name, long size, Stream tar, CancellationToken ct)
    {
        int descriptor = Open(name);
        string? problem = descriptor < 0 ? Libc.Describe(Marshal.GetLastPInvokeError()) : null;
        long left = size, at = 0;
        while (descriptor >= 0 && left > 0)
        {
            ct.ThrowIfCancellationRequested();
            int count;
            fixed (byte* target = buffer)
            {
                count = (int)Libc.pread(descriptor, target, (nuint)Math.Min(left, buffer.Length), at);
            }

            if (count <= 0)
            {
                problem = count < 0 ? Libc.Describe(Marshal.GetLastPInvokeError()) : $"{left} bytes shorter than it was";
                break;
            }

            tar.Write(buffer, 0, count);
            (left, at) = (left - count, at + count);
        }

        Nodes.Close(descriptor);
        if (problem is null)
        {
            return;
        }

        if (Problems.Count < MaxProblems)
        {
            Problems.Add($"/{DisplayText.Escape(name)}: {problem}");
        }

        // The tar keeps its form, so that all other files can still be read from it. Sizes are the suspect's: no more than a hole of the disk is made up.
        Array.Clear(buffer);
        for (; left > 0; left -= Math.Min(left, buffer.Length))
        {
            ct.ThrowIfCancellationRequested();
            if (size - left > (1L << 36))
            {
                throw new InvalidDataException("a missing file is larger than the limit");
            }

            tar.Write(buffer, 0, (int)Math.Min(left, buffer.Length));
        }
    }

    private int Open(byte[] name)
    {
        ReadOnlySpan<byte> path = name;
        while (path.StartsWith("./"u8) || path.StartsWith("/"u8))
        {
            path = path[(path[0] == '.' ? 2 : 1)..];
        }

        if (path.IsEmpty || path.Contains((byte)0))
        {
            Marshal.SetLastPInvokeError(Libc.EINVAL);
            return -1;
        }

        // A FIFO or device in the place of a file must not hold us.
        fixed (byte* text = (byte[])[.. path, 0])
        {
            int node = Nodes.OpenPath(layer.Descriptor, text);
            StatX stat = default;
            if (node < 0 || !Nodes.Stat(node, ref stat) || !Nodes.IsRegular(stat))
            {
                int errno = node < 0 ? Marshal.GetLastPInvokeError() : Libc.EINVAL;
                Nodes.Close(node);
                Marshal.SetLastPInvokeError(errno);
                return -1;
            }

            int descriptor = Nodes.Reopen(node, layer.ReadFlags);
            Nodes.Close(node);
            return descriptor;
        }
    }
}
