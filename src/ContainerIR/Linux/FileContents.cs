namespace ContainerIR.Linux;

/// <summary>
/// The bytes behind a <see cref="FileProbe"/>, by the way that disturbs least: its layer (unseen inside), else the file itself without touching its
/// times, else - where a read may block - the disposable reader.
/// </summary>
internal sealed class FileContents(OverlayLayers layers, ReadWorkerLaunch launch) : IDisposable
{
    private readonly ReadWorker worker = new(launch);

    /// <summary>Whether some file was read in a way an inotify watch in the container could have noticed (deleted files, files of volumes).</summary>
    public int ReadInView { get; private set; }

    /// <summary>Opens; throws <see cref="IOException"/> with the reason when there is nothing to read. Read it asynchronously; the caller limits how much.</summary>
    public Stream Open(FileProbe file)
    {
        if (!file.IsRegular)
        {
            throw new IOException($"not a regular file (mode {Convert.ToString(file.Stat.stx_mode, 8)})");
        }

        if (file.MayBlock)
        {
            ReadInView++;
            return worker.Open(file.ProcPath, file.Stat);
        }

        Descriptor? quiet = file.HasNoName ? null : layers.OpenQuietly(file.Link, file.Stat);
        if (quiet is null)
        {
            ReadInView += file.IsMemory ? 0 : 1;
            quiet = Descriptor.Open(Libc.AT_FDCWD, $"/proc/self/fd/{file.Handle.Number}", Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOATIME, out int errno);
            if (quiet is null)
            {
                throw new IOException(Libc.Describe(errno));
            }
        }

        return new DescriptorStream(quiet);
    }

    public void Dispose() => worker.Dispose();
}
