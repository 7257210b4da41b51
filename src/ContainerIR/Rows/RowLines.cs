using System.Buffers;
using System.Text.Json;
using ContainerIR.Evidence.Items;

namespace ContainerIR.Rows;

/// <summary>Writes JSON Lines into an item: one object a line, one line in memory at a time.</summary>
internal sealed class RowLines : IAsyncDisposable
{
    private readonly ItemWriter item;
    private readonly ArrayBufferWriter<byte> line = new(16 * 1024);
    private readonly Utf8JsonWriter json;

    public RowLines(ItemWriter item)
    {
        this.item = item;
        json = new Utf8JsonWriter(line);
    }

    /// <summary>Lines written.</summary>
    public int Count { get; private set; }

    /// <summary>Writes one object; the callback writes its properties.</summary>
    public async ValueTask WriteAsync(Action<Utf8JsonWriter> properties, CancellationToken ct)
    {
        line.ResetWrittenCount();
        json.Reset();
        json.WriteStartObject();
        properties(json);
        json.WriteEndObject();
        json.Flush();
        line.GetSpan(1)[0] = (byte)'\n';
        line.Advance(1);
        await item.WriteAsync(line.WrittenMemory, ct);
        Count++;
    }

    /// <summary>Closes the item.</summary>
    public async ValueTask CompleteAsync(string? error, CancellationToken ct) => await item.CompleteAsync(error, ct);

    public async ValueTask DisposeAsync()
    {
        await json.DisposeAsync();
        await item.DisposeAsync();
    }
}
