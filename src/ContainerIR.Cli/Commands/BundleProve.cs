using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Proofs;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle prove</c>: one item with its proof, and the check of such proofs.</summary>
internal static class BundleProve
{
    public static Command Make(Surroundings surroundings)
    {
        Argument<string[]> what = new("BUNDLE ITEM | PROOF")
        {
            Description = "A sealed bundle and the path of an item in it, from data/ on. With --check: one or more exported proofs.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> outDirectory = new("--out") { Description = "Directory that is made for the proof. Default: the item's file name with .proof, here.", HelpName = "DIR" };
        Option<bool> check = new("--check") { Description = "Check exported proofs instead of making one; every failure is named." };
        Option<string?> ca = Shared.Ca();
        Option<bool> json = Shared.Json();
        Command command = new("prove", "Export one item so that it can be proven without the rest, or check such an export.") { what, outDirectory, check, ca, json };
        command.SetAction((parsed, ct) =>
        {
            string[] given = parsed.GetRequiredValue(what);
            return parsed.GetValue(check)
                ? CheckAsync(surroundings, given, parsed.GetValue(ca), parsed.GetValue(json), ct)
                : ExportAsync(surroundings, given, parsed.GetValue(outDirectory), parsed.GetValue(json), ct);
        });
        return command;
    }

    private static async Task<int> ExportAsync(Surroundings surroundings, string[] given, string? outDirectory, bool json, CancellationToken ct)
    {
        if (given is not [string bundle, string item])
        {
            throw new OperatorException($"To prove an item two things are needed: a bundle and an item; {given.Length} were given.", "cir bundle prove BUNDLE data/… --out DIR; to check a proof: cir bundle prove --check PROOF");
        }

        string proof = await ItemProof.ExportAsync(bundle, item, outDirectory ?? Path.GetFileName(item) + ".proof", ct);
        if (json)
        {
            CliJson.Write(surroundings.Out, new ProofMadeJson(proof, item), CliJson.Default.ProofMadeJson);
        }
        else
        {
            surroundings.Out.WriteLine(DisplayText.Escape(proof));
            surroundings.Say($"Check it: cir bundle prove --check {DisplayText.Escape(proof)}; without cir: docs/prove-item.md");
        }

        return ExitCode.Success;
    }

    private static async Task<int> CheckAsync(Surroundings surroundings, string[] proofs, string? ca, bool json, CancellationToken ct)
    {
        IReadOnlyList<byte[]>? anchors = ca is null ? null : TrustAnchors.Read(ca);
        List<ProofCheckJson> checks = [];
        foreach (string proof in proofs)
        {
            ItemProofReport report = await ItemProofVerifier.VerifyAsync(proof, anchors, ct);
            checks.Add(new ProofCheckJson(
                proof, report.IsProven && report.WhyUntrusted is null, report.ItemPath, report.ItemStatus, report.Origin, report.SignedBy, report.CertificateSha256, report.SignedAt,
                report.Timestamp?.GeneratedAt, report.Timestamp?.Authority, anchors is null ? null : report.WhyUntrusted is null && report.SignedBy is not null, report.WhyUntrusted, report.Failures));
        }

        if (json)
        {
            CliJson.Write(surroundings.Out, checks, CliJson.Default.IReadOnlyListProofCheckJson);
        }
        else
        {
            foreach (ProofCheckJson check in checks)
            {
                Print(surroundings.Out, check);
            }
        }

        return checks.TrueForAll(check => check.Proven) ? ExitCode.Success : ExitCode.VerificationFailed;
    }

    private static void Print(TextWriter writer, ProofCheckJson check)
    {
        writer.WriteLine($"Proof    {DisplayText.Escape(check.Proof)}");
        writer.WriteLine($"Item     {(check.ItemPath is { } path ? DisplayText.Escape(path) : "not named")}{(check.ItemStatus is null or "complete" ? "" : $" ({Cells.Safe(check.ItemStatus)})")}");
        if (check.SignedBy is { } signer)
        {
            writer.WriteLine($"Sealed   by {Cells.Safe(signer)}, {(check.SignedAt is { } at ? Quantities.Instant(at) : "?")}");
            writer.WriteLine($"         certificate sha256 {check.CertificateSha256}");
        }

        if (check.StampedBefore is { } stamped)
        {
            writer.WriteLine($"Stamped  before {Quantities.Instant(stamped)} by {Cells.Safe(check.StampedBy ?? "")}");
        }

        foreach (string failure in check.Failures)
        {
            writer.WriteLine($"FAIL     {Cells.Safe(failure)}");
        }

        if (check.WhyUntrusted is { } why)
        {
            writer.WriteLine($"FAIL     the signer's certificate does not lead to the authority given: {Cells.Fit(DisplayText.Escape(why), 300)}");
        }

        writer.WriteLine(check.Proven ? "PROVEN" : "NOT PROVEN");
    }
}

/// <summary>What <c>cir bundle prove --json</c> prints.</summary>
internal sealed record ProofMadeJson(string Proof, string Item);

/// <summary>What <c>cir bundle prove --check --json</c> prints for each proof.</summary>
internal sealed record ProofCheckJson(
    string Proof,
    bool Proven,
    string? ItemPath,
    string? ItemStatus,
    string? Origin,
    string? SignedBy,
    string? CertificateSha256,
    DateTimeOffset? SignedAt,
    DateTimeOffset? StampedBefore,
    string? StampedBy,
    bool? IsAnchored,
    string? WhyUntrusted,
    IReadOnlyList<string> Failures);
