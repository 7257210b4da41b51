using System.Buffers;
using System.Text.Json;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Collectors;

/// <summary>JSON Lines written into an item, a buffer at a time.</summary>
internal sealed class RowItem(ItemWriter item) : IAsyncDisposable
{
    private const int FlushBytes = 256 * 1024;
    private readonly ArrayBufferWriter<byte> rows = new(FlushBytes);

    /// <summary>Adds one object; the callback writes its properties.</summary>
    public async ValueTask AddAsync(Action<Utf8JsonWriter> properties, CancellationToken ct)
    {
        using (Utf8JsonWriter json = new(rows))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        rows.Write("\n"u8);
        if (rows.WrittenCount >= FlushBytes)
        {
            await item.WriteAsync(rows.WrittenMemory, ct);
            rows.ResetWrittenCount();
        }
    }

    /// <summary>Writes what is left and closes the item.</summary>
    public async ValueTask CompleteAsync(CancellationToken ct)
    {
        await item.WriteAsync(rows.WrittenMemory, ct);
        await item.CompleteAsync(null, ct);
    }

    public ValueTask DisposeAsync() => item.DisposeAsync();
}
