using ContainerIR.Extractions;

namespace ContainerIR.Cli.Screens;

/// <summary>Reads one line of an item, however large the item: nothing but the line is kept, and reading ends with it.</summary>
internal static class LineOfItem
{
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>The line, without its line feed; null when the item ends before.</summary>
    /// <param name="bundlePath">The bundle.</param>
    /// <param name="item">The item.</param>
    /// <param name="number">Its line, from 1.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<byte[]?> ReadAsync(string bundlePath, string item, long number, CancellationToken ct)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using Catcher catcher = new(number, enough);
        try
        {
            await Extraction.RunAsync(new ExtractionRequest { BundlePath = bundlePath, Source = item }, catcher, enough.Token);
        }
        catch (OperationCanceledException) when (catcher.IsWhole && !ct.IsCancellationRequested)
        {
            // The line is there; what follows was not read.
        }

        return catcher.IsWhole || catcher.IsBegun ? catcher.Line : null;
    }

    private sealed class Catcher(long number, CancellationTokenSource enough) : Stream
    {
        private readonly MemoryStream line = new();
        private long at = 1;

        public bool IsWhole { get; private set; }

        public bool IsBegun => line.Length > 0;

        public byte[] Line => line.ToArray();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (!IsWhole && buffer.Length > 0)
            {
                int end = buffer.IndexOf((byte)'\n');
                ReadOnlySpan<byte> part = end < 0 ? buffer : buffer[..end];
                if (at == number)
                {
                    line.Write(part[..(int)Math.Min(part.Length, MaxBytes - line.Length)]);
                    if (end >= 0)
                    {
                        IsWhole = true;
                        enough.Cancel();
                    }
                }

                at += end < 0 ? 0 : 1;
                buffer = end < 0 ? [] : buffer[(end + 1)..];
            }
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
