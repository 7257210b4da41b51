using ContainerIR.Evidence;

namespace ContainerIR.Cases;

/// <summary>A case made for one question about one bundle, in a private directory that goes away with it.</summary>
public sealed class TemporaryCase : IDisposable
{
    private readonly string directory;

    private TemporaryCase(string directory, CaseStore store, IndexedBundle indexed) => (this.directory, Store, Indexed) = (directory, store, indexed);

    /// <summary>The case.</summary>
    public CaseStore Store { get; }

    /// <summary>What indexing the bundle gave.</summary>
    public IndexedBundle Indexed { get; }

    /// <summary>Whether a text names a bundle's folder rather than a case.</summary>
    public static bool IsBundle(string text) => File.Exists(Path.Combine(text, "bagit.txt"));

    /// <summary>Indexes a sealed bundle.</summary>
    /// <param name="bundlePath">Its folder.</param>
    /// <param name="judge">Says what its findings are; null where they are not asked for.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="OperatorException">It is none, or not as it was sealed.</exception>
    public static async Task<TemporaryCase> OfAsync(string bundlePath, BundleJudge? judge, CancellationToken ct)
    {
        string directory = Directory.CreateTempSubdirectory("cir-").FullName;
        CaseStore? store = null;
        try
        {
            store = CaseStore.Create(new CaseHome(directory), "BUNDLE", new CaseFacts(null, null), TimeProvider.System);
            return new TemporaryCase(directory, store, await CaseIndexer.IndexAsync(store, bundlePath, judge, ct));
        }
        catch
        {
            store?.Dispose();
            Directory.Delete(directory, recursive: true);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Store.Dispose();

        // The bundle stands in it as a symbolic link, which is removed and not followed.
        Directory.Delete(directory, recursive: true);
    }
}
