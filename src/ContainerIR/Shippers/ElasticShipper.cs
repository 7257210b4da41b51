using System.Text;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;
using ContainerIR.Rows;

namespace ContainerIR.Shippers;

/// <summary>
/// Elasticsearch and OpenSearch, bulk API, ECS documents. Each is created under its stable id: one that is there already (409) has arrived before. A
/// document refused for its content is told and not sent again.
/// </summary>
internal sealed class ElasticShipper(ShipTarget target) : HttpShipper(target)
{
    private const string DefaultIndex = "/logs-containerir-default";

    private readonly Uri bulk = new(new Uri(target.Address.GetLeftPart(UriPartial.Authority)), (target.Address.AbsolutePath is "/" ? DefaultIndex : target.Address.AbsolutePath.TrimEnd('/')) + "/_bulk");

    public override async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct)
    {
        using MemoryStream body = new();
        foreach (ShippedEvent each in batch)
        {
            body.Write(Encoding.ASCII.GetBytes($"{{\"create\":{{\"_id\":\"{each.Id}\"}}}}\n"));
            body.Write(Lines([each], (json, one) => EcsExporter.Write(json, one.Bundle, one.Event)));
        }

        using JsonDocument answer = Read(await PostAsync(bulk, body.ToArray(), "application/x-ndjson", request => Authorize(request, "ApiKey"), ct));
        List<string> refused = [];
        int index = 0;
        foreach (JsonElement item in answer.RootElement.Items("items"))
        {
            long status = item.ValueKind == JsonValueKind.Object ? Status(item) ?? 0 : 0;
            string id = index < batch.Count ? batch[index].Id : "?";
            index++;
            if (IsForLater(status) || status == 0)
            {
                throw new DeliveryException($"the receiver put {id} off with status {status}");
            }

            if (status is not ((>= 200 and < 300) or 409))
            {
                refused.Add($"{id}: {status} {DisplayText.Shorten(item.EnumerateObject().First().Value.Object("error").Text("reason") ?? "", 200)}");
            }
        }

        return index == batch.Count ? refused : throw new DeliveryException($"the receiver answered for {index} of {batch.Count} documents");
    }
}
