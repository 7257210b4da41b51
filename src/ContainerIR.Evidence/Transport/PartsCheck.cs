namespace ContainerIR.Evidence.Transport;

/// <summary>What is known of the parts of a transport.</summary>
/// <param name="Name">Name of the bundle inside.</param>
/// <param name="IsEncrypted">Whether an age identity is needed.</param>
/// <param name="PartCount">How many parts the list names.</param>
/// <param name="Missing">Parts that are not there.</param>
/// <param name="Damaged">Parts that are there with other bytes, or cannot be read.</param>
public sealed record PartsCheck(string Name, bool IsEncrypted, int PartCount, IReadOnlyList<string> Missing, IReadOnlyList<string> Damaged);
