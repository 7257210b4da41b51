using ContainerIR.Evidence.Items;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Networks;

/// <summary>Copies the /proc/net tables of a namespace as they are, and adds the sockets in them to its table.</summary>
internal static class RawTables
{
    private const int RawPieceBytes = 768 * 1024;
    private const long MaxTableBytes = 256L << 20;

    /// <summary>Copies and parses.</summary>
    public static async Task CopyAsync(NetworkSpace space, RowLines raw, IEvidenceSink sink, CancellationToken ct)
    {
        byte[] piece = new byte[RawPieceBytes];
        foreach ((string name, (Descriptor? file, int openErrno)) in space.Tables)
        {
            if (name == "nf_conntrack")
            {
                continue;
            }

            if (file is null)
            {
                if (openErrno != Libc.ENOENT)
                {
                    sink.AddGap($"/proc/net/{name} of network namespace {space.Inode}", Libc.Describe(openErrno));
                }

                continue;
            }

            LineCutter lines = new();
            int index = 0;
            (string Protocol, int Family)? kind = ProcNetTables.Kind(name);
            void Take(ReadOnlySpan<byte> line)
            {
                if (index++ == 0 || kind is not var (protocol, family) || line.IsEmpty)
                {
                    return;
                }

                if (ProcNetTables.ParseLine(protocol, family, line) is { } entry)
                {
                    space.Sockets.Add(entry);
                }
                else
                {
                    space.MalformedLines++;
                }
            }

            for (long at = 0; ;)
            {
                int count = file.Read(piece, out int errno);
                if (count <= 0 || at > MaxTableBytes)
                {
                    string? problem = count < 0 ? Libc.Describe(errno) : count > 0 ? $"cut at {MaxTableBytes} bytes" : null;
                    if (problem is not null)
                    {
                        sink.AddGap($"/proc/net/{name} of network namespace {space.Inode} after byte {at}", problem);
                    }

                    break;
                }

                await WriteRawAsync(raw, space.Inode, "net/" + name, at, piece.AsMemory(0, count), ct);
                at += count;
                lines.Feed(piece.AsSpan(0, count), Take);
            }

            lines.End(Take);
        }
    }

    /// <summary>Writes one piece of a file.</summary>
    public static ValueTask WriteRawAsync(RowLines raw, ulong inode, string name, long at, ReadOnlyMemory<byte> bytes, CancellationToken ct) => raw.WriteAsync(
        json =>
        {
            json.WriteNumber("netns", inode);
            json.WriteString("file", name);
            if (at > 0)
            {
                json.WriteNumber("offset", at);
            }

            json.WriteBase64String("b64", bytes.Span);
        },
        ct);
}
