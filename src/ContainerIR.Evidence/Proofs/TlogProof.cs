using System.Globalization;
using System.Text;

namespace ContainerIR.Evidence.Proofs;

/// <summary>An inclusion proof with its checkpoint as text (c2sp.org/tlog-proof): version, index, one sibling hash a line, a blank line, the checkpoint verbatim.</summary>
internal sealed record TlogProof(InclusionProof Inclusion, string Checkpoint)
{
    public const int MaxBytes = 64 * 1024;

    private const string VersionLine = "c2sp.org/tlog-proof@v1";

    public string Write()
    {
        StringBuilder text = new();
        text.Append(VersionLine).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"index {Inclusion.Index}\n");
        foreach (byte[] sibling in Inclusion.Siblings)
        {
            text.Append(Convert.ToBase64String(sibling)).Append('\n');
        }

        return text.Append('\n').Append(Checkpoint).ToString();
    }

    /// <exception cref="FormatException">It is no proof; the message says why.</exception>
    public static TlogProof Parse(string text)
    {
        int end = text.IndexOf("\n\n", StringComparison.Ordinal);
        string[] lines = end < 0 ? [] : text[..end].Split('\n');
        int at = lines.Length > 1 && lines[1].StartsWith("extra ", StringComparison.Ordinal) ? 2 : 1; // not authenticated: of no use to us
        if (lines.Length <= at || lines[0] != VersionLine || !lines[at].StartsWith("index ", StringComparison.Ordinal)
            || !long.TryParse(lines[at].AsSpan(6), NumberStyles.None, CultureInfo.InvariantCulture, out long index)
            || lines[at] != string.Create(CultureInfo.InvariantCulture, $"index {index}"))
        {
            throw new FormatException("it is no tlog-proof of version 1");
        }

        string[] hashes = lines[(at + 1)..];
        byte[][] siblings = [.. hashes.Take(InclusionProof.MaxSiblings + 1).Select(Hash)];
        return siblings.Length <= InclusionProof.MaxSiblings
            ? new TlogProof(new InclusionProof(index, siblings), text[(end + 2)..])
            : throw new FormatException($"its path has more than {InclusionProof.MaxSiblings} hashes");
    }

    private static byte[] Hash(string line)
    {
        byte[] hash = new byte[33];
        return Convert.TryFromBase64String(line, hash, out int count) && count == 32 && Convert.ToBase64String(hash.AsSpan(0, 32)) == line
            ? hash[..32]
            : throw new FormatException("a line of its path is not the base64 of 32 bytes");
    }
}
