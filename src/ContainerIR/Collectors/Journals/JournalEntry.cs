using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ContainerIR.Collectors.Journals;

/// <summary>One entry of a journal.</summary>
internal sealed record JournalEntry
{
    /// <summary>Number within its file's sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>When journald received it, µs since 1970.</summary>
    public required ulong RealtimeUs { get; init; }

    /// <summary>The same since boot.</summary>
    public required ulong MonotonicUs { get; init; }

    /// <summary>Boot it is of.</summary>
    public required string BootId { get; init; }

    /// <summary>Fields, <c>NAME=value</c> as bytes.</summary>
    public required IReadOnlyList<byte[]> Fields { get; init; }

    /// <summary>When journald received it, ns since 1970; null when that is beyond what can be.</summary>
    public long? TimeNs => RealtimeUs <= long.MaxValue / 1000 ? (long)RealtimeUs * 1000 : null;

    /// <summary>Value of the first field of a name; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Value(string name)
    {
        foreach (byte[] field in Fields)
        {
            if (field.Length > name.Length && field[name.Length] == '=' && Ascii.Equals(field.AsSpan(0, name.Length), name))
            {
                return field.AsMemory(name.Length + 1);
            }
        }

        return default;
    }

    /// <summary>Value of a field as ASCII; empty when there is none.</summary>
    public string Text(string name) => Encoding.Latin1.GetString(Value(name).Span);

    /// <summary>Writes it in the Journal Export Format (systemd.io, JOURNAL_EXPORT_FORMATS): what journalctl -o export writes and systemd-journal-remote reads.</summary>
    public void WriteExport(IBufferWriter<byte> output)
    {
        WriteLine(output, string.Create(CultureInfo.InvariantCulture, $"__REALTIME_TIMESTAMP={RealtimeUs}"));
        WriteLine(output, string.Create(CultureInfo.InvariantCulture, $"__MONOTONIC_TIMESTAMP={MonotonicUs}"));
        WriteLine(output, string.Create(CultureInfo.InvariantCulture, $"__SEQNUM={Sequence}"));
        WriteLine(output, "_BOOT_ID=" + BootId);
        Span<byte> length = stackalloc byte[8];
        foreach (byte[] field in Fields)
        {
            int equals = field.AsSpan().IndexOf((byte)'=');
            if (equals <= 0 || field.AsSpan(0, equals).SequenceEqual("_BOOT_ID"u8))
            {
                continue;
            }

            if (!field.AsSpan(equals).ContainsAnyInRange((byte)0, (byte)0x1f))
            {
                output.Write(field);
            }
            else
            {
                BinaryPrimitives.WriteInt64LittleEndian(length, field.Length - equals - 1);
                output.Write(field.AsSpan(0, equals));
                output.Write("\n"u8);
                output.Write(length);
                output.Write(field.AsSpan(equals + 1));
            }

            output.Write("\n"u8);
        }

        output.Write("\n"u8);
    }

    private static void WriteLine(IBufferWriter<byte> output, string line)
    {
        output.Write(Encoding.ASCII.GetBytes(line));
        output.Write("\n"u8);
    }
}
