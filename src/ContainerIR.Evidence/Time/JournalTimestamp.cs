using ContainerIR.Evidence.Bundles;

namespace ContainerIR.Evidence.Time;

/// <summary>
/// A token over the head of a journal while it grows: from then on, who rewrites the lines before it must rewrite the authority's clock too. It stands
/// in the journal itself (event <c>timestamp</c>), so the seal covers it.
/// </summary>
public static class JournalTimestamp
{
    /// <summary>Name of the journal event.</summary>
    public const string Event = "timestamp";

    /// <summary>
    /// Has the digest of the last journal line stamped and journals the token. Lines may be appended meanwhile: the token is over the line that was the
    /// last when this was called, and names it.
    /// </summary>
    /// <exception cref="OperatorException">No authority gave a good token; nothing was journaled.</exception>
    /// <exception cref="BundleWriteException">The journal cannot be written.</exception>
    public static async Task<TimestampToken> RecordAsync(BundleWriter bundle, TimestampClient authorities, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(authorities);
        string head = bundle.JournalHead;
        TimestampToken token = await authorities.RequestAsync(Convert.FromHexString(head), ct);
        bundle.Record(Event, json =>
        {
            json.WriteString("line_sha256", head);
            json.WriteString("generated_at", token.GeneratedAt);
            json.WriteString("authority", token.Authority);
            json.WriteString("policy", token.Policy);
            json.WriteString("serial", token.SerialNumber);

            // Not escaped as other strings are ('+'): what stands here is base64 for any tool.
            json.WriteBase64String("tsr_b64", token.Encoded.Span);
        });
        return token;
    }
}
