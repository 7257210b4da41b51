using ContainerIR.Linux;

namespace ContainerIR.Collectors;

/// <summary>
/// Signs that a process runs code somebody planted. Facts, no verdict: <c>exe-no-name</c>, <c>exe-in-memory</c>, <c>exe-upper-layer</c>,
/// <c>exe-off-image</c>, <c>exe-unknown</c>, <c>writable-executable</c>, <c>anonymous-executable</c>, <c>nameless-executable</c>, <c>memory-file-executable</c>.
/// </summary>
internal sealed class ImplantSigns : IDisposable
{
    private readonly Descriptor? upper;
    private readonly (uint Major, uint Minor)? rootDevice;

    /// <param name="root">Mount of the container's root; its upper layer holds what did not come with the image.</param>
    /// <param name="rootDevice">Device of the container's root.</param>
    public ImplantSigns(ProcMount? root, (uint Major, uint Minor)? rootDevice)
    {
        this.rootDevice = rootDevice;
        if (root?.FileSystem == "overlay")
        {
            ReadOnlySpan<byte> options = root.SuperOptions;
            foreach (Range range in options.Split((byte)','))
            {
                if (options[range].StartsWith("upperdir=/"u8))
                {
                    upper = Descriptor.Open(Libc.AT_FDCWD, ProcMounts.Unescape(options[range]["upperdir=".Length..]), Libc.O_PATH | Libc.O_DIRECTORY, out _);
                }
            }
        }
    }

    /// <summary>Signs of one process, each once.</summary>
    public List<string> Of(ProcEntry process, ProcMounts mounts, MemoryMap map, MappedFiles files)
    {
        List<string> signs = [];
        using (FileProbe? exe = FileProbe.Open(process, "", "exe", mounts, out int errno))
        {
            if (exe is null)
            {
                Add(signs, errno == Libc.ENOENT ? null : "exe-unknown");
            }
            else
            {
                Add(signs, exe.IsMemory ? "exe-in-memory" : exe.HasNoName ? "exe-no-name" : IsInUpper(exe) ? "exe-upper-layer" : IsOffImage(exe) ? "exe-off-image" : null);
            }
        }

        foreach (MemoryMapping mapping in map.Mappings)
        {
            if ((mapping.Access & MapAccess.Execute) == 0)
            {
                continue;
            }

            Add(signs, !mapping.LooksInjected ? null : (mapping.Access & MapAccess.Write) != 0 ? "writable-executable" : "anonymous-executable");
            if (mapping.IsOfFile)
            {
                Add(signs, files.Find(mapping).Kind switch
                {
                    MappedFileKind.Nameless => "nameless-executable",
                    MappedFileKind.Memory => "memory-file-executable",
                    _ => null,
                });
            }
        }

        return signs;
    }

    public void Dispose() => upper?.Dispose();

    private bool IsOffImage(FileProbe exe) => rootDevice is var (major, minor) && (exe.Stat.stx_dev_major, exe.Stat.stx_dev_minor) != (major, minor);

    private bool IsInUpper(FileProbe exe)
    {
        ReadOnlySpan<byte> path = exe.Name.TrimStart((byte)'/');
        if (upper is null || path.IsEmpty)
        {
            return false;
        }

        using Descriptor? file = Descriptor.OpenResolved(
            upper.Number, path, Libc.O_PATH | Libc.O_NOFOLLOW, Libc.RESOLVE_BENEATH | Libc.RESOLVE_NO_SYMLINKS | Libc.RESOLVE_NO_XDEV, out _);
        return file is not null && file.TryStat(out StatX stat, out _) && stat.stx_ino == exe.Stat.stx_ino;
    }

    private static void Add(List<string> signs, string? sign)
    {
        if (sign is not null && !signs.Contains(sign))
        {
            signs.Add(sign);
        }
    }
}
