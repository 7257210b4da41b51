namespace ContainerIR.Shippers;

/// <summary>GELF over HTTP: a message a request, 202 when it is taken.</summary>
internal sealed class GelfHttpShipper(ShipTarget target) : HttpShipper(target)
{
    private readonly Uri address = target.Address.AbsolutePath is "/" ? new Uri(target.Address, "/gelf") : target.Address;

    public override async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct)
    {
        foreach (ShippedEvent each in batch)
        {
            await PostAsync(address, GelfMessage.ToBytes(each), "application/json", request => Authorize(request, "Bearer"), ct);
        }

        return [];
    }
}
