using System.CommandLine;

namespace ContainerIR.Cli.Commands;

/// <summary>Options that mean the same in every command.</summary>
internal static class Shared
{
    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON document for machines." };

    public static Option<string?> Home() => new("--home")
    {
        Description = "Where cases and keys live. Default: CIR_HOME, else /var/lib/containerir (root) or ~/.local/share/containerir.",
        HelpName = "DIR",
    };

    public static Option<string?> Endpoint() => new("--endpoint")
    {
        Description = "The engine, for example unix:///run/podman/podman.sock. Default: DOCKER_HOST, else the usual places.",
        HelpName = "URI",
    };

    public static Option<string?> Root() => new("--root")
    {
        Description = "Read a data directory of Docker or Podman (/var/lib/docker, or a copy or mount of it) in place of an engine.",
        HelpName = "DIR",
    };

    public static Option<string?> PassphraseFile() => new("--passphrase-file")
    {
        Description = "File that holds the passphrase of the responder key. Default: CIR_PASSPHRASE, else asked at the terminal.",
        HelpName = "FILE",
    };

    public static Option<string?> Examiner() => new("--examiner") { Description = "Who does it.", HelpName = "NAME" };

    public static Option<string?> Reason() => new("--reason") { Description = "Why: incident reference, order.", HelpName = "TEXT" };

    public static Argument<string> CaseId() => new("CASE") { Description = "Case id, 1 to 40 of A-Z a-z 0-9 . _ -" };
}
