namespace ContainerIR.Evidence.Proofs;

/// <summary>The files of an exported proof. What comes from the bundle keeps its path.</summary>
internal static class ItemProofLayout
{
    public const string Line = "item.jsonl";
    public const string Proof = "item.tlog-proof";
    public const string Readme = "README.txt";
    public const int MaxSmallFileBytes = 512 * 1024;

    public const string ReadmeText = """
        One item of a sealed evidence bundle, and the proof that it is that item. The other items are not needed and not disclosed.

          data/...                   the item, under its path in the bundle
          item.jsonl                 the journal line that closed it: path, size, SHA-256
          item.tlog-proof            that this line is a leaf of the journal's tree, and the signed checkpoint of that tree (c2sp.org/tlog-proof)
          checkpoint.vkey            the Ed25519 key of the checkpoint
          tagmanifest-sha256.txt     the signed root of the bundle: it lists checkpoint.txt and checkpoint.vkey
          seal/0001-responder.p7s    the responder's signature over that root; *.tsr is a time-stamp token over the signature

        Take the script that checks this from the project's documentation (docs/prove-item.md), not from here. It needs openssl and coreutils:
          sh prove-item.sh THIS-DIRECTORY RESPONDER-CA.pem

        """;
}
