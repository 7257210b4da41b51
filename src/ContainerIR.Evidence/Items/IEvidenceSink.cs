namespace ContainerIR.Evidence.Items;

/// <summary>
/// The only thing a collector can write to: one section <c>data/NNNN-collector/</c> of a bundle. It knows neither case, key nor folder.
/// Items may be written from several threads; each single <see cref="ItemWriter"/> from one at a time.
/// </summary>
public interface IEvidenceSink
{
    /// <summary>Opens an item.</summary>
    /// <param name="name">A generated name inside the section: ASCII letters, digits, <c>._-</c> and <c>/</c>; never a name found in evidence.</param>
    /// <param name="options">Source and form.</param>
    /// <exception cref="BundleWriteException">The bundle cannot be written: ends the run.</exception>
    ItemWriter Create(string name, ItemOptions options);

    /// <summary>Records what was sought and not obtained.</summary>
    /// <param name="sought">What it was.</param>
    /// <param name="reason">Why it could not be had.</param>
    void AddGap(string sought, string reason);

    /// <summary>Records a change that the capture itself made or could not avoid (journal event <c>effect</c>, and <c>effect</c> in custody.json).</summary>
    /// <param name="what">What was changed, by what means, and for how long.</param>
    void AddEffect(string what);
}

/// <summary>Ways to fill a sink that every collector shares.</summary>
public static class EvidenceSinkExtensions
{
    private const int CopyBufferBytes = 128 * 1024;

    /// <summary>Copies a stream to its end into a new item. A source that fails half-way leaves a partial item and a gap, not an exception.</summary>
    /// <returns>The record of the item, whatever its status.</returns>
    /// <exception cref="BundleWriteException">The bundle cannot be written.</exception>
    public static async Task<EvidenceItem> AddAsync(this IEvidenceSink sink, string name, Stream content, ItemOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        await using ItemWriter writer = sink.Create(name, options);
        byte[] buffer = new byte[CopyBufferBytes];
        while (true)
        {
            int count;
            try
            {
                count = await content.ReadAsync(buffer, ct);
            }
            catch (IOException failure)
            {
                sink.AddGap($"{options.Source} after byte {writer.RawBytes}", failure.Message);
                return await writer.CompleteAsync(failure.Message, ct);
            }

            if (count == 0)
            {
                return await writer.CompleteAsync(null, ct);
            }

            await writer.WriteAsync(buffer.AsMemory(0, count), ct);
        }
    }

    /// <summary>Stores bytes that are already in memory (small documents) as one item.</summary>
    /// <exception cref="BundleWriteException">The bundle cannot be written.</exception>
    public static async Task<EvidenceItem> AddAsync(this IEvidenceSink sink, string name, ReadOnlyMemory<byte> content, ItemOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentNullException.ThrowIfNull(options);
        await using ItemWriter writer = sink.Create(name, options);
        await writer.WriteAsync(content, ct);
        return await writer.CompleteAsync(null, ct);
    }
}
