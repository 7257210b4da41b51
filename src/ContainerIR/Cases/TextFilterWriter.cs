using System.Buffers.Binary;

namespace ContainerIR.Cases;

/// <summary>
/// Fills the text filter of one table for one bundle. Rows are taken in the order of their numbers and cut into blocks of about 16 KiB of text; of a block the filter
/// holds which grams it has. 64 blocks make a group, stored by gram: a question reads eight bytes for each gram and group. Memory is that of one group, 256 KiB.
/// </summary>
internal sealed class TextFilterWriter(TextGroups groups, string table)
{
    private const int BlocksOfGroup = 64;
    private const int BlockBytes = 16 * 1024;

    // Below this, reading the rows costs less than asking the filter.
    private const int MinFilteredBytes = 256 * 1024;

    private readonly int[] starts = new int[BlocksOfGroup];
    private readonly byte[] piece = new byte[TextGrams.SlotsOfPiece * sizeof(ulong)];
    private ulong[]? slots;
    private int block = -1;
    private int bytesOfBlock;
    private long bytesOfGroup;
    private long first;
    private long last;

    /// <summary>Takes the text of a row. Rows come in the order of their numbers, without a gap.</summary>
    public void Add(long id, ReadOnlySpan<byte> text)
    {
        if (block < 0)
        {
            (block, first) = (0, id);
            starts[0] = 0;
        }
        else if (bytesOfBlock + text.Length > BlockBytes && bytesOfBlock > 0)
        {
            if (block == BlocksOfGroup - 1)
            {
                Flush();
                (block, first) = (0, id);
            }
            else
            {
                starts[++block] = (int)(id - first);
                bytesOfBlock = 0;
            }
        }

        slots ??= new ulong[TextGrams.Slots];
        TextGrams.Set(text, slots, 1UL << block);
        last = id;
        bytesOfBlock += text.Length;
        bytesOfGroup += text.Length;
    }

    /// <summary>Writes what is left of the bundle.</summary>
    public void Flush()
    {
        if (block < 0)
        {
            return;
        }

        bool isFiltered = bytesOfGroup >= MinFilteredBytes;
        byte[]? offsets = isFiltered ? new byte[(block + 1) * sizeof(int)] : null;
        for (int i = 0; offsets is not null && i <= block; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(offsets.AsSpan(i * sizeof(int)), starts[i]);
        }

        long group = groups.Add(table, first, last, offsets);
        for (int i = 0; isFiltered && i < TextGrams.Pieces; i++)
        {
            for (int slot = 0; slot < TextGrams.SlotsOfPiece; slot++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(piece.AsSpan(slot * sizeof(ulong)), slots![(i * TextGrams.SlotsOfPiece) + slot]);
            }

            groups.AddSlice(group, i, piece);
        }

        Array.Clear(slots!);
        (block, bytesOfBlock, bytesOfGroup) = (-1, 0, 0);
        starts[0] = 0;
    }
}

/// <summary>Where the text filters of a bundle put their groups.</summary>
internal sealed class TextGroups(RowQueue queue, long bundleId)
{
    private readonly QueuedInsert groups = queue.Into("text_group", "id", "bundle_id", "of", "first_id", "last_id", "starts");
    private readonly QueuedInsert slices = queue.Into("text_slice", "bundle_id", "group_id", "piece", "bits");
    private long next = queue.NextId("text_group");

    /// <returns>The number of the group.</returns>
    public long Add(string table, long first, long last, byte[]? starts)
    {
        groups.Add(next).Add(bundleId).Add(table).Add(first).Add(last).Add(starts).Run();
        return next++;
    }

    public void AddSlice(long group, int piece, ReadOnlySpan<byte> bits) => slices.Add(bundleId).Add(group).Add(piece).Add(bits).Run();
}
