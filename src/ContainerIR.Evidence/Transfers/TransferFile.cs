using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ContainerIR.Evidence.Bundles;

namespace ContainerIR.Evidence.Transfers;

/// <summary>
/// The bytes of a transfer record. A record has exactly one encoding; bytes that differ from it are refused, so that a JSON parser and a line of sed read
/// the same thing.
/// </summary>
internal static partial class TransferFile
{
    public const int MaxBytes = 256 * 1024;
    public const int MaxNumber = 9999;
    public const int MaxNameCharacters = 200;
    public const int MaxTextCharacters = 2000;
    public static readonly string FirstPrev = new('0', 64);

    public static string PathOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{BundleLayout.SealPrefix}custody-{number:0000}.json");

    public static string GiverOf(int number) => PathOf(number) + ".giver.p7s";

    public static string ReceiverOf(int number) => PathOf(number) + ".receiver.p7s";

    /// <summary>Number of the record a file in seal/ belongs to; null where it belongs to none.</summary>
    public static int? NumberOf(string path) => Owned().Match(path) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    public static byte[] Write(TransferRecord record) => [.. JsonSerializer.SerializeToUtf8Bytes(record, TransferJson.Default.TransferRecord), (byte)'\n'];

    /// <exception cref="FormatException">The bytes are no transfer record; the message says why.</exception>
    public static TransferRecord Parse(ReadOnlySpan<byte> bytes)
    {
        TransferRecord? record;
        try
        {
            record = JsonSerializer.Deserialize(bytes, TransferJson.Default.TransferRecord);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new FormatException($"it cannot be read: {failure.Message}", failure);
        }

        return record is null || record.Schema != TransferRecord.SchemaName ? throw new FormatException($"it is not of the schema {TransferRecord.SchemaName}")
            : Write(record).AsSpan().SequenceEqual(bytes) ? record
            : throw new FormatException("it is not encoded as this format demands");
    }

    /// <summary>One line of <see cref="TransferRecord.SealFiles"/>; null where it is none.</summary>
    public static (string Sha256, string Path)? ParseLine(string line) => Line().Match(line) is { Success: true } match ? (match.Groups[1].Value, match.Groups[2].Value) : null;

    [GeneratedRegex(@"\Aseal/custody-([0-9]{4})\.json(\.(giver|receiver)\.p7s(\.tsr)?)?\z")]
    private static partial Regex Owned();

    [GeneratedRegex(@"\A([0-9a-f]{64})  (seal/[A-Za-z0-9_][A-Za-z0-9._-]{0,99})\z")]
    private static partial Regex Line();
}
