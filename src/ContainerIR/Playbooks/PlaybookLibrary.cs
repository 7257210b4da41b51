using System.Reflection;
using System.Text;
using ContainerIR.Actions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Playbooks;

/// <summary>One line of the list of playbooks.</summary>
/// <param name="Slug">What is typed to run it.</param>
/// <param name="Origin"><c>shipped</c>, or the file.</param>
/// <param name="Playbook">The playbook; null when it has faults.</param>
/// <param name="Faults">What is wrong with it.</param>
internal sealed record ListedPlaybook(string Slug, string Origin, Playbook? Playbook, IReadOnlyList<PlaybookFault> Faults);

/// <summary>Where playbooks come from: those in the executable, those of a home's <c>playbooks</c> folder, and files named outright.</summary>
/// <param name="folder">The home's folder of playbooks; it may not exist.</param>
/// <param name="actions">What steps may do.</param>
internal sealed class PlaybookLibrary(string folder, IReadOnlyList<IAction> actions)
{
    private const string Prefix = "playbooks/";

    private static readonly string[] Extensions = [".yaml", ".yml", ".json"];

    /// <summary>Slugs of the shipped playbooks.</summary>
    public static IReadOnlyList<string> Shipped { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^".yaml".Length])
            .Order(StringComparer.Ordinal)];

    /// <summary>Every playbook, those of the folder last.</summary>
    public IReadOnlyList<ListedPlaybook> List() =>
    [
        .. Shipped.Select(slug => Listed(slug, "shipped", Encoding.UTF8.GetBytes(ShippedText(slug)), isYaml: true)),
        .. Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder).Where(IsPlaybookFile).Order(StringComparer.Ordinal).Select(path => Listed(Path.GetFileNameWithoutExtension(path), path, ReadFile(path), IsYaml(path)))
            : [],
    ];

    /// <summary>The YAML of a shipped playbook.</summary>
    public static string ShippedText(string slug)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{Prefix}{slug}.yaml") ?? throw new ArgumentException($"no playbook {slug} is shipped", nameof(slug));
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>A playbook by slug, id or path.</summary>
    /// <exception cref="OperatorException">There is none, or it has faults: all of them are named.</exception>
    public Playbook Open(string name)
    {
        (string origin, Playbook? playbook, IReadOnlyList<PlaybookFault> faults) = Check(name);
        return playbook ?? throw PlaybookFault.Refuse(DisplayText.Escape(origin), faults);
    }

    /// <summary>Reads a playbook by slug, id or path and names every fault.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public (string Origin, Playbook? Playbook, IReadOnlyList<PlaybookFault> Faults) Check(string name)
    {
        if (Locate(name) is { } path)
        {
            (Playbook? read, IReadOnlyList<PlaybookFault> problems) = Read(ReadFile(path), IsYaml(path));
            return (path, read, problems);
        }

        if (Shipped.Contains(name))
        {
            (Playbook? shipped, IReadOnlyList<PlaybookFault> problems) = Read(Encoding.UTF8.GetBytes(ShippedText(name)), isYaml: true);
            return (name, shipped, problems);
        }

        throw new OperatorException($"There is no playbook '{DisplayText.Shorten(name, 100)}'.", $"See what there is: cir playbook list; or name a file. Shipped are: {string.Join(", ", Shipped)}");
    }

    /// <summary>The playbook with a CACAO id; null when none here has it.</summary>
    public Playbook? ById(string id) => List().Select(listed => listed.Playbook).FirstOrDefault(playbook => playbook?.Id == id);

    /// <summary>Reads text of either form.</summary>
    public (Playbook? Playbook, IReadOnlyList<PlaybookFault> Faults) Read(byte[] text, bool isYaml)
    {
        if (!isYaml)
        {
            return CacaoReader.Read(text, actions);
        }

        string yaml;
        try
        {
            yaml = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(text);
        }
        catch (DecoderFallbackException failure)
        {
            return (null, [new PlaybookFault(1, 1, $"the file is not UTF-8 at byte {failure.Index}")]);
        }

        (AuthoredPlaybook? authored, IReadOnlyList<PlaybookFault> faults) = PlaybookLoader.Load(yaml, actions);
        return (authored is null ? null : CacaoReader.OfCompiled(PlaybookCompiler.Compile(authored), actions), faults);
    }

    /// <summary>Whether a file's name says YAML.</summary>
    public static bool IsYaml(string path) => !path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    private ListedPlaybook Listed(string slug, string origin, byte[] text, bool isYaml)
    {
        (Playbook? playbook, IReadOnlyList<PlaybookFault> faults) = Read(text, isYaml);
        return new ListedPlaybook(slug, origin, playbook, faults);
    }

    private string? Locate(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal) || IsPlaybookFile(name))
        {
            return File.Exists(name) ? name : throw new OperatorException($"There is no file {DisplayText.Escape(name)}.", "Name a playbook's file, or one of: cir playbook list");
        }

        string file = name.StartsWith("playbook--", StringComparison.Ordinal) ? name["playbook--".Length..] : name;
        return Extensions.SelectMany(extension => new[] { Path.Combine(folder, name + extension), Path.Combine(folder, file + extension) }).FirstOrDefault(File.Exists);
    }

    private static bool IsPlaybookFile(string path) => Extensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    private static byte[] ReadFile(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read);
            byte[] bytes = new byte[CacaoReader.MaxBytes + 1];
            return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{DisplayText.Escape(path)} cannot be read: {failure.Message}", "Name a readable file.", failure);
        }
    }
}
