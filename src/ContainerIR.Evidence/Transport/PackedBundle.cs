namespace ContainerIR.Evidence.Transport;

/// <summary>A bundle as it travels: parts and the list of their digests.</summary>
/// <param name="PartsListPath">The file <c>NAME.parts.sha256</c>.</param>
/// <param name="PartsListSha256">SHA-256 of that file, lower-case hexadecimal: names the whole transport.</param>
/// <param name="PartPaths">The parts in their order.</param>
/// <param name="SizeBytes">Of all parts.</param>
/// <param name="IsEncrypted">Whether an age identity is needed to open it.</param>
public sealed record PackedBundle(string PartsListPath, string PartsListSha256, IReadOnlyList<string> PartPaths, long SizeBytes, bool IsEncrypted);
