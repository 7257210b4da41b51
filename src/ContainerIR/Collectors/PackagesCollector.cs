using System.Buffers;
using System.Reflection;
using System.Text.Json;
using ContainerIR.Collectors.Packages;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Linux.Overlays;
using ContainerIR.Rows;
using ContainerIR.Runtimes;

namespace ContainerIR.Collectors;

/// <summary>
/// The software in the container: packages of the system and of languages, each with the layer it came in, as a bill of materials (CycloneDX 1.6) and as
/// rows; and the files that are not as their packages brought them. All is read from the layers; nothing is executed. Derived: the bytes it speaks of are
/// the image's layers and upper.tar.
/// </summary>
internal sealed class PackagesCollector(CollectionContext context) : ICollector
{
    private const int MaxGaps = 50;
    private const int FlushBytes = 256 * 1024;

    public string Name => "packages";

    public Volatility Volatility => Volatility.Archive;

    public async Task CollectAsync(ContainerRef container, IEvidenceSink sink, CancellationToken ct)
    {
        using ContainerLayers? layers = await ContainerLayers.OpenAsync(context, container, "packages", sink, ct);
        if (layers is null)
        {
            return;
        }

        GapBudget gaps = new(sink, MaxGaps);
        Reading reading = new();

        // One thread reads and hashes: its calls block for as long as the disk does, so it is none of the pool's.
        await Task.Factory.StartNew(() => reading.Run(layers, gaps, ct), ct, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        gaps.Complete("no list: they are files whose form is broken");
        await WriteAsync(container, layers, reading, sink, ct);
    }

    private async Task WriteAsync(ContainerRef container, ContainerLayers layers, Reading reading, IEvidenceSink sink, CancellationToken ct)
    {
        (string distribution, string version) = reading.Distribution;
        Dictionary<FoundPackage, int> changed = reading.Changed.Where(file => !file.Expected.IsConfiguration).GroupBy(file => file.Package).ToDictionary(group => group.Key, group => group.Count());
        List<SbomPackage> packages =
        [
            .. reading.Packages.Select(package => new SbomPackage(
                package, PackageUrl.Of(package, distribution, version), layers.OriginOf(package.Layer), layers.DiffIdOf(package.Layer), changed.GetValueOrDefault(package))),
        ];
        SbomSubject subject = new(
            container.Id, container.Name, container.ImageId, container.ImageName, distribution, version, ToolVersion, Guid.NewGuid(), context.Clock.GetUtcNow());
        ArrayBufferWriter<byte> sbom = new();
        await using (Utf8JsonWriter json = new(sbom, new JsonWriterOptions { Indented = true }))
        {
            CycloneDxWriter.Write(json, subject, packages);
        }

        const string source = "derived from the package databases and files of the layers";
        await sink.AddAsync("packages.cdx.json", sbom.WrittenMemory, new ItemOptions(source), ct);
        await AddRowsAsync("packages.jsonl", source, packages, WriteRow, sink, ct);
        await AddRowsAsync("changed-files.jsonl", "derived: files of packages against the digests their databases name", reading.Changed, (json, file) => WriteRow(json, file, layers), sink, ct);
        await sink.AddJsonAsync("packages.json", source, json => WriteSummary(json, layers, reading, packages), ct);
    }

    private static string ToolVersion => typeof(PackagesCollector).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    private static async Task AddRowsAsync<T>(string name, string source, IReadOnlyList<T> rows, Action<Utf8JsonWriter, T> write, IEvidenceSink sink, CancellationToken ct)
    {
        await using ItemWriter item = sink.Create(name, new ItemOptions(source));
        ArrayBufferWriter<byte> buffer = new();
        await using Utf8JsonWriter json = new(buffer);
        foreach (T row in rows)
        {
            json.WriteStartObject();
            write(json, row);
            json.WriteEndObject();
            await json.FlushAsync(ct);
            json.Reset();
            buffer.Write("\n"u8);
            if (buffer.WrittenCount > FlushBytes)
            {
                await item.WriteAsync(buffer.WrittenMemory, ct);
                buffer.ResetWrittenCount();
            }
        }

        await item.WriteAsync(buffer.WrittenMemory, ct);
        await item.CompleteAsync(null, ct);
    }

    private static void WriteRow(Utf8JsonWriter json, SbomPackage package)
    {
        FoundPackage found = package.Package;
        json.WriteString("kind", found.Kind);
        json.WriteString("name", DisplayText.Escape(found.Name));
        json.WriteString("version", DisplayText.Escape(found.Version));
        json.WriteString("architecture", found.Architecture is null ? null : DisplayText.Escape(found.Architecture));
        json.WriteString("source_package", found.Source is null ? null : DisplayText.Escape(found.Source));
        json.WriteString("origin", package.Origin);
        json.WriteNumber("layer", found.Layer);
        json.WriteString("layer_diff_id", package.DiffId);
        json.WriteBoolean("added_at_run_time", found.IsAddedAtRunTime);
        json.WriteNumber("changed_files", package.ChangedFiles);
        json.WriteString("found_in", found.Evidence);
        json.WriteString("purl", package.Purl);
    }

    private static void WriteRow(Utf8JsonWriter json, ChangedFile file, ContainerLayers layers)
    {
        ByteJson.Write(json, "path", [(byte)'/', .. file.Path]);
        json.WriteString("state", file.State);
        json.WriteString("package", DisplayText.Escape(file.Package.Name));
        json.WriteString("version", DisplayText.Escape(file.Package.Version));
        json.WriteString("kind", file.Package.Kind);
        json.WriteBoolean("system_program", file.IsSystemProgram);
        json.WriteBoolean("configuration", file.Expected.IsConfiguration);
        json.WriteString("origin", layers.OriginOf(file.Layer));
        json.WriteNumber("layer", file.Layer);
        json.WriteString("algorithm", file.Expected.Algorithm);
        json.WriteString("expected", file.Expected.Hex);
        json.WriteString("actual", file.Actual);
        json.WriteString("sha256", file.Sha256);
        json.WriteNumber("size_bytes", file.SizeBytes);
        json.WriteString("error", file.Error);
    }

    private static void WriteSummary(Utf8JsonWriter json, ContainerLayers layers, Reading reading, List<SbomPackage> packages)
    {
        json.WriteTexts("databases", reading.Databases);
        json.WriteNumber("packages", packages.Count);
        WriteCounts(json, "by_kind", packages.GroupBy(package => package.Package.Kind));
        WriteCounts(json, "by_origin", packages.GroupBy(package => package.Origin));
        json.WriteString("base_image_boundary", $"{layers.Image.Base.Confidence}: {layers.Image.Base.Why}");
        json.WriteTexts("added_at_run_time", packages.Where(package => package.Package.IsAddedAtRunTime).Take(1000).Select(package => $"{package.Package.Kind} {package.Package.Name} {package.Package.Version}"));
        json.WriteTexts("removed_at_run_time", reading.Removed.Take(1000).Select(package => $"{package.Kind} {package.Name} {package.Version}"));
        json.WriteNumber("files_compared", reading.FilesCompared);
        json.WriteNumber("files_left_out_of_the_image", reading.FilesMissingInImage);
        json.WriteTexts(
            "changed_system_programs",
            reading.Changed.Where(file => file.IsSystemProgram).Take(1000).Select(file => $"/{DisplayText.Escape(file.Path)} of {file.Package.Name} {file.Package.Version}: {file.State}"));
        json.WriteNumber("other_changed_files", reading.Changed.Count(file => !file.IsSystemProgram));
    }

    private static void WriteCounts(Utf8JsonWriter json, string name, IEnumerable<IGrouping<string, SbomPackage>> groups)
    {
        json.WriteStartObject(name);
        foreach (IGrouping<string, SbomPackage> group in groups.OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(group.Key, group.Count());
        }

        json.WriteEndObject();
    }

    /// <summary>What one pass over the layers gave.</summary>
    private sealed class Reading
    {
        public List<FoundPackage> Packages { get; } = [];

        public IReadOnlyList<FoundPackage> Removed { get; private set; } = [];

        public IReadOnlyList<string> Databases { get; private set; } = [];

        public IReadOnlyList<ChangedFile> Changed { get; private set; } = [];

        public long FilesCompared { get; private set; }

        public long FilesMissingInImage { get; private set; }

        public (string Id, string Version) Distribution { get; private set; } = ("", "");

        public void Run(ContainerLayers layers, GapBudget gaps, CancellationToken ct)
        {
            using MergedTree tree = new(layers.Stack, 0);
            Distribution = ReadDistribution(tree);
            PackageDatabases databases = new(layers.Stack, gaps.Add);
            databases.Read(ct);
            LanguagePackages languages = new(gaps.Add);
            tree.Walk(new WalkLimits(), LanguagePackages.IsWanted, languages.Visit, gaps.Add, ct);
            Packages.AddRange(databases.Installed.Select(pair => pair.Package));
            Packages.AddRange(languages.Found);
            (Removed, Databases) = (databases.RemovedAtRunTime, databases.Found);
            using FileIntegrity integrity = new(layers.Stack, gaps.Add);
            integrity.Check(databases.Installed, ct);
            (Changed, FilesCompared, FilesMissingInImage) = (integrity.Changed, integrity.Checked, integrity.MissingInImage);
        }

        private static (string, string) ReadDistribution(MergedTree tree)
        {
            using MergedFile? file = tree.Open("etc/os-release") ?? tree.Open("usr/lib/os-release");
            try
            {
                Dictionary<string, string> fields = file is null ? [] : HostFacts.ParseOsRelease(file.ReadAll(64 * 1024));
                return (fields.GetValueOrDefault("ID") ?? "", fields.GetValueOrDefault("VERSION_ID") ?? "");
            }
            catch (HostFileException)
            {
                return ("", "");
            }
        }
    }
}
