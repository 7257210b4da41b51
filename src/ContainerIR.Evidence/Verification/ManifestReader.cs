using System.Buffers;
using System.Text;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Verification;

/// <summary>Reads a manifest nobody vouches for.</summary>
internal static class ManifestReader
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>Paths and digests. Every bad line is a failure of <paramref name="check"/>; a path named twice keeps its first digest.</summary>
    public static Dictionary<string, string> Read(VerificationRun run, string check, string path, int digestBytes, bool isPayload)
    {
        Dictionary<string, string> digests = new(StringComparer.Ordinal);
        using FileStream? file = run.Tree.OpenRead(path);
        if (file is null)
        {
            run.Fail(check, path, "it is missing, or no regular file");
            return digests;
        }

        int digestCharacters = digestBytes * 2;
        string last = "";
        bool isOrdered = true;
        LineReader reader = new(file, digestCharacters + 2 + ItemName.MaxPathCharacters);
        try
        {
            while (reader.Next() is ReadOnlyMemory<byte> bytes)
            {
                if (digests.Count >= BundleTree.MaxEntries)
                {
                    run.Fail(check, path, $"it has more than {BundleTree.MaxEntries} lines");
                    break;
                }

                string line = Encoding.Latin1.GetString(bytes.Span);
                if (!IsLine(line, digestCharacters, isPayload) || !reader.HadLineFeed)
                {
                    run.Fail(check, path, $"it has a line that is no manifest line: {DisplayText.Shorten(line, 120)}");
                }
                else
                {
                    string name = line[(digestCharacters + 2)..];
                    isOrdered &= string.CompareOrdinal(last, name) <= 0;
                    last = name;
                    if (!digests.TryAdd(name, line[..digestCharacters]))
                    {
                        run.Fail(check, name, $"{path} names it twice");
                    }
                }
            }
        }
        catch (FormatException failure)
        {
            run.Fail(check, path, failure.Message);
        }

        if (!isOrdered)
        {
            run.Fail(check, path, "its lines are not in byte order of path");
        }

        return digests;
    }

    private static bool IsLine(string line, int digestCharacters, bool isPayload)
    {
        if (line.Length <= digestCharacters + 2 || line[digestCharacters] != ' ' || line[digestCharacters + 1] != ' ')
        {
            return false;
        }

        string path = line[(digestCharacters + 2)..];
        return line.AsSpan(0, digestCharacters).IndexOfAnyExcept(HexDigits) < 0
            && ItemName.IsSafePath(path)
            && path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal) == isPayload
            && !path.StartsWith(BundleLayout.SealPrefix, StringComparison.Ordinal);
    }
}
