using System.CommandLine;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Cli.Commands;

/// <summary>The options that say with which key is signed: the identity folder, a PKCS#12 file, or a PKCS#11 token.</summary>
internal sealed class SigningOptions(Surroundings surroundings, Option<string?> home, Option<string?> passphraseFile)
{
    /// <summary>OpenSC may be installed elsewhere.</summary>
    private const string ToolVariable = "CIR_PKCS11_TOOL";

    private readonly Option<string?> p12 = new("--p12") { Description = "Sign with the key and chain of this PKCS#12 file instead of the responder identity.", HelpName = "FILE" };
    private readonly Option<string?> pkcs11 = new("--pkcs11")
    {
        Description = "Sign with a key in a token (smart card, HSM): absolute path of its PKCS#11 module. Needs OpenSC's pkcs11-tool.",
        HelpName = "MODULE",
    };

    private readonly Option<string?> token = new("--token") { Description = "Label of the token, where more than one is plugged in.", HelpName = "LABEL" };
    private readonly Option<string?> key = new("--key") { Description = "Id of the key in the token, hexadecimal. Default: 01.", HelpName = "HEX" };
    private readonly Option<string?> chain = new("--chain") { Description = "PEM file with the certificates of the CA that issued the token's certificate.", HelpName = "FILE" };
    private readonly Option<string?> pinFile = new("--pin-file") { Description = "File that holds the PIN of the token. Default: CIR_PIN, else asked at the terminal.", HelpName = "FILE" };

    public SigningOptions(Surroundings surroundings)
        : this(surroundings, Shared.Home(), Shared.PassphraseFile())
    {
    }

    /// <summary>Adds those options the command does not have yet.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[p12, pkcs11, token, key, chain, pinFile, home, passphraseFile])
        {
            if (!command.Options.Contains(option))
            {
                command.Options.Add(option);
            }
        }
    }

    public CaseHome Home(ParseResult parsed) => surroundings.Home(parsed.GetValue(home));

    /// <summary>Whether the key comes from elsewhere than the identity folder.</summary>
    public bool IsElsewhere(ParseResult parsed) => parsed.GetValue(p12) is not null || parsed.GetValue(pkcs11) is not null;

    /// <summary>Whether a token was named.</summary>
    public bool IsToken(ParseResult parsed) => parsed.GetValue(pkcs11) is not null;

    /// <summary>Refuses combinations that cannot be meant.</summary>
    /// <exception cref="OperatorException">They cannot.</exception>
    public void Check(ParseResult parsed)
    {
        if (parsed.GetValue(p12) is not null && IsToken(parsed))
        {
            throw new OperatorException("Both --p12 and --pkcs11 are given.", "One key signs: give one of them.");
        }

        if (!IsToken(parsed) && (parsed.GetValue(token) ?? parsed.GetValue(key) ?? parsed.GetValue(chain) ?? parsed.GetValue(pinFile)) is not null)
        {
            throw new OperatorException("--token, --key, --chain and --pin-file are about a token, and none is named.", "Name its module: --pkcs11 MODULE");
        }
    }

    /// <summary>The passphrase of the key in a file: of the PKCS#12 file where one is named, else of the identity folder.</summary>
    public Passphrases Passphrases(ParseResult parsed) => parsed.GetValue(p12) is null
        ? new Passphrases(surroundings, parsed.GetValue(passphraseFile))
        : new Passphrases(surroundings, parsed.GetValue(passphraseFile), secret: "passphrase of the PKCS#12 file");

    /// <summary>Opens the keys.</summary>
    /// <exception cref="OperatorException">They cannot be opened.</exception>
    public ResponderIdentity Open(ParseResult parsed, Passphrases passphrases)
    {
        Check(parsed);
        return parsed.GetValue(p12) is { } file ? SignerIdentity.Of(Pkcs12Signer.Load(file, passphrases.Read(Acquisitions.PassphraseUse.OpenKey)))
            : IsToken(parsed) ? SignerIdentity.Of(OpenToken(parsed))
            : IdentityFolder.Load(Home(parsed).KeysFolder, passphrases.Read(Acquisitions.PassphraseUse.OpenKey));
    }

    public ResponderIdentity Open(ParseResult parsed) => Open(parsed, Passphrases(parsed));

    /// <summary>The key in the token without a certificate: for a request for one.</summary>
    public Pkcs11Signer OpenTokenKey(ParseResult parsed) => Pkcs11Signer.OpenKey(TokenOptions(parsed), Pin(parsed));

    private Pkcs11Signer OpenToken(ParseResult parsed) =>
        Pkcs11Signer.Open(TokenOptions(parsed), Pin(parsed), parsed.GetValue(chain) is { } file ? TrustAnchors.Read(file) : []);

    private Pkcs11Options TokenOptions(ParseResult parsed)
    {
        Pkcs11Options options = new(parsed.GetValue(pkcs11)!, parsed.GetValue(token), parsed.GetValue(key) ?? "01");
        return surroundings.Environment(ToolVariable) is { Length: > 0 } tool ? options with { ToolPath = tool } : options;
    }

    private string Pin(ParseResult parsed) =>
        new Passphrases(surroundings, parsed.GetValue(pinFile), ContainerIR.Cli.Passphrases.PinVariable, "PIN of the token", "--pin-file").Read(Acquisitions.PassphraseUse.OpenKey);
}
