using ContainerIR.Evidence.Items;
using ContainerIR.Linux;

namespace ContainerIR.Collectors;

/// <summary>Stores files of the host as items.</summary>
internal static class HostFileItems
{
    /// <summary>Copies a small file; one that cannot be read becomes a gap.</summary>
    /// <returns>Whether it was copied whole.</returns>
    public static async Task<bool> AddHostFileAsync(this IEvidenceSink sink, string name, string path, long limitBytes, CancellationToken ct)
    {
        HostFile file;
        try
        {
            file = HostFile.Open(path);
        }
        catch (HostFileException failure)
        {
            sink.AddGap(Evidence.Text.DisplayText.Escape(path), failure.Message);
            return false;
        }

        using (file)
        {
            if (!file.KeepsAccessTime)
            {
                sink.AddEffect($"read {file.Path} without O_NOATIME: its access time may have changed");
            }

            await using Stream content = file.OpenStream(limitBytes);
            EvidenceItem item = await sink.AddAsync(name, content, new ItemOptions(file.Path), ct);
            if (item.RawBytes >= limitBytes && (long)file.StatNow().stx_size > limitBytes)
            {
                sink.AddGap($"{file.Path} after byte {limitBytes}", "over the limit for a file of this kind");
                return false;
            }

            return item.Status == ItemStatus.Complete;
        }
    }
}
