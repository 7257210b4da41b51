using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Cli.Commands;

/// <summary>The options that say what a seal consists of: keys, time-stamp authorities, policy.</summary>
internal sealed class SealingOptions
{
    private readonly Option<string[]> tsa = Shared.Tsa();
    private readonly Option<string?> policy = new("--policy")
    {
        Description = "tsa=required: no seal without a time-stamp token. tsa=optional: the token may be added later. tsa=none: none is foreseen. Default: tsa=optional.",
        HelpName = "tsa=optional|required|none",
    };

    private readonly Option<bool> pq = new("--pq") { Description = "Sign a second time with ML-DSA-65 (cir keys new --pq makes the key)." };
    private readonly SigningOptions signing;

    public SealingOptions(Surroundings surroundings, Option<string?> home, Option<string?> passphraseFile)
    {
        signing = new SigningOptions(surroundings, home, passphraseFile);
        policy.AcceptOnlyFromAmong("tsa=optional", "tsa=required", "tsa=none");
    }

    public void AddTo(Command command)
    {
        command.Options.Add(tsa);
        command.Options.Add(policy);
        command.Options.Add(pq);
        signing.AddTo(command);
    }

    /// <summary>What a new bundle is to be sealed with. What cannot be met is said now, before evidence is read.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="passphrases">Of the identity folder.</param>
    /// <exception cref="OperatorException">The policy cannot be met, or the options contradict each other.</exception>
    public SealMeans Read(ParseResult parsed, Passphrases passphrases)
    {
        signing.Check(parsed);
        SealPolicy wanted = PolicyOf(parsed) ?? new SealPolicy();
        TimestampClient? authorities = Shared.Authorities(parsed.GetValue(tsa));
        CheckAuthorities(wanted, authorities);
        bool isElsewhere = signing.IsElsewhere(parsed);
        if (wanted.PostQuantum && !MlDsaSigner.Exists(signing.Home(parsed).KeysFolder))
        {
            throw new OperatorException("--pq is given, and there is no ML-DSA-65 key.", "Make one: cir keys new --pq");
        }

        return new SealMeans
        {
            Policy = wanted,
            Authorities = authorities,
            Identity = isElsewhere || wanted.PostQuantum ? () => Open(parsed, passphrases, wanted.PostQuantum) : null,
        };
    }

    /// <summary>The keys for a bundle that was interrupted: the second one too where there is one, for its journal may demand it.</summary>
    public ResponderIdentity OpenForRecovery(ParseResult parsed, Passphrases passphrases) =>
        Open(parsed, passphrases, parsed.GetValue(pq) || (PolicyOf(parsed) is null && !signing.IsElsewhere(parsed) && MlDsaSigner.Exists(signing.Home(parsed).KeysFolder)));

    /// <summary>The policy the options name; null where they name none.</summary>
    public SealPolicy? PolicyOf(ParseResult parsed) => parsed.GetValue(policy) is null && !parsed.GetValue(pq)
        ? null
        : new SealPolicy(
            parsed.GetValue(policy) switch
            {
                "tsa=required" => TimestampPolicy.Required,
                "tsa=none" => TimestampPolicy.None,
                _ => TimestampPolicy.Optional,
            },
            parsed.GetValue(pq));

    public TimestampClient? Authorities(ParseResult parsed) => Shared.Authorities(parsed.GetValue(tsa));

    private static void CheckAuthorities(SealPolicy wanted, TimestampClient? authorities)
    {
        if (wanted.Timestamps == TimestampPolicy.Required && authorities is null)
        {
            throw new OperatorException("--policy tsa=required is given, and no time-stamp authority.", "Name one: --tsa URL");
        }

        if (wanted.Timestamps == TimestampPolicy.None && authorities is not null)
        {
            throw new OperatorException("--policy tsa=none is given, and a time-stamp authority.", "Leave out --tsa, or the policy.");
        }
    }

    private ResponderIdentity Open(ParseResult parsed, Passphrases passphrases, bool postQuantum)
    {
        Passphrases own = signing.IsElsewhere(parsed) ? signing.Passphrases(parsed) : passphrases;
        ResponderIdentity identity = signing.Open(parsed, own);
        return postQuantum ? identity with { PostQuantum = MlDsaSigner.Load(signing.Home(parsed).KeysFolder, passphrases.Read(PassphraseUse.OpenKey)) } : identity;
    }
}
