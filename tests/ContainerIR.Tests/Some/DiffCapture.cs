using System.Text;
using ContainerIR.Collectors;
using ContainerIR.Diffs;
using ContainerIR.Linux.Overlays;
using ContainerIR.Runtimes;

namespace ContainerIR.Tests.Some;

/// <summary>A run of the file system collector, on directories or on a container, and what it wrote.</summary>
internal sealed class DiffCapture : IDisposable
{
    private readonly HostileTree extracted = new();
    private Dictionary<string, DiffEntry>? entries;

    public FolderSink Sink { get; } = new();

    public List<string> Malformed { get; } = [];

    /// <summary>Entries by path, Latin-1 text of its bytes.</summary>
    public Dictionary<string, DiffEntry> Entries => entries ??= ReadEntries().ToDictionary(entry => Encoding.Latin1.GetString(entry.Path));

    public DiffSummary Summary => DiffSummary.Read(Sink.Read(RootFsDiffCollector.SummaryItem));

    public DiffEntry this[string path] => Entries.TryGetValue(path, out DiffEntry? entry)
        ? entry
        : throw new KeyNotFoundException($"no entry {path} among: {string.Join(", ", Entries.Keys.Take(200))}");

    public static Task<DiffCapture> Of(HostileTree upper, params HostileTree[] lowers) => Of(upper, lowers, null);

    public static async Task<DiffCapture> Of(
        HostileTree upper, HostileTree[] lowers, DiffLimits? limits, Profile profile = Profile.Standard, bool allowClone = true, string[]? mountPoints = null, bool userXattr = false,
        TimeProvider? clock = null)
    {
        DiffCapture capture = new();
        using LayerStack stack = LayerStack.Open(upper.RootBytes, [.. lowers.Select(lower => lower.RootBytes)], userXattr, allowClone);
        RootFsDiffCollector collector = new(null, profile, clock ?? TimeProvider.System, limits ?? new());
        await collector.CollectAsync(stack, "test", new MountPoints((mountPoints ?? []).Select(Encoding.UTF8.GetBytes)), capture.Sink, default);
        return capture;
    }

    /// <summary>Captures a container of the real engine as the product would, resolved by hand.</summary>
    public static async Task<DiffCapture> Of(ContainerRef container, Profile profile = Profile.Standard)
    {
        DiffCapture capture = new();
        await new RootFsDiffCollector(null, profile, TimeProvider.System, new()).CollectAsync(container, capture.Sink, default);
        return capture;
    }

    public IEnumerable<DiffEntry> ReadEntries()
    {
        using FileStream file = File.OpenRead(Sink.PathOf(RootFsDiffCollector.EntriesItem));
        foreach (DiffEntry entry in DiffEntries.Read(file, (number, why) => Malformed.Add($"{number}: {why}")))
        {
            yield return entry;
        }
    }

    /// <summary>Extracts upper.tar as a laboratory would; returns where.</summary>
    public string Extract(string item = RootFsDiffCollector.UpperItem)
    {
        // GNU tar wonders at times far off, and at the character set POSIX made for names that are no text; it restores both.
        string said = RealEngine.Run("sh", "-c", $"tar --warning=no-timestamp --warning=no-unknown-keyword --numeric-owner --xattrs --xattrs-include='*' -xpf '{Sink.PathOf(item)}' -C '{extracted.Root}' 2>&1");
        return said.Length == 0 ? extracted.Root : throw new InvalidOperationException("tar said: " + said);
    }

    public void Dispose()
    {
        Sink.Dispose();
        extracted.Dispose();
    }
}
