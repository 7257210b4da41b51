using ContainerIR.Exporters;

namespace ContainerIR.Shippers;

/// <summary>JSON Lines by POST, an ECS document a line: a Sumo Logic HTTP source and most collectors take it. An answer of 2xx is the acknowledgement.</summary>
internal sealed class WebhookShipper(ShipTarget target) : HttpShipper(target)
{
    private readonly ShipTarget target = target;

    public override async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct)
    {
        byte[] body = Lines(batch, (json, each) => EcsExporter.Write(json, each.Bundle, each.Event));
        await PostAsync(
            target.Address,
            body,
            "application/x-ndjson",
            request =>
            {
                Authorize(request, "Bearer");
                request.Headers.TryAddWithoutValidation("Idempotency-Key", $"{batch[0].Id}-{batch[^1].Id}");
            },
            ct);
        return [];
    }
}
