using System.Text;
using ContainerIR.Collectors.Processes;
using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Networks;

/// <summary>Copies the files by which the container resolves names, as it sees them, without following any link out of its root.</summary>
internal static class NameFiles
{
    private const int MaxBytes = 256 * 1024;
    private static readonly string[] Names = ["etc/resolv.conf", "etc/hosts", "etc/hostname", "etc/nsswitch.conf"];

    /// <summary>Reads them; what is missing is no gap, what cannot be read is.</summary>
    public static async Task<List<(string File, byte[] Content)>> ReadAsync(
        ProcessFacts first, MountTables tables, FileContents contents, RowLines raw, IEvidenceSink sink, CancellationToken ct)
    {
        List<(string, byte[])> files = [];
        using ProcEntry? init = ProcEntry.Open(first.Pid, out int errno);
        ProcMounts? mounts = init is null ? null : tables.Of(init);
        using RootLookup? root = init is null ? null : RootLookup.Open(init, mounts!, out errno);
        foreach (string name in Names)
        {
            if (root is null)
            {
                sink.AddGap($"/{name} of the container", Libc.Describe(errno));
                continue;
            }

            Descriptor? found = root.Find(Encoding.ASCII.GetBytes(name), out errno);
            using FileProbe? probe = found is null ? null : FileProbe.Of(found, $"/proc/{first.Pid}/root/{name}", [(byte)'/', .. Encoding.ASCII.GetBytes(name)], mounts!, out errno);
            if (probe is null)
            {
                if (errno != Libc.ENOENT)
                {
                    sink.AddGap($"/{name} of the container", Libc.Describe(errno));
                }

                continue;
            }

            try
            {
                await using Stream content = contents.Open(probe);
                byte[] buffer = new byte[MaxBytes];
                int length = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
                if (length == buffer.Length)
                {
                    sink.AddGap($"/{name} of the container", $"cut at {length} bytes");
                }

                files.Add((name, buffer[..length]));
                await RawTables.WriteRawAsync(raw, first.Namespaces.Network, name, 0, buffer.AsMemory(0, length), ct);
            }
            catch (IOException failure) when (failure is not Evidence.BundleWriteException)
            {
                sink.AddGap($"/{name} of the container", failure.Message);
            }
        }

        return files;
    }
}
