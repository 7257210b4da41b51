using System.Security.Cryptography;
using System.Text.Json;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Journals;

/// <summary>
/// The growing end of a journal. A line is on the device before <see cref="Append"/> returns. Any thread may append; once a write failed,
/// every further one fails: the file's end is not known to be a whole line.
/// </summary>
internal sealed class JournalWriter : IDisposable
{
    public const string FileName = "journal.jsonl";

    private readonly HashedFile file;
    private readonly TimeProvider clock;
    private readonly MerkleTree tree;
    private readonly Lock gate = new();
    private BundleWriteException? failure;

    private JournalWriter(HashedFile file, TimeProvider clock, MerkleTree tree, string head)
    {
        (this.file, this.clock, this.tree) = (file, clock, tree);
        Head = head;
    }

    /// <summary>SHA-256 of the last line.</summary>
    public string Head { get; private set; }

    public long Count => tree.Size;

    public static JournalWriter Create(BundleFolder folder, TimeProvider clock)
    {
        JournalWriter journal = new(new HashedFile(folder.CreateFile(FileName)), clock, new MerkleTree(), JournalFormat.FirstPrev);
        journal.file.Lock();
        folder.SyncDirectoryOf(FileName);
        return journal;
    }

    /// <summary>
    /// Goes on with an interrupted journal: its proven lines are written to a new file, which then takes the name, so that a crash leaves the one
    /// or the other.
    /// </summary>
    public static JournalWriter Continue(BundleFolder folder, TimeProvider clock, IEnumerable<byte[]> provenLines)
    {
        const string temporary = FileName + ".tmp";
        folder.Remove(temporary);
        JournalWriter journal = new(new HashedFile(folder.CreateFile(temporary)), clock, new MerkleTree(), JournalFormat.FirstPrev);
        journal.file.Lock();
        try
        {
            foreach (byte[] line in provenLines)
            {
                journal.AppendLine(line, sync: false);
            }

            journal.file.Sync();
            folder.Rename(temporary, FileName);
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <exception cref="BundleWriteException">The line is not on the device.</exception>
    public JournalEntry Append(string @event, Action<Utf8JsonWriter>? fields)
    {
        lock (gate)
        {
            DateTimeOffset at = clock.GetUtcNow();
            long monoNs = (long)(clock.GetTimestamp() * (1e9m / clock.TimestampFrequency));
            string prev = Head;
            byte[] line = JournalFormat.Write(Count, prev, at, monoNs, @event, fields);
            if (line.Length > JournalFormat.MaxLineBytes)
            {
                // Fields can carry text of the container; a line no reader takes would spoil the whole journal.
                byte[] full = line;
                line = JournalFormat.Write(Count, prev, at, monoNs, @event, json =>
                {
                    json.WriteNumber("omitted_line_bytes", full.Length);
                    json.WriteString("omitted_line_sha256", Convert.ToHexStringLower(SHA256.HashData(full)));
                });
            }

            AppendLine(line, sync: true);
            return JournalFormat.Parse(line.AsMemory(0, line.Length - 1), Head);
        }
    }

    /// <summary>Closes the file; the tree and the digests stay readable.</summary>
    public (WrittenFile File, MerkleTree Tree) Finish() => (file.Finish(FileName), tree);

    public void Dispose() => file.Dispose();

    private void AppendLine(ReadOnlySpan<byte> line, bool sync)
    {
        if (failure is not null)
        {
            throw new BundleWriteException(failure.Message, failure);
        }

        try
        {
            file.Write(line);
            if (sync)
            {
                file.Sync();
            }
        }
        catch (BundleWriteException written)
        {
            failure = written;
            throw;
        }

        tree.Append(line);
        Head = Convert.ToHexStringLower(SHA256.HashData(line));
    }
}
