using System.Security.Cryptography;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Journals;

/// <summary>A line of a journal as it was read.</summary>
/// <param name="Bytes">The line, its line feed included where it has one.</param>
/// <param name="Entry">What it says; null where it cannot be read.</param>
/// <param name="Fault">What is wrong with it or with its place in the chain; null when nothing is.</param>
public sealed record JournalLine(byte[] Bytes, JournalEntry? Entry, string? Fault);

/// <summary>Reads a journal line by line and checks the chain. It goes on after a fault; a reader who wants a proven prefix stops at the first.</summary>
public static class JournalReader
{
    /// <summary>Reads to the end, or to a line no journal can have.</summary>
    /// <param name="journal">The bytes of <c>journal.jsonl</c>.</param>
    public static IEnumerable<JournalLine> Read(Stream journal)
    {
        ArgumentNullException.ThrowIfNull(journal);
        LineReader reader = new(journal, JournalFormat.MaxLineBytes);
        long count = 0;
        string prev = JournalFormat.FirstPrev;
        for (long seq = 0; ;)
        {
            (JournalLine Line, string Sha256)? read = ReadOne(reader, count++, seq, prev);
            if (read is null)
            {
                yield break;
            }

            yield return read.Value.Line;
            if (read.Value.Sha256.Length == 0)
            {
                yield break;
            }

            prev = read.Value.Sha256;

            // After a gap the numbers are followed from there: one fault for one missing line.
            seq = (read.Value.Line.Entry?.Seq ?? seq) is var last and < long.MaxValue ? last + 1 : 0;
        }
    }

    private static (JournalLine Line, string Sha256)? ReadOne(LineReader reader, long count, long seq, string prev)
    {
        try
        {
            if (reader.Next() is not ReadOnlyMemory<byte> line)
            {
                return null;
            }

            byte[] bytes = reader.HadLineFeed ? [.. line.Span, (byte)'\n'] : line.ToArray();
            if (!reader.HadLineFeed)
            {
                return (new JournalLine(bytes, null, $"line {seq} is cut short"), "");
            }

            if (count >= JournalFormat.MaxLines)
            {
                return (new JournalLine(bytes, null, $"it has more than {JournalFormat.MaxLines} lines"), "");
            }

            string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
            try
            {
                JournalEntry entry = JournalFormat.Parse(bytes.AsMemory(0, bytes.Length - 1), sha256);
                string? fault = entry.Prev != prev ? $"line {entry.Seq} does not follow the line before it: prev is not that line's SHA-256"
                    : entry.Seq != seq ? $"line {seq} has number {entry.Seq}"
                    : null;
                return (new JournalLine(bytes, entry, fault), sha256);
            }
            catch (FormatException failure)
            {
                return (new JournalLine(bytes, null, $"line {seq} is no journal line: {failure.Message}"), sha256);
            }
        }
        catch (FormatException failure)
        {
            return (new JournalLine([], null, $"line {seq}: {failure.Message}"), "");
        }
    }
}
