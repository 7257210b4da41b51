using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Time;

namespace ContainerIR.Evidence.Verification;

/// <summary>What the checks of one verification share: the tree, what each has found, and what the later ones need of the earlier.</summary>
internal sealed class VerificationRun(BundleTree tree, VerifyOptions options, CancellationToken ct)
{
    private const int MaxFailures = 10_000;

    private readonly List<VerificationFailure> failures = [];
    private readonly List<VerificationCheck> checks = [];
    private int uncounted;

    public BundleTree Tree => tree;

    public VerifyOptions Options => options;

    public CancellationToken Cancelled => ct;

    /// <summary>Every name in the bundle that may be opened, by path.</summary>
    public Dictionary<string, TreeEntry> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>Digests of the payload as the two manifests have them.</summary>
    public Dictionary<string, string> PayloadSha256 { get; set; } = [];

    public Dictionary<string, string> PayloadSha512 { get; set; } = [];

    /// <summary>Sizes of the listed files that are there, and of the content of those stored as frames.</summary>
    public Dictionary<string, long> PayloadSizes { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, long> FramedContentBytes { get; } = new(StringComparer.Ordinal);

    /// <summary>Digests of the tag files as the root has them.</summary>
    public Dictionary<string, string> Tags { get; set; } = [];

    public byte[]? Root { get; set; }

    public IReadOnlyDictionary<string, string> BagInfo { get; set; } = new Dictionary<string, string>();

    public long PayloadBytes { get; set; }

    public List<VerificationSigner> Signers { get; } = [];

    public List<VerificationToken> Tokens { get; } = [];

    public List<VerificationTransfer> Transfers { get; } = [];

    /// <summary>Good tokens of seal/, by the path of the file they stamp.</summary>
    public Dictionary<string, TimestampToken> TokenOf { get; } = new(StringComparer.Ordinal);

    /// <summary>Whom the examiner trusts for time; null where that is not judged.</summary>
    public IReadOnlyList<byte[]>? TimeAnchors { get; init; }

    /// <summary>True once trust in a certificate, and nothing else, is in doubt.</summary>
    public bool IsTrustInDoubt { get; private set; }

    public bool HasIntegrityFailure { get; private set; }

    public IReadOnlyList<VerificationCheck> Checks => checks;

    public IReadOnlyList<VerificationFailure> Failures => uncounted == 0
        ? failures
        : [.. failures, new VerificationFailure("all", "", $"{uncounted} more failures are not listed")];

    public void Fail(string check, string file, string reason)
    {
        HasIntegrityFailure = true;
        Add(new VerificationFailure(check, file, reason));
    }

    public void Distrust(string check, string file, string reason)
    {
        IsTrustInDoubt = true;
        Add(new VerificationFailure(check, file, reason));
    }

    /// <summary>Notes a good token and judges its authority where the examiner named some.</summary>
    public void AddToken(string check, string place, TimestampToken token)
    {
        string? notAnchored = TimeAnchors is null ? null : token.WhyNotAnchored(TimeAnchors);
        if (notAnchored is not null)
        {
            Distrust(check, place, $"the time-stamp authority does not lead to the one given: {DisplayText.Shorten(notAnchored, 300)}");
        }

        Tokens.Add(new VerificationToken(place, token.GeneratedAt, token.Authority, token.SerialNumber, TimeAnchors is not null && notAnchored is null));
    }

    /// <summary>Runs a group of checks and notes whether anything failed in it.</summary>
    public void Check(string name, Func<string> run)
    {
        ct.ThrowIfCancellationRequested();
        int before = failures.Count + uncounted;
        string detail = run();
        checks.Add(new VerificationCheck(name, failures.Count + uncounted == before, detail));
    }

    /// <summary>Reads a small file whole; null, with a failure noted, where it is missing or larger than any honest one.</summary>
    public byte[]? ReadSmall(string check, string path, int maxBytes)
    {
        using FileStream? file = tree.OpenRead(path);
        if (file is null)
        {
            Fail(check, path, "it is missing, or no regular file");
            return null;
        }

        if (file.Length > maxBytes)
        {
            Fail(check, path, $"it has {file.Length} bytes; more than {maxBytes} are not read");
            return null;
        }

        byte[] content = new byte[file.Length];
        int count = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        if (count == content.Length)
        {
            return content;
        }

        Fail(check, path, "it became shorter while it was read");
        return null;
    }

    private void Add(VerificationFailure failure)
    {
        if (failures.Count < MaxFailures)
        {
            failures.Add(failure);
        }
        else
        {
            uncounted++;
        }
    }
}
