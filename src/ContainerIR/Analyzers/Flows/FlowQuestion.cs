using System.Globalization;
using System.Net;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Analyzers.Flows;

/// <summary>A flow as an alert names it: one end, perhaps the other, perhaps when.</summary>
/// <param name="End">One end, on whichever side of an address translation it was seen.</param>
/// <param name="Peer">The other end; null for any.</param>
/// <param name="At">When it was seen; null for now or whenever.</param>
public sealed record FlowQuestion(IPEndPoint End, IPEndPoint? Peer, DateTimeOffset? At)
{
    /// <summary>Reads what a person typed.</summary>
    /// <param name="end"><c>192.0.2.1:443</c> or <c>[2001:db8::1]:443</c>.</param>
    /// <param name="peer">The same form; null for any.</param>
    /// <param name="at">ISO 8601, UTC where no offset is given; null for none.</param>
    /// <exception cref="OperatorException">One of them is not of its form.</exception>
    public static FlowQuestion Parse(string end, string? peer, string? at)
    {
        DateTimeOffset when = default;
        return at is not null && !DateTimeOffset.TryParse(at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out when)
            ? throw new OperatorException($"{DisplayText.Escape(at)} is no instant.", "Write it as 2026-11-22T19:43:00Z.")
            : new FlowQuestion(ParseEnd(end), peer is null ? null : ParseEnd(peer), at is null ? null : when);
    }

    private static IPEndPoint ParseEnd(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? end) && end.Port > 0
            ? new IPEndPoint(Plain(end.Address), end.Port)
            : throw new OperatorException($"{DisplayText.Escape(text)} is no address with port.", "Write 192.0.2.1:443 or [2001:db8::1]:443.");

    /// <summary>An IPv4 address in IPv6 form as the IPv4 address it is.</summary>
    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
