using System.Buffers;
using System.Text.Json;

namespace ContainerIR.Exporters;

/// <summary>JSON Lines in a derived bag: one object a line, one line in memory. What is not ASCII is a JSON escape.</summary>
internal sealed class JsonLinesFile(DerivedFile file) : IDisposable
{
    private readonly ArrayBufferWriter<byte> line = new(16 * 1024);
    private Utf8JsonWriter? json;

    /// <summary>Writes one object; the callback writes its properties.</summary>
    public void Write(Action<Utf8JsonWriter> properties)
    {
        line.ResetWrittenCount();
        json ??= new Utf8JsonWriter(line);
        json.Reset();
        json.WriteStartObject();
        properties(json);
        json.WriteEndObject();
        json.Flush();
        line.Write("\n"u8);
        file.Write(line.WrittenSpan);
    }

    public void Dispose()
    {
        json?.Dispose();
        file.Dispose();
    }
}
