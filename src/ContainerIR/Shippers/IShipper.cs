namespace ContainerIR.Shippers;

/// <summary>One event ready to be sent: its bundle, its stable id, and the row it stands for, every text with a bound.</summary>
internal sealed record ShippedEvent(Exporters.VerifiedBundle Bundle, Exporters.EvidenceEvent Event, string Id);

/// <summary>A way to a receiver. It is used by one run, one batch after another.</summary>
internal interface IShipper : IDisposable
{
    /// <summary>
    /// How long a batch stays in doubt after the receiver took it. Zero where the protocol has an acknowledgement. Where it has none, a receiver that dies
    /// takes what it held in memory along: what was sent so shortly before the failure is sent again.
    /// </summary>
    TimeSpan InDoubt { get; }

    /// <summary>Sends a batch; returns when the receiver has it, as far as its protocol can say so.</summary>
    /// <returns>Events the receiver refused for good, and why; empty when it took all.</returns>
    /// <exception cref="DeliveryException">It did not; the same batch may be sent again.</exception>
    Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<ShippedEvent> batch, CancellationToken ct);

    /// <summary>Asks whether the receiver is still there, without sending anything.</summary>
    /// <exception cref="DeliveryException">It is not.</exception>
    Task ProbeAsync(CancellationToken ct);
}

/// <summary>A batch did not arrive, as far as anybody knows. Sending it again is right.</summary>
public sealed class DeliveryException : Exception
{
    /// <summary>Says why.</summary>
    public DeliveryException(string message)
        : base(message)
    {
    }

    /// <summary>Says why, and what it was.</summary>
    public DeliveryException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Not used.</summary>
    public DeliveryException()
    {
    }
}
