namespace ContainerIR.Evidence.Bundles;

/// <summary>Whether an RFC 3161 token over the signature must be there.</summary>
public enum TimestampPolicy
{
    /// <summary>A token may be added at any time.</summary>
    Optional,

    /// <summary>Without a token the bundle does not verify.</summary>
    Required,

    /// <summary>None was foreseen.</summary>
    None,
}

/// <summary>
/// What a seal must consist of. It stands in <c>bag-info.txt</c>, under the signed root, so that taking a signature or token away shows.
/// </summary>
/// <param name="Timestamps">RFC 3161 tokens.</param>
/// <param name="PostQuantum">True where a second signature with ML-DSA-65 is part of the seal.</param>
public sealed record SealPolicy(TimestampPolicy Timestamps = TimestampPolicy.Optional, bool PostQuantum = false)
{
    /// <summary>The text of <c>ContainerIR-Seal-Policy</c>.</summary>
    public override string ToString()
    {
        string tsa = Timestamps switch
        {
            TimestampPolicy.Required => "required",
            TimestampPolicy.None => "none",
            _ => "optional",
        };
        return $"sig=p256;tsa={tsa};pq={(PostQuantum ? "mldsa65" : "none")}";
    }

    /// <summary>Reads the text. Only texts <see cref="ToString"/> writes are taken.</summary>
    /// <returns>Null for any other text.</returns>
    public static SealPolicy? Parse(string text)
    {
        foreach (TimestampPolicy timestamps in Enum.GetValues<TimestampPolicy>())
        {
            foreach (bool postQuantum in (ReadOnlySpan<bool>)[false, true])
            {
                SealPolicy policy = new(timestamps, postQuantum);
                if (policy.ToString() == text)
                {
                    return policy;
                }
            }
        }

        return null;
    }
}
