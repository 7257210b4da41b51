using System.Globalization;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;
using ContainerIR.Rows;

namespace ContainerIR.Shippers;

/// <summary>
/// Splunk HTTP Event Collector with indexer acknowledgement: a batch counts when the indexer says it is on disk, not when the collector took it. Where the
/// token has no acknowledgement the answer is all there is.
/// </summary>
internal sealed class SplunkShipper(ShipTarget target, TimeProvider clock) : HttpShipper(target)
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AskFor = TimeSpan.FromMinutes(2);

    private readonly string channel = Guid.NewGuid().ToString("D");
    private readonly Uri root = new(target.Address.GetLeftPart(UriPartial.Authority));

    public override async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct)
    {
        byte[] body = Lines(batch, (json, each) =>
        {
            (long seconds, long rest) = Math.DivRem(each.Event.AtNs, 1_000_000_000);
            (seconds, rest) = rest < 0 ? (seconds - 1, rest + 1_000_000_000) : (seconds, rest);

            // HEC takes epoch seconds; an instant before 1970 stands in the event alone.
            if (seconds >= 0)
            {
                json.WritePropertyName("time");
                json.WriteRawValue(string.Create(CultureInfo.InvariantCulture, $"{seconds}.{rest / 1000:D6}"));
            }

            json.WriteString("host", DisplayText.Escape(each.Bundle.Record.Host ?? "unknown"));
            json.WriteString("source", "containerir:" + each.Event.Item);
            json.WriteString("sourcetype", "containerir:" + each.Event.Source);
            json.WriteStartObject("event");
            EcsExporter.Write(json, each.Bundle, each.Event);
            json.WriteEndObject();
        });
        using JsonDocument answer = Read(await PostAsync(new Uri(root, "/services/collector/event"), body, "application/json", Dress, ct));
        if (answer.RootElement.Number("ackId") is { } ack)
        {
            await WaitAsync(ack, ct);
        }

        return [];
    }

    private async Task WaitAsync(long ack, CancellationToken ct)
    {
        long start = clock.GetTimestamp();
        byte[] question = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"acks\":[{ack}]}}"));
        while (clock.GetElapsedTime(start) < AskFor)
        {
            using JsonDocument answer = Read(await PostAsync(new Uri(root, $"/services/collector/ack?channel={channel}"), question, "application/json", Dress, ct));
            if (answer.RootElement.Object("acks").Flag(ack.ToString(CultureInfo.InvariantCulture)))
            {
                return;
            }

            await Task.Delay(AskEvery, clock, ct);
        }

        throw new DeliveryException($"the indexer did not acknowledge within {AskFor.TotalSeconds:0} s");
    }

    private void Dress(HttpRequestMessage request)
    {
        Authorize(request, "Splunk");
        request.Headers.TryAddWithoutValidation("X-Splunk-Request-Channel", channel);
    }
}
