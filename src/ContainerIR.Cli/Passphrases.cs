using System.Text;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence;

namespace ContainerIR.Cli;

/// <summary>
/// Where the passphrase of the responder's key comes from, in this order: <c>--passphrase-file</c>, <c>CIR_PASSPHRASE</c>, a person at the
/// terminal. Never from an argument: every process of the host can read those. PINs and passphrases of other keys come the same way.
/// </summary>
internal sealed class Passphrases(
    Surroundings surroundings, string? file, string variable = Passphrases.Variable, string secret = "passphrase of the responder key", string option = "--passphrase-file")
{
    public const string Variable = "CIR_PASSPHRASE";
    public const string PinVariable = "CIR_PIN";

    private const int MaxFileBytes = 4096;

    /// <summary>NIST SP 800-63B section 3.1.1: at least eight characters, any character allowed.</summary>
    private const int MinNewLength = 8;

    private string? known;

    /// <summary>The passphrase; a person is asked once a run.</summary>
    /// <exception cref="OperatorException">There is none, it is empty, or too short for a new key.</exception>
    public string Read(PassphraseUse use) => known ??= Find(use);

    private string Find(PassphraseUse use)
    {
        (string text, string origin) = file is not null
            ? (FromFile(file), file)
            : surroundings.Environment(variable) is { } set ? (set, variable) : (FromPerson(use), "the terminal");
        if (text.Length == 0)
        {
            throw new OperatorException($"The {secret} from {origin} is empty.", $"Give one by prompt, {option} FILE or {variable}.");
        }

        return use == PassphraseUse.ProtectNewKey && text.Length < MinNewLength
            ? throw new OperatorException(
                $"The passphrase from {origin} has {text.Length} characters; a new key wants at least {MinNewLength}.", "Choose a longer one: a few words will do.")
            : text;
    }

    private string FromFile(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read);
            byte[] bytes = new byte[MaxFileBytes + 1];
            int count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MaxFileBytes)
            {
                throw new OperatorException($"{path} is longer than {MaxFileBytes} bytes: that is not a passphrase.", "The file must hold the passphrase and nothing else.");
            }

            string text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes, 0, count);
            return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new OperatorException($"The file {path} with the {secret} cannot be read: {failure.Message}", $"Name a readable text file: {option} FILE", failure);
        }
    }

    private string FromPerson(PassphraseUse use)
    {
        if (surroundings.AskSecret is not { } ask)
        {
            throw new OperatorException(
                $"The {secret} is needed, and there is no terminal to ask at.", $"Give it by {option} FILE or in the environment variable {variable}.");
        }

        if (use == PassphraseUse.OpenKey)
        {
            return ask($"{char.ToUpperInvariant(secret[0])}{secret[1..]}: ");
        }

        string first = ask($"New {secret}: ");
        return first == ask("The same again: ")
            ? first
            : throw new OperatorException("The two passphrases differ.", "Try again.");
    }
}
