using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Exporters;

/// <summary>
/// A BagIt bag (RFC 8493) with what was made of evidence. It is no evidence and is not sealed: it names the signed root of every bundle it was made of,
/// so that it can be made again and compared. It stands under its name only when it is whole.
/// </summary>
internal sealed class DerivedBag : IDisposable
{
    private const string Schema = "containerir-derived/1";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string partial;
    private readonly SortedDictionary<string, (string Sha256, string Sha512)> payload = new(StringComparer.Ordinal);
    private readonly HashSet<string> folders = [];
    private readonly DateTimeOffset madeAt;
    private long payloadBytes;
    private bool isComplete;

    private DerivedBag(string path, DateTimeOffset madeAt) => (Path, partial, this.madeAt) = (path, path + ".partial", madeAt);

    /// <summary>Where it stands once it is complete.</summary>
    public string Path { get; }

    /// <summary>Files below data/.</summary>
    public int Files => payload.Count;

    /// <summary>Their bytes.</summary>
    public long Bytes => payloadBytes;

    /// <exception cref="OperatorException">It cannot be made there.</exception>
    public static DerivedBag Create(string outFolder, string name, DateTimeOffset madeAt)
    {
        DerivedBag bag = new(System.IO.Path.Combine(System.IO.Path.GetFullPath(outFolder), name), madeAt);
        try
        {
            if (Directory.Exists(bag.Path))
            {
                throw new OperatorException($"{DisplayText.Escape(bag.Path)} exists already.", "Wait a second, or choose another place with --out DIR.");
            }

            Directory.CreateDirectory(outFolder);
            Directory.CreateDirectory(bag.partial, OwnerOnly);
            return bag;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{DisplayText.Escape(bag.Path)} cannot be made: {failure.Message}", "Choose a directory you may write to with --out DIR.", failure);
        }
    }

    /// <summary>The folder for what is made of one bundle.</summary>
    public DerivedFolder FolderFor(VerifiedBundle bundle)
    {
        string name = bundle.Name;
        for (int i = 2; !folders.Add(name); i++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{bundle.Name}-{i}");
        }

        return new DerivedFolder(this, "data/" + name + "/");
    }

    /// <summary>Writes manifests and the derivation record, and gives the bag its name.</summary>
    /// <returns>SHA-256 of its tag manifest.</returns>
    public string Complete(IExporter exporter, string agent, IReadOnlyList<VerifiedBundle> parents)
    {
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        string manifest256 = string.Concat(payload.Select(file => $"{file.Value.Sha256}  {file.Key}\n"));
        string manifest512 = string.Concat(payload.Select(file => $"{file.Value.Sha512}  {file.Key}\n"));
        WriteTag("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
        WriteTag("manifest-sha256.txt", manifest256);
        WriteTag("manifest-sha512.txt", manifest512);
        WriteTag("derived.json", Record(exporter, agent, parents));
        StringBuilder info = new();
        info.Append("Bag-Software-Agent: ").Append(agent).Append('\n');
        info.Append(CultureInfo.InvariantCulture, $"Bagging-Date: {madeAt.UtcDateTime:yyyy-MM-dd}\n");
        info.Append("ContainerIR-Schema: ").Append(Schema).Append('\n');
        info.Append("ContainerIR-Export-Format: ").Append(exporter.Name).Append('\n');
        foreach (VerifiedBundle parent in parents)
        {
            info.Append("ContainerIR-Derived-From: ").Append(parent.Name).Append(" tagmanifest-sha256 ").Append(parent.RootSha256).Append('\n');
        }

        info.Append("External-Identifier: ").Append(System.IO.Path.GetFileName(Path)).Append('\n');
        info.Append(CultureInfo.InvariantCulture, $"Payload-Oxum: {payloadBytes}.{payload.Count}\n");
        WriteTag("bag-info.txt", info.ToString());
        string root = string.Concat(tags.Select(tag => $"{tag.Value}  {tag.Key}\n"));
        Write(System.IO.Path.Combine(partial, "tagmanifest-sha256.txt"), root);
        try
        {
            Directory.CreateDirectory(System.IO.Path.Combine(partial, "data"));
            Directory.Move(partial, Path);
        }
        catch (IOException failure)
        {
            throw NotWritten(failure);
        }

        isComplete = true;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(root)));

        void WriteTag(string name, string text)
        {
            Write(System.IO.Path.Combine(partial, name), text);
            tags[name] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        }
    }

    /// <summary>Takes away what is not complete.</summary>
    public void Dispose()
    {
        if (!isComplete && Directory.Exists(partial))
        {
            Directory.Delete(partial, recursive: true);
        }
    }

    /// <summary>Makes a file below data/; its path must be one this program generated.</summary>
    internal DerivedFile CreateFile(string path)
    {
        string full = System.IO.Path.Combine(partial, path);
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full)!);
            return new DerivedFile(NewFile(full), file =>
            {
                payload.Add(path, (file.Sha256, file.Sha512));
                payloadBytes += file.Length;
            });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(failure);
        }
    }

    private string Record(IExporter exporter, string agent, IReadOnlyList<VerifiedBundle> parents)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("schema", Schema);
            json.WriteString("format", exporter.Name);
            json.WriteString("description", exporter.Description);
            json.WriteString("tool", agent);
            json.WriteString("made_at", madeAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            json.WriteStartArray("parents");
            foreach (VerifiedBundle parent in parents)
            {
                json.WriteStartObject();
                json.WriteString("bundle_id", parent.Record.BundleId);
                json.WriteString("bundle", parent.Name);
                json.WriteString("tagmanifest_sha256", parent.RootSha256);
                json.WriteString("verdict", parent.Report.Verdict.ToString().ToLowerInvariant());
                json.WriteStartArray("left_out");
                foreach (string note in parent.Notes)
                {
                    json.WriteStringValue(note);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.ToArray()) + "\n";
    }

    private static FileStream NewFile(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        BufferSize = 0,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    private void Write(string path, string text)
    {
        try
        {
            using FileStream file = NewFile(path);
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(failure);
        }
    }

    private OperatorException NotWritten(Exception failure) =>
        new($"{DisplayText.Escape(Path)} cannot be written: {failure.Message}", "Free space, or choose another place with --out DIR.", failure);
}

/// <summary>The part of a derived bag that is about one bundle.</summary>
internal sealed class DerivedFolder(DerivedBag bag, string prefix)
{
    /// <summary>Makes a file.</summary>
    /// <param name="name">Generated path of <c>[A-Za-z0-9._/-]</c>.</param>
    public DerivedFile Create(string name) => bag.CreateFile(prefix + name);
}
