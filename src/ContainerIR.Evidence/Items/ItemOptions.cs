namespace ContainerIR.Evidence.Items;

/// <summary>How an item is stored.</summary>
public enum ItemForm
{
    /// <summary>Byte for byte as read. For small documents a person opens with any editor.</summary>
    Plain,

    /// <summary>
    /// Independent zstd frames of 4 MiB raw bytes with a seek table and a chunk list beside it. For everything that may be large.
    /// The name must end in <c>.zst</c>.
    /// </summary>
    Frames,
}

/// <summary>What is known of an item before its first byte.</summary>
/// <param name="Source">Where the bytes are read: an API path, a host path in display form, a kernel interface.</param>
/// <param name="Form">How it is stored.</param>
public sealed record ItemOptions(string Source, ItemForm Form = ItemForm.Plain)
{
    /// <summary>Bytes the source says it has; null when it does not say. For the time left only: what is copied is what is read.</summary>
    public long? ExpectedBytes { get; init; }
}
