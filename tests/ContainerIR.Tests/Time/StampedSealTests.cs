using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Time;

public sealed class A_stamped_seal : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder folder = new();
    private readonly TimestampKeys keys;

    public A_stamped_seal() => keys = new TimestampKeys(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Has_a_token_that_openssl_and_the_verifier_take()
    {
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);
        using TimestampClient client = TimestampClient.Parse([authority.Url], Patience);

        SealedBundle bundle = await SealAsync(new SealPolicy(TimestampPolicy.Required), client);

        Assert.Null(bundle.TimestampFault);
        OpensslAccepts(bundle.Path);
        Assert.Empty(await FailuresOfAsync(bundle.Path));
    }

    [Fact]
    public async Task Is_refused_when_required_and_nobody_stamps()
    {
        await using LoopbackAuthority authority = LoopbackAuthority.Answering([1]);
        using TimestampClient client = TimestampClient.Parse([authority.Url], Patience);

        await Assert.ThrowsAsync<OperatorException>(() => SealAsync(new SealPolicy(TimestampPolicy.Required), client));
        Assert.False(File.Exists(Path.Combine(Bundle, "tagmanifest-sha256.txt")));
        Assert.Equal(Verdict.Unsealed, await VerdictOfAsync(Bundle));
    }

    [Fact]
    public async Task Is_refused_before_it_begins_when_required_and_nobody_is_named()
    {
        await Assert.ThrowsAsync<OperatorException>(() => SealAsync(new SealPolicy(TimestampPolicy.Required), null));
        Assert.False(File.Exists(Path.Combine(Bundle, "bagit.txt")));
    }

    [Fact]
    public async Task Made_offline_gets_its_token_later()
    {
        await using LoopbackAuthority dead = LoopbackAuthority.Answering([1]);
        using TimestampClient nobody = TimestampClient.Parse([dead.Url], Patience);
        SealedBundle bundle = await SealAsync(new SealPolicy(TimestampPolicy.Optional), nobody);
        Assert.NotNull(bundle.TimestampFault);

        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);
        using TimestampClient client = TimestampClient.Parse([authority.Url], Patience);
        await SealTimestamp.AddAsync(bundle.Path, client, CancellationToken.None);

        OpensslAccepts(bundle.Path);
        Assert.Empty(await FailuresOfAsync(bundle.Path));
        await Assert.ThrowsAsync<OperatorException>(() => SealTimestamp.AddAsync(bundle.Path, client, CancellationToken.None));
    }

    [Fact]
    public async Task Is_tampered_with_a_token_of_another_bundle()
    {
        SealedBundle bundle = await SealAsync(new SealPolicy(), null);
        await File.WriteAllBytesAsync(Path.Combine(bundle.Path, "seal", "0001-responder.p7s.tsr"), keys.ReplyTo("-digest " + new string('b', 64)));
        Assert.Equal(Verdict.Tampered, await VerdictOfAsync(bundle.Path));
    }

    [Fact]
    public async Task Can_have_the_journal_stamped_while_it_grows()
    {
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);
        using TimestampClient client = TimestampClient.Parse([authority.Url], Patience);
        await using BundleWriter bundle = SomeBundle.Open(folder);
        byte[] first = [.. await File.ReadAllBytesAsync(Path.Combine(bundle.Path, "journal.jsonl"))];

        await JournalTimestamp.RecordAsync(bundle, client, CancellationToken.None);

        using FileStream journal = File.OpenRead(Path.Combine(bundle.Path, "journal.jsonl"));
        JsonElement fields = JournalReader.Read(journal).Single(line => line.Entry!.Event == JournalTimestamp.Event).Entry!.Fields;
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "line"), first);
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "line.tsr"), fields.GetProperty("tsr_b64").GetBytesFromBase64());
        RealEngine.Run("openssl", "ts", "-verify", "-data", Path.Combine(folder.Path, "line"), "-in", Path.Combine(folder.Path, "line.tsr"), "-CAfile", keys.CaPath);
    }

    private string Bundle => Directory.EnumerateDirectories(folder.Path, "EV-*").Single();

    private async Task<SealedBundle> SealAsync(SealPolicy policy, TimestampClient? client)
    {
        await using BundleWriter bundle = SomeBundle.Open(folder);
        return await bundle.SealAsync(SomeBundle.Custody, SomeBundle.Identity, policy, client, CancellationToken.None);
    }

    private void OpensslAccepts(string bundle) =>
        RealEngine.Run("sh", "-c", $"cd '{bundle}' && openssl ts -verify -data seal/0001-responder.p7s -in seal/0001-responder.p7s.tsr -CAfile '{keys.CaPath}'");

    private static async Task<IEnumerable<string>> FailuresOfAsync(string bundle) =>
        (await BundleVerifier.VerifyAsync(bundle, new VerifyOptions(), CancellationToken.None)).Failures.Select(failure => failure.ToString());

    private static async Task<Verdict> VerdictOfAsync(string bundle) => (await BundleVerifier.VerifyAsync(bundle, new VerifyOptions(), CancellationToken.None)).Verdict;
}
