using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Linux;

/// <summary>How the disposable reader is started: the same executable with a hidden verb.</summary>
/// <param name="Program">Executable.</param>
/// <param name="Arguments">Its arguments.</param>
internal sealed record ReadWorkerLaunch(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "__read-worker";

    /// <summary>This executable.</summary>
    public static ReadWorkerLaunch Self => new(Environment.ProcessPath ?? "/proc/self/exe", [Verb]);
}

/// <summary>
/// Reads files that may block for ever (FUSE with a dead server, a lost NFS server) in a process of its own: a reader in D state cannot be killed,
/// and a thread in that state would keep us from ending. What does not answer in time is killed or, where that does not help, left behind and replaced.
/// </summary>
internal sealed class ReadWorker(ReadWorkerLaunch launch) : IDisposable
{
    private const byte Greeting = (byte)'!';
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);
    private Process? process;

    /// <summary>
    /// Opens a file. Its bytes come, or an <see cref="IOException"/> that says what failed or that nothing came in time. One file at a time:
    /// read it to its end or dispose it before the next.
    /// </summary>
    public Stream Open(string path, in StatX expected) =>
        new Answer(this, string.Create(CultureInfo.InvariantCulture, $"{path}\t{expected.stx_dev_major}\t{expected.stx_dev_minor}\t{expected.stx_ino}\n"));

    public void Dispose() => Abandon();

    /// <summary>The other side: answers requests on standard input until it ends. The body of the hidden verb.</summary>
    public static int Serve()
    {
        using Stream input = Console.OpenStandardInput();
        using Stream output = Console.OpenStandardOutput();
        output.WriteByte(Greeting);
        output.Flush();
        using StreamReader requests = new(input, Encoding.ASCII);
        byte[] frame = new byte[4 + (128 * 1024)];
        while (requests.ReadLine() is { } request)
        {
            string[] fields = request.Split('\t');
            int last = fields.Length == 4 ? Serve(fields, frame, output) : Libc.EINVAL;
            BinaryPrimitives.WriteInt32LittleEndian(frame, -last);
            output.Write(frame, 0, 4);
            output.Flush();
        }

        return 0;
    }

    private static int Serve(string[] fields, byte[] frame, Stream output)
    {
        using Descriptor? file = Descriptor.Open(Libc.AT_FDCWD, fields[0], Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOATIME, out int errno);
        if (file is null || !file.TryStat(out StatX stat, out errno))
        {
            return errno;
        }

        if (!string.Equals(fields[1], stat.stx_dev_major.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            || !string.Equals(fields[2], stat.stx_dev_minor.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            || !string.Equals(fields[3], stat.stx_ino.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))
        {
            return Libc.ESRCH;
        }

        for (long at = 0; ;)
        {
            int count = file.ReadAt(frame.AsSpan(4), at, out errno);
            if (count <= 0)
            {
                return errno;
            }

            BinaryPrimitives.WriteInt32LittleEndian(frame, count);
            output.Write(frame, 0, 4 + count);
            at += count;
        }
    }

    private async Task<Process> StartAsync(CancellationToken ct)
    {
        if (process is { HasExited: false } running)
        {
            return running;
        }

        try
        {
            process = Process.Start(new ProcessStartInfo(launch.Program, launch.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true });
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new IOException($"the reader process did not start: {failure.Message}", failure);
        }

        byte[] greeting = new byte[1];
        await ReadExactlyAsync(greeting, StartTimeout, "the reader process did not start", ct);
        return greeting[0] == Greeting ? process! : throw new IOException("the reader process did not start: it answered something else");
    }

    private async Task ReadExactlyAsync(Memory<byte> buffer, TimeSpan timeout, string problem, CancellationToken ct)
    {
        try
        {
            await process!.StandardOutput.BaseStream.ReadExactlyAsync(buffer, ct).AsTask().WaitAsync(timeout, ct);
        }
        catch (Exception failure) when (failure is TimeoutException or EndOfStreamException or OperationCanceledException)
        {
            Abandon();
            ct.ThrowIfCancellationRequested();
            throw new IOException(failure is TimeoutException ? $"{problem}: no answer in {timeout.TotalSeconds:0} s, the read blocks; the reader was abandoned" : problem, failure);
        }
    }

    // Never waited for: SIGKILL does not end a task in D state until its server is gone.
    private void Abandon()
    {
        if (process is null)
        {
            return;
        }

        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }

        process.Dispose();
        process = null;
    }

    private sealed class Answer(ReadWorker worker, string request) : ReadOnlyStream
    {
        private readonly byte[] header = new byte[4];
        private bool isAsked;
        private bool isDone;
        private int left;
        private long position;

        public override long Position { get => position; set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (isDone)
            {
                return 0;
            }

            if (!isAsked)
            {
                Process process = await worker.StartAsync(cancellationToken);
                await process.StandardInput.BaseStream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
                await process.StandardInput.BaseStream.FlushAsync(cancellationToken);
                isAsked = true;
            }

            if (left == 0)
            {
                await worker.ReadExactlyAsync(header, AnswerTimeout, $"read at {position}", cancellationToken);
                left = BinaryPrimitives.ReadInt32LittleEndian(header);
                if (left <= 0)
                {
                    isDone = true;
                    return left == 0 ? 0 : throw new IOException($"read at {position}: {Libc.Describe(-left)}");
                }
            }

            int count = Math.Min(left, buffer.Length);
            await worker.ReadExactlyAsync(buffer[..count], AnswerTimeout, $"read at {position}", cancellationToken);
            left -= count;
            position += count;
            return count;
        }

        public override int Read(Span<byte> buffer) => throw new NotSupportedException("asynchronous only: a deadline needs it");

        protected override void Dispose(bool disposing)
        {
            if (disposing && isAsked && !isDone)
            {
                worker.Abandon();
            }

            base.Dispose(disposing);
        }
    }
}
