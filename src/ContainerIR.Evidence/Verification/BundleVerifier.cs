using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Verification;

/// <summary>Says whether a bundle is as it was sealed. It trusts nothing in it, follows no link, and reports every failure.</summary>
public static class BundleVerifier
{
    /// <summary>Verifies a bundle. It is only read.</summary>
    /// <param name="path">Directory of the bundle.</param>
    /// <param name="options">Trust and progress.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="OperatorException">There is no bundle at that path, or the authority file cannot be read.</exception>
    public static Task<VerificationReport> VerifyAsync(string path, VerifyOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);

        // Hashing is work for a processor, for minutes: a thread of its own, so that no pool thread is held.
        return Task.Factory.StartNew(() => Verify(path, options, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static VerificationReport Verify(string path, VerifyOptions options, CancellationToken ct)
    {
        IReadOnlyList<byte[]>? anchors = options.CaFile is null ? null : TrustAnchors.Read(options.CaFile);
        IReadOnlyList<byte[]>? timeAnchors = options.TsaCaFile is null ? null : TrustAnchors.Read(options.TsaCaFile);
        using BundleTree tree = BundleTree.Open(path);
        VerificationRun run = new(tree, options, ct) { TimeAnchors = timeAnchors };
        JournalFindings? journal = null;

        // Until the tree is read it counts as sealed: a bundle that cannot be read is not excused as unfinished.
        bool isSealed = true;
        try
        {
            run.Check("structure", () => StructureCheck.Run(run));
            if (!BundleLayout.TagFiles.Any(run.Entries.ContainsKey))
            {
                throw new OperatorException($"{path} holds no evidence bundle.", "Give the directory that holds bagit.txt and journal.jsonl.");
            }

            isSealed = run.Entries.ContainsKey(BundleLayout.TagManifest);
            if (isSealed)
            {
                run.Check("root", () => RootCheck.Run(run));
                run.Check("signature", () => SignatureCheck.Run(run, anchors));
                run.Check("payload", () => PayloadCheck.Run(run));
            }

            else
            {
                run.Check("root", () => SayWhyUnsealed(run));
            }

            run.Check("journal", () =>
            {
                journal = JournalCheck.Run(run);
                return $"{journal.Lines} lines";
            });
            if (isSealed)
            {
                run.Check("checkpoint", () => JournalCheck.RunCheckpoint(run, journal!));
                run.Check("custody", () => CustodyCheck.Run(run, journal!));
                run.Check("transfers", () => TransferCheck.Run(run, journal!.BundleId, anchors));
            }
        }
        catch (Exception failure) when (failure is FormatException or IOException)
        {
            run.Fail("structure", "", $"the bundle cannot be read further: {failure.Message}");
        }

        return new VerificationReport
        {
            Bundle = path,
            Verdict = VerdictOf(run, isSealed),
            BundleId = journal?.BundleId,
            BundleName = run.BagInfo.GetValueOrDefault("External-Identifier") is { } name ? DisplayText.Shorten(name, 200) : null,
            RootSha256 = run.Root is null ? null : Convert.ToHexStringLower(SHA256.HashData(run.Root)),
            Policy = run.BagInfo.GetValueOrDefault("ContainerIR-Seal-Policy"),
            PayloadFiles = run.PayloadSha256.Count,
            PayloadBytes = run.PayloadBytes,
            JournalLines = journal?.Lines ?? 0,
            Checks = run.Checks,
            Failures = run.Failures,
            Signers = run.Signers,
            Tokens = run.Tokens,
            Transfers = run.Transfers,
        };
    }

    private static string SayWhyUnsealed(VerificationRun run)
    {
        run.Fail("root", BundleLayout.TagManifest, run.Entries.ContainsKey(BundleLayout.ResponderSignature)
            ? "it is missing, though a signature over it is there: it was taken away, or the seal was interrupted at its last step"
            : "it is missing: the acquisition did not end, or was interrupted");
        return "no signed root";
    }

    private static Verdict VerdictOf(VerificationRun run, bool isSealed) =>
        run.HasIntegrityFailure && isSealed ? Verdict.Tampered
        : !isSealed ? Verdict.Unsealed
        : run.IsTrustInDoubt ? Verdict.Untrusted
        : Verdict.Verified;
}
