namespace ContainerIR.Evidence.Bundles;

/// <summary>The fixed names of a bundle.</summary>
internal static class BundleLayout
{
    public const string Schema = "containerir-bundle/1";
    public const string BagIt = "bagit.txt";
    public const string BagInfo = "bag-info.txt";
    public const string ManifestSha256 = "manifest-sha256.txt";
    public const string ManifestSha512 = "manifest-sha512.txt";
    public const string TagManifest = "tagmanifest-sha256.txt";
    public const string Journal = "journal.jsonl";
    public const string Checkpoint = "checkpoint.txt";
    public const string CheckpointKey = "checkpoint.vkey";
    public const string Custody = "custody.json";
    public const string Readme = "README.txt";
    public const string VerifyScript = "verify.sh";
    public const string DataPrefix = "data/";
    public const string SealPrefix = "seal/";
    public const string ResponderSignature = "seal/0001-responder.p7s";
    public const string Certificates = "seal/certs.pem";
    public const string ResponderToken = ResponderSignature + ".tsr";
    public const string TokenCertificates = "seal/tsa-certs.pem";

    /// <summary>RFC 8493 section 2.1.1.</summary>
    public const string BagItText = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

    /// <summary>Every file outside data/ and seal/ but the tag manifest itself: a sealed bundle has all of them and no other.</summary>
    public static readonly IReadOnlyList<string> TagFiles =
        [Readme, BagInfo, BagIt, Checkpoint, CheckpointKey, Custody, Journal, ManifestSha256, ManifestSha512, VerifyScript];
}
