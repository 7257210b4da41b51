using System.CommandLine;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Transport;

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

    public static Argument<string> Bundle() => new("BUNDLE") { Description = "The folder of the bundle." };

    public static Option<string?> Ca() => new("--ca")
    {
        Description = "PEM file with the certificates you trust: an authority, or the responder's own. Without it integrity is proven, not who sealed.",
        HelpName = "FILE",
    };

    public static Option<string?> TsaCa() => new("--tsa-ca")
    {
        Description = "PEM file with the authorities you trust for time. Without it tokens are checked, but not who made them.",
        HelpName = "FILE",
    };

    public static Option<string[]> Tsa() => new("--tsa")
    {
        Description = "Time-stamp authority (RFC 3161), http or https; several are tried in their order, for at most 60 s in all. Only a digest is sent.",
        HelpName = "URL",
    };

    public static Option<string[]> Recipients() => new("--recipient")
    {
        Description = "age recipient to encrypt to; may be given several times. The receiver makes one with: cir keys age",
        HelpName = "age1...",
    };

    public static Option<string[]> Identities() => new("--identity")
    {
        Description = "File with the age identity to open with; may be given several times. Default: the one cir keys age made.",
        HelpName = "FILE",
    };

    public static Option<long> PartSize()
    {
        Option<long> option = new("--part-size") { Description = "Bytes of each part but the last.", HelpName = "BYTES", DefaultValueFactory = _ => BundlePacker.DefaultPartBytes };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long>() < 1024)
            {
                result.AddError("A part has at least 1024 bytes.");
            }
        });
        return option;
    }

    /// <summary>Before something is added to seal/: an earlier addition that was killed half-way is undone, and said.</summary>
    public static void MendSeal(Surroundings surroundings, string bundle)
    {
        foreach (string done in InterruptedAddition.Mend(bundle))
        {
            surroundings.Say(done);
        }
    }

    /// <summary>The authorities named; null when none is.</summary>
    public static TimestampClient? Authorities(string[]? urls) => urls is { Length: > 0 } ? TimestampClient.Parse(urls, TimestampClient.DefaultTimeout) : null;

    public static Argument<string> CaseId() => new("CASE") { Description = "Case id, 1 to 40 of A-Z a-z 0-9 . _ -" };
}
