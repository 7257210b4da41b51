using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Linux.Trees;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors.Logs;

/// <summary>Points to logs that a program in the container keeps itself: in /var/log of its writable layer, and in its volumes. Their bytes are the filesystem collectors'.</summary>
internal static class LogPointers
{
    private const int MaxFiles = 2000;
    private const int MaxEntriesSeen = 50_000;
    private const int MaxDepth = 6;

    /// <summary>Writes the list where there is anything to point to.</summary>
    public static async Task CollectAsync(ContainerRef container, string prefix, IEvidenceSink sink, CancellationToken ct)
    {
        List<Pointer> found = [];
        if (LayerPaths.Find(container, null, out _) is { } layers)
        {
            Search("upper layer", layers.Upper, "var/log"u8.ToArray(), "/var/log", found, sink, all: true);
        }

        foreach (ContainerMount mount in container.Mounts.Where(mount => mount.Source.Length > 0))
        {
            Search($"{mount.Type} {mount.Source}", Encoding.UTF8.GetBytes(prefix + mount.Source), [], mount.Destination, found, sink, all: mount.Destination.Contains("/log", StringComparison.Ordinal));
        }

        if (found.Count > 0)
        {
            await sink.AddJsonAsync("log-files-inside.json", "the writable layer and the volumes: names, sizes and times", json => Write(json, found), ct);
        }
    }

    private static unsafe void Search(string where, byte[] root, byte[] below, string shown, List<Pointer> found, IEvidenceSink sink, bool all)
    {
        try
        {
            using PrivateTree tree = PrivateTree.Open(root);
            byte[] start = below.Length == 0 ? ".\0"u8.ToArray() : [.. below, 0];
            int directory;
            fixed (byte* name = start)
            {
                directory = below.Length == 0 ? Libc.openat(tree.Descriptor, name, tree.ReadFlags | Libc.O_DIRECTORY, 0) : Nodes.OpenBelow(tree.Descriptor, name, tree.ReadFlags | Libc.O_DIRECTORY);
            }

            if (directory < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                if (errno is not (Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP))
                {
                    sink.AddGap($"log files in {DisplayText.Escape(where)}", Libc.Describe(errno));
                }

                return;
            }

            int seen = 0;
            Walk(tree, directory, where, shown, 0, found, all, ref seen);
            if (seen >= MaxEntriesSeen || found.Count >= MaxFiles)
            {
                sink.AddGap($"log files in {DisplayText.Escape(where)}", $"only the first {seen} entries were looked at");
            }
        }
        catch (IOException failure) when (failure is not Evidence.BundleWriteException)
        {
            // A bind mount may name a file, a socket or what another mount namespace has.
            if (HostFile.TryStat(Encoding.UTF8.GetString(root)) is null)
            {
                sink.AddGap($"log files in {DisplayText.Escape(where)}", DisplayText.Escape(failure.Message));
            }
        }
    }

    /// <summary>Goes through a directory, which it closes.</summary>
    private static unsafe void Walk(PrivateTree tree, int directory, string where, string path, int depth, List<Pointer> found, bool all, ref int seen)
    {
        DirectoryReader reader = new();
        reader.Start(0);
        while (found.Count < MaxFiles && seen < MaxEntriesSeen && reader.Next(directory, out _))
        {
            seen++;
            StatX stat = default;
            int node = Nodes.OpenPath(directory, reader.Name);
            bool isThere = node >= 0 && Nodes.Stat(node, ref stat);
            Nodes.Close(node);
            if (!isThere)
            {
                continue;
            }

            string shown = path.TrimEnd('/') + "/" + DisplayText.Escape(reader.NameBytes);
            if (Nodes.IsDirectory(stat) && depth < MaxDepth)
            {
                int inner = Nodes.OpenBelow(directory, reader.Name, tree.ReadFlags | Libc.O_DIRECTORY);
                if (inner >= 0)
                {
                    Walk(tree, inner, where, shown, depth + 1, found, all || reader.NameBytes.SequenceEqual("log"u8) || reader.NameBytes.SequenceEqual("logs"u8), ref seen);
                }
            }
            else if (Nodes.IsRegular(stat) && (all || IsLogName(reader.NameBytes)))
            {
                found.Add(new Pointer(where, shown, stat));
            }
        }

        Nodes.Close(directory);
    }

    private static bool IsLogName(ReadOnlySpan<byte> name) =>
        name.EndsWith(".log"u8) || name.IndexOf(".log."u8) > 0 || name.EndsWith(".err"u8) || name.SequenceEqual("access_log"u8) || name.SequenceEqual("error_log"u8);

    private static void Write(Utf8JsonWriter json, List<Pointer> found)
    {
        json.WriteString("note", "Logs that programs in the container keep in files. Their content is in upper.tar (rootfs-diff) or in the volumes' items where those were acquired.");
        json.WriteStartArray("files");
        foreach (Pointer one in found)
        {
            json.WriteStartObject();
            json.WriteString("where", DisplayText.Escape(one.Where));
            json.WriteString("path", one.Path);
            json.WriteNumber("size_bytes", one.Stat.stx_size);
            json.WriteString("modified", Rfc3339.Format((one.Stat.stx_mtime.tv_sec * 1_000_000_000) + one.Stat.stx_mtime.tv_nsec));
            json.WriteString("changed", Rfc3339.Format((one.Stat.stx_ctime.tv_sec * 1_000_000_000) + one.Stat.stx_ctime.tv_nsec));
            json.WriteString("inode", one.Stat.stx_ino.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private sealed record Pointer(string Where, string Path, StatX Stat);
}
