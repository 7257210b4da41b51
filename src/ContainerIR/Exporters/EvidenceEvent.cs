using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ContainerIR.Analyzers;
using ContainerIR.Diffs;
using ContainerIR.Rows;

namespace ContainerIR.Exporters;

/// <summary>Something a row of evidence says happened at an instant. The row itself stands beside it, for formats that have fields for it.</summary>
internal sealed record EvidenceEvent
{
    /// <summary>When, ns since 1970 (UTC).</summary>
    public required long AtNs { get; init; }

    /// <summary>What the instant means: <c>modified</c>, <c>started</c>, <c>logged</c> … Several joined by <c>+</c> where they are the same instant.</summary>
    public required string Meaning { get; init; }

    /// <summary>What kind of evidence says so: see <see cref="EventSources"/>.</summary>
    public required string Source { get; init; }

    /// <summary>What happened, display form.</summary>
    public required string Message { get; init; }

    /// <summary>Item of the bundle that says so.</summary>
    public required string Item { get; init; }

    /// <summary>Its line there, from 1; 0 for a finding on a whole item.</summary>
    public required long Row { get; init; }

    /// <summary>Changed file, if it is about one.</summary>
    public DiffEntry? File { get; init; }

    /// <summary>Whether the instant is of the original below and not of the changed object.</summary>
    public bool IsOriginal { get; init; }

    /// <summary>Process, if it is about one.</summary>
    public ProcessRow? Process { get; init; }

    /// <summary>Socket, if it is about one.</summary>
    public SocketRow? Socket { get; init; }

    /// <summary>Event of the engine, if it is one.</summary>
    public EventRow? Engine { get; init; }

    /// <summary>Line of output, if it is one.</summary>
    public LogRow? Log { get; init; }

    /// <summary>Finding of triage, if it is one. It is a judgement on the row, not the row.</summary>
    public Finding? Finding { get; init; }

    /// <summary>The object the instant is of; null where it is about no file.</summary>
    public DiffObject? Object => IsOriginal ? File?.Original : File?.Object;

    /// <summary>
    /// The same for the same row of the same bundle, whenever and by whomever it is made: a receiver that was sent it twice keeps one. 128 bits of
    /// SHA-256 over bundle, item, row, instant, meaning and side, and of a finding its fingerprint.
    /// </summary>
    public string IdIn(string bundleId)
    {
        string key = string.Concat(bundleId, "\n", Item, "\n", Meaning, IsOriginal ? "\noriginal" : "\n", Finding?.Fingerprint);
        Span<byte> text = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(text, Row);
        BinaryPrimitives.WriteInt64BigEndian(text[8..], AtNs);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(key));
        hash.AppendData(text);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}

/// <summary>Words of <see cref="EvidenceEvent.Source"/>.</summary>
internal static class EventSources
{
    public const string File = "file";
    public const string Process = "process";
    public const string Socket = "socket";
    public const string Log = "log";
    public const string Engine = "engine";

    /// <summary>Of the engine, about something else than the container acquired.</summary>
    public const string EngineOther = "engine-other";

    /// <summary>Of triage: what an analyzer concludes from the rows.</summary>
    public const string Finding = "finding";

    /// <summary>Of the acquisition itself: the bundle's journal.</summary>
    public const string Custody = "custody";
}
