using System.Text.Json;

namespace ContainerIR.Rows;

/// <summary>One tracked flow of <c>conntrack.jsonl</c>: as it was opened, and as its answers come.</summary>
public sealed record ConntrackRow
{
    /// <summary>Inode of the network namespace whose table held it.</summary>
    public required long NetworkNamespace { get; init; }

    /// <summary><c>container</c>, <c>engine</c> or <c>host</c>.</summary>
    public required string Side { get; init; }

    /// <summary>Protocol by the kernel's name.</summary>
    public required string Protocol { get; init; }

    /// <summary>TCP state; empty for others.</summary>
    public string State { get; init; } = "";

    /// <summary>Who opened it.</summary>
    public string OriginalSource { get; init; } = "";

    /// <summary>Port of who opened it.</summary>
    public int OriginalSourcePort { get; init; }

    /// <summary>What it was opened to.</summary>
    public string OriginalDestination { get; init; } = "";

    /// <summary>Port it was opened to.</summary>
    public int OriginalDestinationPort { get; init; }

    /// <summary>Where answers come from.</summary>
    public string ReplySource { get; init; } = "";

    /// <summary>Where answers go to.</summary>
    public string ReplyDestination { get; init; } = "";

    /// <summary>Whether an address or port was translated on the way.</summary>
    public bool IsTranslated { get; init; }

    /// <summary>What the other end is, in words; null when unknown.</summary>
    public string? Peer { get; init; }

    /// <summary>Reads rows of the item.</summary>
    public static IEnumerable<ConntrackRow> Read(Stream lines, RowLimits limits, RowProblems problems) => RowReader.Read(lines, Parse, limits, problems);

    internal static ConntrackRow? Parse(JsonElement row)
    {
        JsonElement original = JsonFields.Object(row, "original"), reply = JsonFields.Object(row, "reply");
        return JsonFields.Text(row, "protocol") is not { } protocol
            ? null
            : new ConntrackRow
            {
                NetworkNamespace = JsonFields.Number(row, "netns") ?? 0,
                Side = JsonFields.Text(row, "side") ?? "",
                Protocol = protocol,
                State = JsonFields.Text(row, "state") ?? "",
                OriginalSource = JsonFields.Text(original, "src") ?? "",
                OriginalSourcePort = (int)Math.Clamp(JsonFields.Number(original, "sport") ?? 0, 0, 65535),
                OriginalDestination = JsonFields.Text(original, "dst") ?? "",
                OriginalDestinationPort = (int)Math.Clamp(JsonFields.Number(original, "dport") ?? 0, 0, 65535),
                ReplySource = JsonFields.Text(reply, "src") ?? "",
                ReplyDestination = JsonFields.Text(reply, "dst") ?? "",
                IsTranslated = JsonFields.Flag(row, "translated"),
                Peer = JsonFields.Text(row, "peer"),
            };
    }
}
