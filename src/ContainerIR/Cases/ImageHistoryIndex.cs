using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>The steps an image was built in, as rows of the timeline. The item is one JSON array (Docker Engine API, GET /images/{id}/history).</summary>
internal static class ImageHistoryIndex
{
    private const int MaxBytes = 16 * 1024 * 1024;

    public static void Read(Stream content, IndexWriter writer, CancellationToken ct)
    {
        if (content.Length > MaxBytes)
        {
            writer.Note(null, $"longer than {MaxBytes} bytes");
            return;
        }

        byte[] bytes = new byte[content.Length];
        int count = content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes.AsMemory(0, count));
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                throw new JsonException("it is no list");
            }

            long number = 0;
            foreach (JsonElement step in document.RootElement.EnumerateArray())
            {
                ct.ThrowIfCancellationRequested();
                number++;
                if (step.Number("Created") is { } seconds)
                {
                    string comment = step.Text("Comment") is { Length: > 0 } text ? $" ({text})" : "";
                    writer.AddToTimeline(Instant.ToNanoseconds(seconds, 0), "built", TimelineSources.Image, DisplayText.Escape($"{step.Text("CreatedBy")}{comment}"), number);
                }
                else
                {
                    writer.Note(number, "a step without a time");
                }
            }
        }
        catch (JsonException failure)
        {
            writer.Note(null, $"not an image history: {failure.Message}");
        }
    }
}
