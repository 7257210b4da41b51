using System.Runtime.CompilerServices;
using System.Text;

namespace ContainerIR.Cases;

/// <summary>
/// The unit of the text filter: four bytes of UTF-8 in a row, ASCII letters folded, hashed to one of <see cref="Slots"/>. A text can hold another only where it
/// has all of its grams. Four and not three: the digits of addresses and times fill a filter of three with all there are.
/// </summary>
internal static class TextGrams
{
    public const int Length = 4;

    /// <summary>Slots of one piece: eight bytes each for 64 blocks, as many as one page of SQLite (4,096 bytes) takes without an overflow page.</summary>
    public const int SlotsOfPiece = 504;

    public const int Pieces = 65;

    public const int Slots = SlotsOfPiece * Pieces;

    private const int MaxAsked = 48;

    private static readonly byte[] Fold = MakeFold();

    /// <summary>Sets one bit for each gram of a text.</summary>
    public static void Set(ReadOnlySpan<byte> text, ulong[] slots, ulong bit)
    {
        if (text.Length < Length)
        {
            return;
        }

        byte[] fold = Fold;
        uint gram = ((uint)fold[text[0]] << 16) | ((uint)fold[text[1]] << 8) | fold[text[2]];
        for (int i = Length - 1; i < text.Length; i++)
        {
            gram = (gram << 8) | fold[text[i]];
            slots[SlotOf(gram)] |= bit;
        }
    }

    /// <summary>Slots all of which a text has that holds this one; empty when it is too short to say.</summary>
    public static int[] SlotsOf(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        HashSet<int> slots = [];
        for (int i = 0; i + Length <= bytes.Length && slots.Count < MaxAsked; i++)
        {
            slots.Add(SlotOf(((uint)Fold[bytes[i]] << 24) | ((uint)Fold[bytes[i + 1]] << 16) | ((uint)Fold[bytes[i + 2]] << 8) | Fold[bytes[i + 3]]));
        }

        return [.. slots];
    }

    // Multiplicative hashing (Knuth, TAOCP 3, 6.4), then scaled to the range.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SlotOf(uint gram) => (int)((ulong)(gram * 2654435769u) * Slots >> 32);

    private static byte[] MakeFold()
    {
        byte[] fold = new byte[256];
        for (int i = 0; i < fold.Length; i++)
        {
            fold[i] = i is >= 'A' and <= 'Z' ? (byte)(i + 32) : (byte)i;
        }

        return fold;
    }
}
