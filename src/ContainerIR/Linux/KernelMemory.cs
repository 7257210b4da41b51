namespace ContainerIR.Linux;

/// <summary>The kernel's inner tmpfs, where memfds and shared memory live. No mount table lists it; a memfd of our own tells its device.</summary>
internal static unsafe class KernelMemory
{
    private static readonly Lazy<(uint Major, uint Minor)?> Device = new(Find);

    /// <summary>Whether a file lives there. The text of a link proves nothing: a file can be named <c>/memfd:x (deleted)</c>.</summary>
    public static bool Holds(in StatX stat) => Device.Value is var (major, minor) && stat.stx_dev_major == major && stat.stx_dev_minor == minor;

    private static (uint, uint)? Find()
    {
        fixed (byte* name = "cir\0"u8)
        {
            using Descriptor? memory = Descriptor.Own(Libc.memfd_create(name, 1), out _);
            return memory is not null && memory.TryStat(out StatX stat, out _) ? (stat.stx_dev_major, stat.stx_dev_minor) : null;
        }
    }
}
