namespace ContainerIR.Evidence.Items;

/// <summary>The names this project gives to files in a bundle: short, ASCII, no surprises for any shell, file system or tool.</summary>
internal static class ItemName
{
    public const string PartialSuffix = ".partial";
    public const string ChunksSuffix = ".chunks.jsonl";
    public const int MaxPathCharacters = 200;
    public const int MaxDepth = 8;

    /// <summary>True for a relative path of segments of <c>[A-Za-z0-9._-]</c>, none beginning with a dot or a hyphen.</summary>
    public static bool IsSafePath(ReadOnlySpan<char> path)
    {
        if (path.Length is 0 or > MaxPathCharacters)
        {
            return false;
        }

        int depth = 0;
        foreach (Range segment in path.Split('/'))
        {
            if (++depth > MaxDepth || !IsSafeSegment(path[segment]))
            {
                return false;
            }
        }

        return true;
    }

    public static bool IsSafeSegment(ReadOnlySpan<char> segment)
    {
        if (segment.IsEmpty || segment[0] is '.' or '-')
        {
            return false;
        }

        foreach (char c in segment)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Refuses a name a collector must not give: a mistake in our code, never the fault of evidence.</summary>
    public static void Check(string name, ItemForm form)
    {
        if (!IsSafePath(name) || name.EndsWith(PartialSuffix, StringComparison.Ordinal) || name.EndsWith(ChunksSuffix, StringComparison.Ordinal)
            || name.EndsWith(".tmp", StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' is no name for an item", nameof(name));
        }

        if (form == ItemForm.Frames && !name.EndsWith(".zst", StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' is stored as zstd frames and must end in .zst", nameof(name));
        }
    }
}
