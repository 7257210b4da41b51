using System.Globalization;
using System.Text;

namespace ContainerIR.Evidence.Encryption;

/// <summary>A file of age identities as age-keygen writes it: comment lines, then one <c>AGE-SECRET-KEY-1…</c> a line.</summary>
public static class AgeIdentityFile
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>Writes a new identity into a new file only its owner can read.</summary>
    /// <exception cref="OperatorException">The file is there already or cannot be made.</exception>
    public static void Write(string path, AgeIdentity identity, DateTimeOffset createdAt)
    {
        ArgumentNullException.ThrowIfNull(identity);
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"# created: {createdAt.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}\n# public key: {identity.Recipient}\n{identity.EncodeSecret()}\n");
        try
        {
            using FileStream file = new(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            file.Write(Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                $"The identity file {path} cannot be made: {failure.Message}", "Choose a new file name in a directory you may write to; an identity is never overwritten.", failure);
        }
    }

    /// <summary>Reads the identities of a file.</summary>
    /// <exception cref="OperatorException">It cannot be read, or a line of it is neither comment nor identity (the line is named by number only).</exception>
    public static IReadOnlyList<AgeIdentity> Read(string path)
    {
        string text;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read);
            byte[] bytes = new byte[MaxBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MaxBytes)
            {
                throw new OperatorException($"{path} is larger than {MaxBytes} bytes: no identity file.", "Give the file age-keygen wrote.");
            }

            text = Encoding.UTF8.GetString(bytes, 0, count);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The identity file {path} cannot be read: {failure.Message}", "Give the file age-keygen wrote.", failure);
        }

        List<AgeIdentity> identities = [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimEnd('\r');
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            identities.Add(AgeIdentity.TryParse(line) ?? throw new OperatorException(
                $"Line {i + 1} of {path} is no age X25519 identity{(text.StartsWith("age-encryption.org/", StringComparison.Ordinal) ? ": the file is encrypted itself" : "")}.",
                "Give the file age-keygen wrote; one with a passphrase is opened first by: age -d FILE > IDENTITY."));
        }

        return identities.Count > 0
            ? identities
            : throw new OperatorException($"{path} holds no identity.", "Give the file age-keygen wrote: its last line begins with AGE-SECRET-KEY-1.");
    }
}
