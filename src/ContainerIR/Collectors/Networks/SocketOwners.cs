using System.Globalization;
using ContainerIR.Collectors.Processes;
using ContainerIR.Linux;

namespace ContainerIR.Collectors.Networks;

/// <summary>Names the processes that hold a socket, with their executables; each executable is looked at once.</summary>
internal sealed class SocketOwners(DescriptorScan scan, FileShelf digests, MountTables tables)
{
    private readonly Dictionary<int, (byte[] Link, string? Sha256)?> executables = [];

    /// <summary>Those of one socket; empty when nobody is known.</summary>
    public async ValueTask<IReadOnlyList<OwnerFacts>> OfAsync(ulong inode, CancellationToken ct)
    {
        IReadOnlyList<SocketHold> holds = inode == 0 ? [] : scan.HoldersOf(inode);
        List<OwnerFacts> owners = new(holds.Count);
        foreach (SocketHold hold in holds)
        {
            if (!executables.TryGetValue(hold.Pid, out (byte[] Link, string? Sha256)? executable))
            {
                executables[hold.Pid] = executable = await ExecutableAsync(hold, ct);
            }

            owners.Add(new OwnerFacts(hold, executable?.Link, executable?.Sha256));
        }

        return owners;
    }

    private async Task<(byte[] Link, string? Sha256)?> ExecutableAsync(SocketHold hold, CancellationToken ct)
    {
        using ProcEntry? process = ProcEntry.Open(hold.Pid, out _);
        if (process is null)
        {
            return null;
        }

        // Executables of processes that are not the container's are named, not read.
        if (!hold.IsMember)
        {
            Bytes link = process.ReadLink("exe");
            return link.IsRead ? (link.Content, null) : null;
        }

        using FileProbe? file = FileProbe.Open(process, $"/proc/{hold.Pid.ToString(CultureInfo.InvariantCulture)}", "exe", tables.Of(process), out _);
        return file is null ? null : (file.Link, (await digests.DigestAsync(file, ct)).Sha256);
    }
}
