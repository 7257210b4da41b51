using System.Diagnostics;
using System.Text;

namespace ContainerIR.Tests.Some;

/// <summary>
/// Every fact of every object of a tree but sockets, one line each, as coreutils and getfattr see it: what two trees must share to be the same. Names are
/// Latin-1 text of their bytes. None of the product's code is used.
/// </summary>
internal static class TreeFacts
{
    private const string Script = """
        cd "$1" || exit 1
        export TZ=UTC LC_ALL=C
        find . ! -type s -print0 | sort -z | xargs -0 stat --printf 'stat\0%n\0%f\0%u\0%g\0%s\0%y\0%t:%T\0%h\0%i\0\0'
        find . -type f -size -131072 -print0 | sort -z | xargs -0 -r sha256sum -z | sed -z 's/^\([0-9a-f]*\)  \(.*\)$/hash\x00\2\x00\1\x00/'
        find . ! -type s -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex | tr '\n' '\0'
        """;

    /// <summary>Reads the facts of a tree.</summary>
    public static SortedDictionary<string, string> Read(string root)
    {
        string[] fields = Run(Script, root).Split('\0');
        SortedDictionary<string, string> facts = new(StringComparer.Ordinal);
        Dictionary<string, string> firstNames = [];
        Dictionary<string, int> names = [];
        for (int i = 0; i < fields.Length; i++)
        {
            if (fields[i] == "stat")
            {
                names[fields[i + 9]] = names.GetValueOrDefault(fields[i + 9]) + 1;
                i += 10;
            }
        }

        for (int i = 0; i < fields.Length;)
        {
            if (fields[i] == "stat")
            {
                (string name, string mode, string size, string inode) = (fields[i + 1], fields[i + 2], fields[i + 5], fields[i + 9]);
                bool isDirectory = mode.StartsWith('4') && mode.Length == 4;
                firstNames.TryAdd(inode, name);
                facts[name] = $"mode={mode} owner={fields[i + 3]}:{fields[i + 4]} size={(isDirectory ? "-" : size)} time={fields[i + 6]} rdev={fields[i + 7]} "
                    + $"names={names[inode]} same-as={firstNames[inode]}";
                i += 11;
            }
            else if (fields[i] == "hash")
            {
                facts[fields[i + 1]] += " sha256=" + fields[i + 2];
                i += 4;
            }
            else if (fields[i].StartsWith("# file: ", StringComparison.Ordinal))
            {
                string name = fields[i][8..];
                List<string> attributes = [];
                for (i++; i < fields.Length && fields[i].Length > 0; i++)
                {
                    attributes.Add(fields[i]);
                }

                attributes.Sort(StringComparer.Ordinal);
                facts["xattr " + name] = string.Join(' ', attributes);
            }
            else
            {
                i++;
            }
        }

        return facts;
    }

    /// <summary>
    /// Inode, size, link count and all four times of every object, to see whether something moved. The second of two such readings sees what was done
    /// between them: stat(2) moves nothing, and the directories were read before the first.
    /// </summary>
    public static SortedDictionary<string, string> ReadTimes(string root)
    {
        string listing = Run("""
            cd "$1" || exit 1
            export TZ=UTC LC_ALL=C
            find . >/dev/null
            find . -print0 | sort -z | xargs -0 stat --printf '%n\0%i %s %x %y %z %w %h\0'
            """, root);
        SortedDictionary<string, string> times = new(StringComparer.Ordinal);
        string[] fields = listing.Split('\0');
        for (int i = 0; i + 1 < fields.Length; i += 2)
        {
            times[fields[i]] = fields[i + 1];
        }

        return times;
    }

    /// <summary>Lines that two trees do not share, for a message a person can read.</summary>
    public static string Difference(SortedDictionary<string, string> expected, SortedDictionary<string, string> actual)
    {
        StringBuilder text = new();
        foreach (string key in expected.Keys.Union(actual.Keys).Order(StringComparer.Ordinal))
        {
            string one = expected.GetValueOrDefault(key, "(absent)");
            string other = actual.GetValueOrDefault(key, "(absent)");
            if (one != other)
            {
                text.Append(Evidence.Text.DisplayText.Escape(key)).Append("\n  expected ").Append(one).Append("\n  actual   ").Append(other).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Run(string script, string root)
    {
        ProcessStartInfo start = new("bash", ["-c", script, "facts", root]) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.Latin1 };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 && errors.Result.Length == 0 ? output : throw new InvalidOperationException($"facts of {root}: exit {process.ExitCode}: {errors.Result}");
    }
}
