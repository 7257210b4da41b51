namespace ContainerIR.Evidence.Text;

/// <summary>How far apart two spellings are: for naming what somebody may have meant.</summary>
public static class Spelling
{
    private const int MostCharacters = 64;

    /// <summary>Edits from one text to the other (Levenshtein), over at most 64 characters of each.</summary>
    public static int Distance(ReadOnlySpan<char> wanted, ReadOnlySpan<char> name)
    {
        ReadOnlySpan<char> a = wanted[..Math.Min(wanted.Length, MostCharacters)];
        ReadOnlySpan<char> b = name[..Math.Min(name.Length, MostCharacters)];
        Span<int> row = stackalloc int[MostCharacters + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
