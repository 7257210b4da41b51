using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using ContainerIR.Cases;
using ContainerIR.Diffs;

namespace ContainerIR.Analyzers;

/// <summary>
/// The beginning of changed programs and web scripts, from the copy of the writable layer: packed executables, scripts that take a request and run a command. A bundle
/// of profile triage has no bytes: what only content can tell is then left to place and time.
/// </summary>
internal sealed partial class ContentAnalyzer : IAnalyzer
{
    private const int HeadBytes = 256 * 1024;
    private const int BlockBytes = 512;
    private const int MaxHeaders = 16;
    private const int MaxFiles = 20_000;
    private const double HighEntropy = 7.2;
    private static readonly Rule Packed = RuleList.Of("CIR-046");
    private static readonly Rule WebShell = RuleList.Of("CIR-034");

    public string Name => "content";

    public IEnumerable<Finding> Analyze(Scene scene, CancellationToken ct)
    {
        if (!scene.Has("rootfs-diff", "upper.tar.zst"))
        {
            yield break;
        }

        List<(FindingPlace Place, DiffEntry Entry, bool IsScript)> wanted = [];
        foreach ((FindingPlace place, DiffEntry entry) in scene.Changes(ct))
        {
            bool isScript = DiffAnalyzer.IsWebScript(entry);
            bool isProgram = entry is { Kind: DiffKind.File, Object: { Mode: var mode, SizeBytes: > 0 } } && (mode & 0b001_001_001) != 0;
            if (entry.TarOffset is not null && entry.Verdict is DiffVerdict.Added or DiffVerdict.Modified or DiffVerdict.Renamed && (isScript || isProgram))
            {
                if (wanted.Count == MaxFiles)
                {
                    scene.Note($"content of changed programs after the first {MaxFiles}");
                    break;
                }

                wanted.Add((place, entry, isScript));
            }
        }

        foreach (((FindingPlace place, DiffEntry entry, bool isScript), byte[] head) in Heads(scene, wanted, ct))
        {
            if (isScript && RunsRequests().Match(System.Text.Encoding.Latin1.GetString(head)) is { Success: true } match)
            {
                yield return new Finding(WebShell, WebShell.Severity, [.. DiffAnalyzer.Seen(entry), SeenValue.OfRaw("content", match.Value)], place);
            }

            if (head.AsSpan().StartsWith("\u007fELF"u8) && Packing(head) is { } how)
            {
                bool isPackaged = scene.HasPackageChange && Paths.IsPackaged(entry.DisplayPath);
                yield return new Finding(
                    Packed, isPackaged ? Severity.Low : Packed.Severity, [.. DiffAnalyzer.Seen(entry), new("packed", how)], place, isPackaged ? "a package manager ran and this is where packages write" : null);
            }
        }
    }

    /// <summary>Why an ELF file looks packed; null when it does not. elf(5): the number of section headers is at 48 or 60.</summary>
    internal static string? Packing(ReadOnlySpan<byte> head)
    {
        // The packer's own header stands right behind the program headers.
        if (head[..Math.Min(head.Length, 1024)].IndexOf("UPX!"u8) >= 0)
        {
            return "UPX!";
        }

        bool isWide = head.Length > 62 && head[4] == 2;
        if (head.Length < 64 || head[5] != 1 || BinaryPrimitives.ReadUInt16LittleEndian(head[(isWide ? 60 : 48)..]) != 0)
        {
            return null;
        }

        double entropy = Entropy(head);
        return entropy > HighEntropy ? string.Create(CultureInfo.InvariantCulture, $"no section headers, {entropy:F2} bits a byte") : null;
    }

    private static double Entropy(ReadOnlySpan<byte> bytes)
    {
        Span<int> counts = stackalloc int[256];
        foreach (byte value in bytes)
        {
            counts[value]++;
        }

        double sum = 0;
        foreach (int count in counts)
        {
            double part = (double)count / bytes.Length;
            sum -= count == 0 ? 0 : part * Math.Log2(part);
        }

        return sum;
    }

    // One pass forward over the tar: the wanted members in the order of their offsets.
    private static IEnumerable<((FindingPlace Place, DiffEntry Entry, bool IsScript) Of, byte[] Head)> Heads(Scene scene, List<(FindingPlace Place, DiffEntry Entry, bool IsScript)> wanted, CancellationToken ct)
    {
        if (wanted.Count == 0 || scene.OpenContent("rootfs-diff", "upper.tar.zst") is not var (content, path))
        {
            yield break;
        }

        using SealedContent tar = content;
        foreach ((FindingPlace Place, DiffEntry Entry, bool IsScript) each in wanted.OrderBy(each => each.Entry.TarOffset))
        {
            ct.ThrowIfCancellationRequested();
            byte[]? head;
            try
            {
                head = Skip(tar, each.Entry.TarOffset!.Value) ? Member(tar) : null;
            }
            catch (IOException failure)
            {
                scene.Note($"{path}: it cannot be read further: {failure.Message}");
                yield break;
            }

            if (head is not null)
            {
                yield return (each, head);
            }
        }

        scene.NoteEnd(tar, path, 0);
    }

    private static bool Skip(SealedContent tar, long offset)
    {
        byte[] buffer = new byte[64 * 1024];
        while (tar.Position < offset)
        {
            if (tar.Read(buffer, 0, (int)Math.Min(buffer.Length, offset - tar.Position)) <= 0)
            {
                return false;
            }
        }

        return tar.Position == offset;
    }

    // Headers of extensions (type x) come first; the file's own header, then its bytes. ustar: size at 124, type at 156.
    private static byte[]? Member(SealedContent tar)
    {
        byte[] header = new byte[BlockBytes];
        for (int count = 0; count < MaxHeaders; count++)
        {
            if (tar.ReadAtLeast(header, BlockBytes, throwOnEndOfStream: false) < BlockBytes || Size(header) is not { } size)
            {
                return null;
            }

            if (header[156] is (byte)'x' or (byte)'g')
            {
                if (!Skip(tar, tar.Position + ((size + BlockBytes - 1) / BlockBytes * BlockBytes)))
                {
                    return null;
                }
            }
            else
            {
                byte[] head = new byte[(int)Math.Min(HeadBytes, size)];
                int read = tar.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
                return read == head.Length ? head : head[..read];
            }
        }

        return null;
    }

    private static long? Size(byte[] header)
    {
        long size = 0;
        foreach (byte digit in header.AsSpan(124, 12))
        {
            if (digit is >= (byte)'0' and <= (byte)'7')
            {
                size = (size << 3) | (uint)(digit - '0');
            }
            else if (digit is not (0 or (byte)' '))
            {
                return null;
            }
        }

        return size;
    }

    [GeneratedRegex(
        @"\b(eval|assert|system|exec|shell_exec|passthru|popen|proc_open|create_function)\s*\(\s*[^;\n]{0,80}\$_(GET|POST|REQUEST|COOKIE|SERVER)|`[^`\n]{0,80}\$_(GET|POST|REQUEST|COOKIE)|getRuntime\(\)\.exec\([^;\n]{0,80}getParameter|ProcessBuilder\([^;\n]{0,80}getParameter|Process\.Start\([^;\n]{0,80}Request|eval\s*\(\s*(base64_decode|gzinflate|str_rot13)\s*\(",
        RegexOptions.NonBacktracking)]
    private static partial Regex RunsRequests();
}
