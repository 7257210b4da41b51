using System.Globalization;
using System.Text;

namespace ContainerIR.Evidence.Seals;

/// <summary>
/// A tree head as a signed note (c2sp.org/tlog-checkpoint): origin, number of journal lines, root hash; a blank line; the signature line.
/// About 250 bytes that fix the whole journal up to there.
/// </summary>
internal sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    public const int MaxBytes = 4096;

    private const string SignaturePrefix = "\u2014 ";

    public static string OriginOf(Guid bundleId) => $"containerir/{bundleId:D}";

    public string Body => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    public string Sign(CheckpointKey key)
    {
        byte[] signature = key.Sign(Encoding.UTF8.GetBytes(Body));
        return $"{Body}\n{SignaturePrefix}{Origin} {Convert.ToBase64String([.. key.KeyHash(Origin), .. signature])}\n";
    }

    /// <summary>Reads a note and checks its one signature against a verifier key.</summary>
    /// <exception cref="FormatException">It is no checkpoint, or the signature is not good; the message says which.</exception>
    public static Checkpoint Verify(string note, string verifierKey)
    {
        string[] lines = note.Split('\n');
        if (lines.Length != 6 || lines[3].Length != 0 || lines[5].Length != 0)
        {
            throw new FormatException("it is not three lines, a blank line and one signature");
        }

        string origin = lines[0];
        string[] key = verifierKey.TrimEnd('\n').Split('+');
        if (key.Length < 3 || key[0] != origin || key[0].Length == 0)
        {
            throw new FormatException("its origin is not the name of the verifier key");
        }

        byte[] typedKey = FromBase64(string.Join('+', key[2..]));
        if (typedKey.Length != 1 + CheckpointKey.KeyBytes || typedKey[0] != 1 || Convert.ToHexStringLower(CheckpointKey.KeyHash(origin, typedKey)) != key[1])
        {
            throw new FormatException("the verifier key is no Ed25519 key of that name");
        }

        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out long size))
        {
            throw new FormatException("its tree size is no number");
        }

        Checkpoint checkpoint = new(origin, size, FromBase64(lines[2]));
        if (checkpoint.Root.Length != 32 || !note.StartsWith(checkpoint.Body, StringComparison.Ordinal))
        {
            throw new FormatException("its root hash is not the base64 of 32 bytes");
        }

        string prefix = SignaturePrefix + origin + " ";
        byte[] signature = lines[4].StartsWith(prefix, StringComparison.Ordinal) ? FromBase64(lines[4][prefix.Length..]) : [];
        if (signature.Length < 4 || !signature.AsSpan(0, 4).SequenceEqual(CheckpointKey.KeyHash(origin, typedKey))
            || !CheckpointKey.Verify(typedKey[1..], Encoding.UTF8.GetBytes(checkpoint.Body), signature[4..]))
        {
            throw new FormatException("its signature is not good");
        }

        return checkpoint;
    }

    // Only the one spelling a writer gives: no white space, no bits left over at the end. Else two notes would be the same note.
    private static byte[] FromBase64(string text)
    {
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int count) && Convert.ToBase64String(bytes.AsSpan(0, count)) == text ? bytes[..count] : [];
    }
}
