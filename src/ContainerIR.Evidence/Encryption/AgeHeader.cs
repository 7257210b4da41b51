using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace ContainerIR.Evidence.Encryption;

/// <summary>The textual head of an age file: the file key, wrapped for each recipient, and a MAC over all of it.</summary>
internal static class AgeHeader
{
    public const string VersionLine = "age-encryption.org/v1";
    public const int FileKeyBytes = 16;
    public const int MaxBytes = 64 * 1024;
    public const int MaxStanzas = 512;

    private const int BodyColumns = 64;
    private const int WrappedKeyBytes = FileKeyBytes + AgeKeys.TagBytes;

    /// <summary>The header for these recipients.</summary>
    public static byte[] Write(byte[] fileKey, IReadOnlyCollection<AgeRecipient> recipients)
    {
        StringBuilder text = new();
        text.Append(VersionLine).Append('\n');
        foreach (AgeRecipient recipient in recipients)
        {
            byte[] secret = RandomNumberGenerator.GetBytes(X25519.ScalarSize);
            byte[] share = new byte[X25519.PointSize];
            byte[] shared = new byte[X25519.PointSize];
            X25519.ScalarMultBase(secret, 0, share, 0);
            if (!X25519.CalculateAgreement(secret, 0, recipient.Point, 0, shared, 0))
            {
                throw new InvalidOperationException("a recipient of small order got past its parser");
            }

            byte[] wrapped = AgeKeys.Wrap(shared, share, recipient.Point, fileKey);
            text.Append("-> X25519 ").Append(RawBase64.Encode(share)).Append('\n').Append(RawBase64.Encode(wrapped)).Append('\n');
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(shared);
        }

        text.Append("---");
        byte[] upToMark = Encoding.ASCII.GetBytes(text.ToString());
        return [.. upToMark, (byte)' ', .. Encoding.ASCII.GetBytes(RawBase64.Encode(AgeKeys.Mac(fileKey, upToMark))), (byte)'\n'];
    }

    /// <summary>Reads a header and opens the file key with the first identity that fits.</summary>
    /// <param name="header">From the first byte to the line feed of the MAC line.</param>
    /// <param name="identities">Tried in order.</param>
    /// <exception cref="InvalidDataException">It is no valid header, or was changed.</exception>
    /// <exception cref="OperatorException">No identity fits.</exception>
    public static byte[] Open(ReadOnlySpan<byte> header, IReadOnlyCollection<AgeIdentity> identities)
    {
        (List<string[]> arguments, List<byte[]> bodies, byte[] mac, int markEnd) = Parse(header);
        byte[]? fileKey = null;
        for (int i = 0; i < arguments.Count && fileKey is null; i++)
        {
            if (arguments[i][0] == "scrypt" && arguments.Count > 1)
            {
                throw new InvalidDataException("an scrypt stanza stands beside others");
            }

            fileKey = arguments[i][0] == "X25519" ? Unwrap(arguments[i], bodies[i], identities) : null;
        }

        if (fileKey is null)
        {
            string kinds = string.Join(", ", arguments.Select(argument => Evidence.Text.DisplayText.Shorten(argument[0], 40)).Distinct().Take(8));
            throw new OperatorException(
                $"None of the {identities.Count} identities opens this age file: it is encrypted to {arguments.Count} recipients ({kinds}).",
                "Give the identity file whose public key was used with --recipient.");
        }

        return CryptographicOperations.FixedTimeEquals(AgeKeys.Mac(fileKey, header[..markEnd]), mac)
            ? fileKey
            : throw new InvalidDataException("the header was changed: its MAC does not match");
    }

    private static byte[]? Unwrap(string[] arguments, byte[] body, IEnumerable<AgeIdentity> identities)
    {
        if (arguments.Length != 2 || RawBase64.Decode(arguments[1]) is not { Length: X25519.PointSize } share || body.Length != WrappedKeyBytes)
        {
            throw new InvalidDataException("an X25519 stanza of the header is malformed");
        }

        foreach (AgeIdentity identity in identities)
        {
            byte[] shared = identity.Agree(share) ?? throw new InvalidDataException("an X25519 stanza of the header has a share of small order");
            byte[]? fileKey = AgeKeys.Unwrap(shared, share, identity.Recipient.Point, body);
            CryptographicOperations.ZeroMemory(shared);
            if (fileKey is not null)
            {
                return fileKey;
            }
        }

        return null;
    }

    private static (List<string[]> Arguments, List<byte[]> Bodies, byte[] Mac, int MarkEnd) Parse(ReadOnlySpan<byte> header)
    {
        List<string[]> arguments = [];
        List<byte[]> bodies = [];
        int at = 0;
        if (Line(header, ref at) != VersionLine)
        {
            throw new InvalidDataException("it is no age file of version 1");
        }

        while (true)
        {
            int start = at;
            string line = Line(header, ref at);
            if (line.StartsWith("--- ", StringComparison.Ordinal))
            {
                byte[]? mac = RawBase64.Decode(line[4..]);
                return mac is { Length: SHA256.HashSizeInBytes } && arguments.Count > 0 && at == header.Length
                    ? (arguments, bodies, mac, start + 3)
                    : throw new InvalidDataException("the header ends wrongly");
            }

            string[] words = line.StartsWith("-> ", StringComparison.Ordinal) ? line[3..].Split(' ') : [];
            if (words.Length == 0 || words.Any(word => word.Length == 0) || arguments.Count == MaxStanzas)
            {
                throw new InvalidDataException("a stanza of the header is malformed");
            }

            StringBuilder body = new();
            do
            {
                line = Line(header, ref at);
                body.Append(line);
            }
            while (line.Length == BodyColumns);

            arguments.Add(words);
            bodies.Add(line.Length < BodyColumns && RawBase64.Decode(body.ToString()) is { } bytes
                ? bytes
                : throw new InvalidDataException("the body of a stanza of the header is malformed"));
        }
    }

    private static string Line(ReadOnlySpan<byte> header, ref int at)
    {
        int length = header[at..].IndexOf((byte)'\n');
        if (length < 0 || header.Slice(at, length).ContainsAnyExceptInRange((byte)' ', (byte)'~'))
        {
            throw new InvalidDataException("the header holds something other than printable ASCII lines");
        }

        string line = Encoding.ASCII.GetString(header.Slice(at, length));
        at += length + 1;
        return line;
    }
}
