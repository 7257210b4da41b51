using ContainerIR.Evidence.Encryption;
using ContainerIR.Evidence.Transport;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Transport;

/// <summary>Counts the allocations of the whole process, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(A_large_bundle), DisableParallelization = true)]
[Collection(nameof(A_large_bundle))]
public sealed class A_large_bundle : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly AgeIdentity identity = AgeIdentity.Generate();

    public void Dispose()
    {
        folder.Dispose();
        identity.Dispose();
    }

    [Fact]
    public async Task Is_packed_and_unpacked_in_little_memory()
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        using (FileStream large = new(Path.Combine(bundle, "data", "large.bin"), FileMode.Create))
        {
            large.SetLength(300_000_000);
        }

        long before = GC.GetTotalAllocatedBytes();
        await BundlePacker.PackAsync(bundle, At("parts"), [identity.Recipient], BundlePacker.DefaultPartBytes, CancellationToken.None);
        await BundleUnpacker.UnpackAsync(At("parts"), At("out"), [identity], CancellationToken.None);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 40_000_000);
    }

    private string At(string name) => Path.Combine(folder.Path, name);
}
