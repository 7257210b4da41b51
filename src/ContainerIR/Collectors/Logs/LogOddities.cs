using ContainerIR.Rows;

namespace ContainerIR.Collectors.Logs;

/// <summary>What is odd about a record or line, as bits; <see cref="LogFlags"/> has the words.</summary>
[Flags]
internal enum LogOddities
{
    None = 0,
    NotARecord = 1,
    Nul = 2,
    NoTime = 4,
    TimeBackwards = 8,
    BeforeContainer = 16,
    Unfinished = 32,
    CutRecord = 64,
    ReplacedBytes = 128,
    Controls = 256,
    Cut = 512,
    ForeignSender = 1024,
}

/// <summary>From bits to words.</summary>
internal static class LogOdditiesWords
{
    private static readonly (LogOddities Bit, string Word)[] All =
    [
        (LogOddities.NotARecord, LogFlags.NotARecord), (LogOddities.Nul, LogFlags.Nul), (LogOddities.NoTime, LogFlags.NoTime),
        (LogOddities.TimeBackwards, LogFlags.TimeBackwards), (LogOddities.BeforeContainer, LogFlags.BeforeContainer), (LogOddities.Unfinished, LogFlags.Unfinished),
        (LogOddities.CutRecord, LogFlags.CutRecord), (LogOddities.ReplacedBytes, LogFlags.ReplacedBytes), (LogOddities.Controls, LogFlags.Controls), (LogOddities.Cut, LogFlags.Cut),
        (LogOddities.ForeignSender, LogFlags.ForeignSender),
    ];

    /// <summary>The words of the bits set; the shared empty list for none.</summary>
    public static IReadOnlyList<string> Words(this LogOddities oddities) => oddities == LogOddities.None ? [] : [.. All.Where(pair => oddities.HasFlag(pair.Bit)).Select(pair => pair.Word)];
}
