using System.Text;

namespace ContainerIR.Evidence.Encryption;

/// <summary>Bech32 as BIP 173 defines it, without its limit of 90 characters (c2sp.org/age).</summary>
internal static class Bech32
{
    private const string Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    private const int ChecksumCharacters = 6;
    private const int MaxCharacters = 512;

    /// <summary>Lower-case text of the bytes under a lower-case prefix.</summary>
    public static string Encode(string prefix, ReadOnlySpan<byte> bytes)
    {
        List<byte> groups = [];
        int bits = 0;
        int pending = 0;
        foreach (byte b in bytes)
        {
            pending = ((pending << 8) | b) & 0xFFF;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                groups.Add((byte)((pending >> bits) & 31));
            }
        }

        if (bits > 0)
        {
            groups.Add((byte)((pending << (5 - bits)) & 31));
        }

        uint checksum = Polymod(prefix, [.. groups, 0, 0, 0, 0, 0, 0]) ^ 1;
        StringBuilder text = new(prefix);
        text.Append('1');
        foreach (byte group in groups)
        {
            text.Append(Alphabet[group]);
        }

        for (int i = ChecksumCharacters - 1; i >= 0; i--)
        {
            text.Append(Alphabet[(int)((checksum >> (5 * i)) & 31)]);
        }

        return text.ToString();
    }

    /// <summary>The bytes under this lower-case prefix; null for anything that is not exactly one encoding of bytes under it.</summary>
    public static byte[]? Decode(string prefix, string text)
    {
        string lower = text.ToLowerInvariant();
        if (text.Length > MaxCharacters || (text.Any(char.IsLower) && text.Any(char.IsUpper))
            || !lower.StartsWith(prefix + "1", StringComparison.Ordinal) || lower.Length < prefix.Length + 1 + ChecksumCharacters)
        {
            return null;
        }

        ReadOnlySpan<char> body = lower.AsSpan(prefix.Length + 1);
        byte[] groups = new byte[body.Length];
        for (int i = 0; i < body.Length; i++)
        {
            int value = Alphabet.IndexOf(body[i], StringComparison.Ordinal);
            if (value < 0)
            {
                return null;
            }

            groups[i] = (byte)value;
        }

        return Polymod(prefix, groups) == 1 ? Regroup(groups.AsSpan(0, groups.Length - ChecksumCharacters)) : null;
    }

    private static byte[]? Regroup(ReadOnlySpan<byte> groups)
    {
        byte[] bytes = new byte[groups.Length * 5 / 8];
        int bits = 0;
        int pending = 0;
        int count = 0;
        foreach (byte group in groups)
        {
            pending = ((pending << 5) | group) & 0xFFF;
            bits += 5;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[count++] = (byte)(pending >> bits);
            }
        }

        // BIP 173: the padding is shorter than a group and zero.
        return bits < 5 && (pending & ((1 << bits) - 1)) == 0 ? bytes : null;
    }

    private static uint Polymod(string prefix, ReadOnlySpan<byte> groups)
    {
        uint checksum = 1;
        foreach (char c in prefix)
        {
            checksum = Step(checksum, (uint)(c >> 5));
        }

        checksum = Step(checksum, 0);
        foreach (char c in prefix)
        {
            checksum = Step(checksum, (uint)(c & 31));
        }

        foreach (byte group in groups)
        {
            checksum = Step(checksum, group);
        }

        return checksum;
    }

    private static uint Step(uint checksum, uint value)
    {
        uint top = checksum >> 25;
        checksum = ((checksum & 0x1ffffff) << 5) ^ value;
        checksum ^= (top & 1) != 0 ? 0x3b6a57b2u : 0;
        checksum ^= (top & 2) != 0 ? 0x26508e6du : 0;
        checksum ^= (top & 4) != 0 ? 0x1ea119fau : 0;
        checksum ^= (top & 8) != 0 ? 0x3d4233ddu : 0;
        checksum ^= (top & 16) != 0 ? 0x2a1462b3u : 0;
        return checksum;
    }
}
