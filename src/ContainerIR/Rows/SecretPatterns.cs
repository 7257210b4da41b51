using System.Text;
using System.Text.RegularExpressions;

namespace ContainerIR.Rows;

/// <summary>A thing that opens doors, found in a text or by its name. Its value is never part of it.</summary>
/// <param name="Kind">What it is: <c>aws-access-key</c>, <c>private-key</c>, <c>password</c> …</param>
/// <param name="Name">What it is called where it stands; empty when it has no name.</param>
/// <param name="Masked">Its form without its value: a public prefix where the kind has one, and its length.</param>
/// <param name="Line">Line it stands in, from 1; 0 where that means nothing.</param>
internal readonly record struct SecretSign(string Kind, string Name, string Masked, int Line);

/// <summary>How secrets are known: by names of variables and settings, by the forms vendors gave their keys, by well-known places.</summary>
internal static partial class SecretPatterns
{
    private const int MaxLineBytes = 16 * 1024;
    private const int MaxSigns = 200;

    /// <summary>Well-known places: the end of a path, and what lies there.</summary>
    private static readonly (string End, string Kind)[] Places =
    [
        ("/.aws/credentials", "aws-credentials"), ("/.docker/config.json", "registry-credentials"), ("/.dockercfg", "registry-credentials"), ("/.kube/config", "kubernetes-credentials"),
        ("/.git-credentials", "git-credentials"), ("/.netrc", "network-credentials"), ("/.npmrc", "npm-credentials"), ("/.pypirc", "pypi-credentials"), ("/.pgpass", "database-password"),
        ("/.my.cnf", "database-password"), ("/.vault-token", "vault-token"), ("/.ssh/id_rsa", "private-key"), ("/.ssh/id_ed25519", "private-key"), ("/.ssh/id_ecdsa", "private-key"),
        ("/.ssh/id_dsa", "private-key"), ("/.config/gcloud/credentials.db", "gcloud-credentials"), ("/application_default_credentials.json", "gcloud-credentials"),
        ("/.azure/accessTokens.json", "azure-credentials"), ("/.azure/msal_token_cache.json", "azure-credentials"), ("/.terraform.d/credentials.tfrc.json", "terraform-credentials"),
        ("/serviceaccount/token", "kubernetes-token"), ("/krb5.keytab", "kerberos-keytab"), ("/wp-config.php", "application-settings"), ("/.env", "application-settings"), ("/.htpasswd", "password-hashes"),
    ];

    private static readonly string[] KeyEndings = [".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".ovpn", ".tfstate"];
    private static readonly string[] TextEndings = [".env", ".conf", ".cnf", ".ini", ".yml", ".yaml", ".properties", ".json", ".toml", ".php", ".py", ".js", ".rb", ".sh", ".xml", ".pem", ".key", ".cfg", ".tf", ".sql", ".txt", ".config", "rc", "_history"];

    /// <summary>What a file is by its place alone; null for none.</summary>
    public static string? KindOfPlace(string path)
    {
        foreach ((string end, string kind) in Places)
        {
            if (path.EndsWith(end, StringComparison.Ordinal))
            {
                return kind;
            }
        }

        return path.StartsWith("/run/secrets/", StringComparison.Ordinal) ? "mounted-secret" : KeyEndings.Any(end => path.EndsWith(end, StringComparison.Ordinal)) ? "key-store" : null;
    }

    /// <summary>Whether a file may hold settings or keys as text, by its name.</summary>
    public static bool IsText(string path)
    {
        string name = path[(path.LastIndexOf('/') + 1)..];
        return TextEndings.Any(end => name.EndsWith(end, StringComparison.Ordinal)) || name.StartsWith(".env", StringComparison.Ordinal) || name.StartsWith("id_", StringComparison.Ordinal) || !name.Contains('.');
    }

    /// <summary>Signs in a variable: by its name, or by the form of its value.</summary>
    public static SecretSign? OfVariable(string name, string value)
    {
        if (value.Length == 0)
        {
            return null;
        }

        SecretSign? form = OfText(value, 0).Cast<SecretSign?>().FirstOrDefault();
        return form is { } found ? found with { Name = name } : IsSecretName(name) ? new("password", name, Mask(value), 0) : Credentials().Match(value) is { Success: true } url ? new("url-with-password", name, Mask(url.Groups[1].Value), 0) : null;
    }

    /// <summary>Signs in a text, line by line.</summary>
    public static List<SecretSign> Of(byte[] content)
    {
        List<SecretSign> signs = [];
        int number = 0;
        foreach (Range range in content.AsSpan().Split((byte)'\n'))
        {
            number++;
            ReadOnlySpan<byte> line = content.AsSpan()[range];
            if (line.Length is < 8 or > MaxLineBytes || signs.Count >= MaxSigns)
            {
                continue;
            }

            string text = Encoding.Latin1.GetString(line);
            List<SecretSign> known = OfText(text, number);
            signs.AddRange(known);
            if (known.Count == 0 && Setting().Match(text) is { Success: true } setting && IsSecretName(setting.Groups[1].Value) && IsValue(setting.Groups[2].Value))
            {
                signs.Add(new("password", setting.Groups[1].Value, Mask(setting.Groups[2].Value), number));
            }
        }

        return signs;
    }

    /// <summary>Signs in a command, as a step of an image's history.</summary>
    public static List<SecretSign> OfCommand(string command)
    {
        List<SecretSign> signs = OfText(command, 0);
        foreach (Match match in ArgumentsOf(command).Take(20))
        {
            signs.Add(new("password", match.Groups[1].Value.TrimStart('-'), Mask(match.Groups[2].Value), 0));
        }

        return signs;
    }

    /// <summary>A command or a line of a log as it may be shown to people who need no password: each value is its length.</summary>
    public static string Conceal(string text)
    {
        string shown = Credentials().Replace(Forms().Replace(text, match => match.Value[..KindOfForm(match.Value).Prefix] + Mask(match.Value)), match => match.Value.Replace($":{match.Groups[1].Value}@", $":{Mask(match.Groups[1].Value)}@", StringComparison.Ordinal));
        foreach (Match match in ArgumentsOf(shown).Reverse())
        {
            shown = string.Concat(shown.AsSpan(0, match.Groups[2].Index), Mask(match.Groups[2].Value), shown.AsSpan(match.Groups[2].Index + match.Groups[2].Length));
        }

        return shown;
    }

    /// <summary>The value's length and nothing of it.</summary>
    public static string Mask(string value) => $"*** ({value.Length} characters)";

    private static List<SecretSign> OfText(string text, int line)
    {
        List<SecretSign> signs = [];
        foreach (Match match in Forms().Matches(text).Take(20))
        {
            (string kind, int prefix) = KindOfForm(match.Value);
            signs.Add(new(kind, "", $"{match.Value[..prefix]}{Mask(match.Value)}", line));
        }

        return signs;
    }

    private static (string Kind, int Prefix) KindOfForm(string value) => value switch
    {
        _ when value.StartsWith("AKIA", StringComparison.Ordinal) || value.StartsWith("ASIA", StringComparison.Ordinal) => ("aws-access-key", 4),
        _ when value.StartsWith("gh", StringComparison.Ordinal) => ("github-token", 4),
        _ when value.StartsWith("glpat-", StringComparison.Ordinal) => ("gitlab-token", 6),
        _ when value.StartsWith("xox", StringComparison.Ordinal) => ("slack-token", 4),
        _ when value.StartsWith("sk_live_", StringComparison.Ordinal) => ("stripe-key", 8),
        _ when value.StartsWith("AIza", StringComparison.Ordinal) => ("google-api-key", 4),
        _ when value.StartsWith("npm_", StringComparison.Ordinal) => ("npm-token", 4),
        _ when value.StartsWith("eyJ", StringComparison.Ordinal) => ("json-web-token", 3),
        _ when value.StartsWith("SWMTKN-1-", StringComparison.Ordinal) => ("swarm-join-token", 9),
        _ => ("private-key", 0),
    };

    private static IEnumerable<Match> ArgumentsOf(string command) => Argument().Matches(command).Where(match => IsSecretName(match.Groups[1].Value) && IsValue(match.Groups[2].Value));

    private static bool IsSecretName(string name) => SecretName().IsMatch(name);

    // A reference to a value that stands elsewhere is none.
    private static bool IsValue(string value) => value.Length >= 4 && value[0] is not ('*' or '$' or '<' or '{' or '%' or '(') && value is not ("files" or "compat" or "null" or "none" or "None" or "true" or "false" or "True" or "False") && !value.StartsWith("/run/secrets/", StringComparison.Ordinal);

    [GeneratedRegex(@"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|glpat-[A-Za-z0-9_\-]{20,64}|xox[abprs]-[A-Za-z0-9\-]{10,200}|sk_live_[A-Za-z0-9]{16,128}|AIza[0-9A-Za-z_\-]{35}|npm_[A-Za-z0-9]{36}|eyJ[A-Za-z0-9_\-]{10,4000}\.eyJ[A-Za-z0-9_\-]{10,4000}\.[A-Za-z0-9_\-]{10,1000}|SWMTKN-1-[a-z0-9]{40,60}-[a-z0-9]{20,30}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----", RegexOptions.CultureInvariant)]
    private static partial Regex Forms();

    [GeneratedRegex(@"passw(?:or)?d|passphrase|secret|token|api_?key|apikey|access_?key|private_?key|credential|auth_?key|_pwd$|^pwd_", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SecretName();

    [GeneratedRegex(@"^\s{0,40}(?:export\s|define\(|set\s)?\s{0,4}['""]?([A-Za-z0-9_.\-]{3,80})['""]?\s{0,10}(?:=>|[=:,])\s{0,10}['""]?([^\s'"",;#)]{4,400})", RegexOptions.CultureInvariant)]
    private static partial Regex Setting();

    // The value is looked at and not passed over: it may itself be a name and a value (ENV NAME=VALUE).
    [GeneratedRegex(@"(--?[A-Za-z0-9_\-]{3,60}|[A-Za-z_][A-Za-z0-9_]{2,60})[= ](?=['""]?([^\s'""]{4,400}))", RegexOptions.CultureInvariant)]
    private static partial Regex Argument();

    [GeneratedRegex(@"\b[a-z][a-z0-9+.\-]{1,20}://[^/\s:@]{1,200}:([^@\s/]{1,200})@", RegexOptions.CultureInvariant)]
    private static partial Regex Credentials();
}
