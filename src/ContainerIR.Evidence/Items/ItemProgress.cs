namespace ContainerIR.Evidence.Items;

/// <summary>How far one item is. Reported about once for every 4 MiB and at the end, from the threads that write: a receiver must be quick.</summary>
/// <param name="Collector">Name of the collector.</param>
/// <param name="ItemPath">Path inside the bundle.</param>
/// <param name="RawBytes">Bytes taken from the source.</param>
/// <param name="StoredBytes">Bytes in the file.</param>
/// <param name="IsClosed">True once, when the item is on disk.</param>
/// <param name="ExpectedBytes">Bytes the source said it had; null when it did not say.</param>
public readonly record struct ItemProgress(string Collector, string ItemPath, long RawBytes, long StoredBytes, bool IsClosed, long? ExpectedBytes = null);
