using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers;

/// <summary>A value a finding rests on.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Text">The value in display form.</param>
/// <param name="Exact">Its bytes where the display form is not them; null else.</param>
public sealed record SeenValue(string Name, string Text, byte[]? Exact = null)
{
    private const int MaxCharacters = 1000;

    /// <summary>A value that is in display form already, cut at a thousand characters: the row named beside it has all.</summary>
    public static SeenValue Of(string name, string display) => new(name, display.Length <= MaxCharacters ? display : display[..MaxCharacters] + "…");

    /// <summary>Text as the engine gave it.</summary>
    public static SeenValue OfRaw(string name, string raw) => new(name, DisplayText.Shorten(raw, MaxCharacters));

    /// <summary>Bytes of a container.</summary>
    public static SeenValue OfBytes(string name, byte[] bytes) => new(name, DisplayText.Escape(bytes), ByteJson.IsPlain(bytes) ? null : bytes);
}

/// <summary>Where in the bundle it stands.</summary>
/// <param name="Item">Path of the item.</param>
/// <param name="Row">Line of the (decompressed) item, from 1; null for a document.</param>
/// <param name="Offset">Of the line's first byte in the (decompressed) item; null where only the line is known.</param>
public sealed record FindingPlace(string Item, long? Row = null, long? Offset = null);

/// <summary>A rule that fired, with its proof.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Severity">The rule's, or lower where it looks like a known false positive.</param>
/// <param name="Seen">The exact values it rests on.</param>
/// <param name="Where">The row of the bundle that holds them.</param>
/// <param name="LoweredBy">Why the severity is below the rule's; null when it is not.</param>
public sealed record Finding(Rule Rule, Severity Severity, IReadOnlyList<SeenValue> Seen, FindingPlace Where, string? LoweredBy = null)
{
    /// <summary>Entry of the allow-list that suppresses it: it stays in the record and is not counted; null when none does.</summary>
    public string? SuppressedBy { get; init; }

    /// <summary>
    /// SHA-256 over the rule's id and the values seen, not over where they stand: the same thing seen in a later bundle of the container has the same. Severity and
    /// suppression are judgements on it and no part of it.
    /// </summary>
    public string Fingerprint
    {
        get
        {
            StringBuilder key = new(Rule.Id);
            foreach (SeenValue value in Seen)
            {
                key.Append('\n').Append(value.Name).Append('\0').Append(value.Exact is { } exact ? Convert.ToHexStringLower(exact) : value.Text);
            }

            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key.ToString())));
        }
    }

    /// <summary>The playbook that fits.</summary>
    public string Playbook => PlaybookOfRule.Of(Rule.Id);
}
