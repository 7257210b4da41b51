namespace ContainerIR.Evidence.Items;

/// <summary>Something that was sought and not obtained, and why. A gap is evidence too: it is journaled and sealed.</summary>
/// <param name="Collector">Name of the collector that sought it.</param>
/// <param name="Sought">What it was, in words or as a display path.</param>
/// <param name="Reason">Why it could not be had: the error as the source gave it, or the limit that forbade it.</param>
/// <param name="At">When this was found (UTC).</param>
public sealed record Gap(string Collector, string Sought, string Reason, DateTimeOffset At);
