using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Shippers;

/// <summary>How far each bundle has come to one receiver. It never says more than is safe: what is behind it is sent again after a crash.</summary>
internal sealed class ShipCursor
{
    private readonly string file;
    private ShipCursorDocument document;

    private ShipCursor(string file, ShipCursorDocument document) => (this.file, this.document) = (file, document);

    /// <summary>Reads it, or begins a new one: also when it is broken or counts rows of another form, because sending twice is right and leaving out is not.</summary>
    public static ShipCursor Open(string folder, ShipTarget target)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(target.Shown)).AsSpan(0, 8));
        string file = Path.Combine(folder, $"ship-{name}.json");
        ShipCursorDocument fresh = new(Exporters.EvidenceEvents.Form, target.Shown, []);
        try
        {
            return new ShipCursor(
                file,
                File.Exists(file) && JsonSerializer.Deserialize(File.ReadAllText(file), ShipCursorJson.Default.ShipCursorDocument) is { } known && known.Form == fresh.Form && known.Target == fresh.Target && known.Sent is not null ? known : fresh);
        }
        catch (JsonException)
        {
            return new ShipCursor(file, fresh);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(file, failure);
        }
    }

    /// <summary>Events of a bundle that have arrived for sure.</summary>
    public long this[string root] => document.Sent.GetValueOrDefault(root);

    /// <summary>Says that a bundle has come so far; on disk when it returns.</summary>
    public void Save(string root, long count)
    {
        document = document with { Sent = new SortedDictionary<string, long>(document.Sent) { [root] = count } };
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            string partial = file + ".partial";
            using (FileStream stream = new(partial, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            {
                JsonSerializer.Serialize(stream, document, ShipCursorJson.Default.ShipCursorDocument);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, file, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(file, failure);
        }
    }

    private static OperatorException NotWritten(string file, Exception failure) =>
        new($"The record of what was sent cannot be kept in {DisplayText.Escape(file)}: {failure.Message}", "Check rights and free space there.", failure);
}

/// <summary>The file.</summary>
/// <param name="Form">Form of the rows that are counted.</param>
/// <param name="Target">Receiver.</param>
/// <param name="Sent">Events that arrived, by the signed root of their bundle.</param>
internal sealed record ShipCursorDocument(int Form, string Target, SortedDictionary<string, long> Sent);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ShipCursorDocument))]
internal sealed partial class ShipCursorJson : JsonSerializerContext;
