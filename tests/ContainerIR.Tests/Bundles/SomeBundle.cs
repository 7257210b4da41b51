using ContainerIR.Acquisitions;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Tests.Bundles;

/// <summary>Bundles for tests that are about something else than making them.</summary>
internal static class SomeBundle
{
    public const string Passphrase = "correct horse";

    private static readonly Lazy<ResponderIdentity> LazyIdentity = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("cir-identity-").FullName;
        ResponderIdentity identity = IdentityFolder.Create(Path.Combine(folder, "id"), new("Jane Examiner", "Some CERT", "jane@cert.example"), Passphrase, DateTimeOffset.UtcNow);
        Directory.Delete(folder, recursive: true);
        return identity;
    });

    /// <summary>One identity for the whole run: deriving a key takes 0.15 s by design.</summary>
    public static ResponderIdentity Identity => LazyIdentity.Value;

    public static CustodyRecord Custody { get; } = new()
    {
        Identity = new() { Case = "CASE-1" },
        Who = new() { Name = "Jane Examiner" },
        What = new() { ContainerId = new string('c', 64), Labels = new Dictionary<string, string> { ["evil\u001b[2J"] = "\u202egpj.exe" } },
        Tool = new() { Name = "cir", Version = "0.1.0" },
    };

    public static BundleOptions Options(string folder, string name = "EV-CASE-1-20261122T120000Z-host-cccccccccccc") => new()
    {
        OutDirectory = folder,
        Name = name,
        CaseId = "CASE-1",
        Agent = "cir 0.1.0",
        MakeFrameCodec = () => new ZstdFrameCodec(),
    };

    public static BundleWriter Open(TemporaryFolder folder) => BundleWriter.Open(Options(folder.Path));

    public static Task<SealedBundle> SealAsync(this BundleWriter bundle, SealPolicy? policy = null) =>
        bundle.SealAsync(Custody, Identity, policy ?? new SealPolicy(), CancellationToken.None);

    /// <summary>A small bundle with all that occurs: a plain item, a framed one, an empty one, a partial one, a gap and an effect.</summary>
    public static async Task<SealedBundle> SmallAsync(TemporaryFolder folder, SealPolicy? policy = null)
    {
        await using BundleWriter bundle = Open(folder);
        bundle.Record("clock.sample", json => json.WriteString("source", "tsc"));
        IEvidenceSink host = bundle.OpenSection("host", 0);
        await host.AddAsync("uname.txt", "Linux host 6.1\n"u8.ToArray(), new ItemOptions("uname(2)"), CancellationToken.None);
        await host.AddAsync("empty.txt", ReadOnlyMemory<byte>.Empty, new ItemOptions("/proc/none"), CancellationToken.None);
        host.AddGap("/proc/1/maps", "Permission denied (errno 13)");
        IEvidenceSink files = bundle.OpenSection("rootfs-diff", 6);
        await files.AddAsync("upper.tar.zst", Enumerable.Range(0, 3000).Select(i => (byte)(i % 251)).ToArray(), new ItemOptions("/var/lib/docker/overlay2/x/diff", ItemForm.Frames), CancellationToken.None);
        await using (ItemWriter partial = files.Create("log.txt", new ItemOptions("/var/log/x")))
        {
            partial.Write("half"u8);
            await partial.CompleteAsync("Input/output error (errno 5)", CancellationToken.None);
        }

        files.AddEffect("paused for 3 ms");
        return await bundle.SealAsync(policy);
    }
}

/// <summary>A folder that is gone with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("cir-test-").FullName;

    /// <summary>.NET cannot delete a name that is not UTF-8.</summary>
    public void Dispose() => Some.RealEngine.Run("rm", "-rf", Path);
}
