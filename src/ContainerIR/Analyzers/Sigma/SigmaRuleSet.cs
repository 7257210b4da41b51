using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Yaml;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>Compiled rules, and what could not be compiled.</summary>
internal sealed class SigmaRuleSet(IReadOnlyList<SigmaOutcome> outcomes)
{
    /// <summary>File in a folder of rules that gives values to the modifier expand: a map from name to list of texts.</summary>
    public const string PlaceholderFile = "placeholders.yml";

    private const int MaxFiles = 20_000;
    private const int MaxFileBytes = 1024 * 1024;

    private static readonly EnumerationOptions Search = new() { RecurseSubdirectories = true, MaxRecursionDepth = 16, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.ReparsePoint };
    private static readonly Dictionary<string, IReadOnlyList<string>> NoPlaceholders = [];

    /// <summary>The rules of the program's own.</summary>
    public static SigmaRuleSet Own { get; } = ReadOwn();

    public IReadOnlyList<SigmaOutcome> Outcomes => outcomes;

    public IEnumerable<SigmaRule> Rules => outcomes.Select(outcome => outcome.Rule).OfType<SigmaRule>();

    /// <summary>Reads all <c>*.yml</c> and <c>*.yaml</c> of the folders and below, by name.</summary>
    /// <exception cref="OperatorException">A folder cannot be read or has no rules.</exception>
    public static SigmaRuleSet ReadFolders(IEnumerable<string> folders)
    {
        List<SigmaOutcome> outcomes = [];
        foreach (string folder in folders)
        {
            string shown = DisplayText.Escape(folder);
            try
            {
                string[] files =
                [
                    .. Directory.EnumerateFiles(folder, "*.y*ml", Search).Where(file => Path.GetExtension(file) is ".yml" or ".yaml").Take(MaxFiles + 1).Order(StringComparer.Ordinal),
                ];
                if (files.Length is 0 or > MaxFiles)
                {
                    throw new OperatorException($"{shown} has {(files.Length == 0 ? "no" : $"more than {MaxFiles}")} rule files (*.yml).", "Name a folder of Sigma rules, for instance rules/linux of SigmaHQ/sigma.");
                }

                string ownPlaceholders = Path.Combine(folder, PlaceholderFile);
                SigmaRuleReader reader = new(files.Contains(ownPlaceholders) ? Placeholders(ReadText(ownPlaceholders), shown) : NoPlaceholders, _ => null);
                foreach (string file in files.Where(file => file != ownPlaceholders))
                {
                    string name = DisplayText.Shorten(Path.GetRelativePath(folder, file), 256);
                    outcomes.AddRange(new FileInfo(file).Length > MaxFileBytes ? [new SigmaOutcome(name, "", null, $"larger than {MaxFileBytes} bytes")] : reader.Read(name, ReadText(file)));
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new OperatorException($"The rules of {shown} cannot be read: {failure.Message}", "Name a folder that can be read.", failure);
            }
        }

        return new SigmaRuleSet(outcomes);
    }

    private static string ReadText(string file) => File.ReadAllText(file, Encoding.UTF8);

    private static Dictionary<string, IReadOnlyList<string>> Placeholders(string text, string folder)
    {
        try
        {
            return YamlReader.ReadAll(text) is [YamlMap map]
                ? map.Entries.ToDictionary(entry => entry.Key.Text, IReadOnlyList<string> (entry) => [.. map.TextsOf(entry.Key.Text)])
                : throw new FormatException("it is no map");
        }
        catch (FormatException failure)
        {
            throw new OperatorException($"{PlaceholderFile} of {folder} cannot be used: {failure.Message}", "It is a map from the name of a placeholder to a list of texts.", failure);
        }
    }

    private static SigmaRuleSet ReadOwn()
    {
        System.Reflection.Assembly here = typeof(SigmaRuleSet).Assembly;
        string Text(string name)
        {
            using StreamReader file = new(here.GetManifestResourceStream(name)!);
            return file.ReadToEnd();
        }

        const string folder = "rules/", placeholders = folder + PlaceholderFile;
        SigmaRuleReader reader = new(Placeholders(Text(placeholders), folder), id => RuleList.All.FirstOrDefault(rule => rule.Id == id));
        return new SigmaRuleSet(
        [
            .. here.GetManifestResourceNames().Where(name => name.StartsWith(folder, StringComparison.Ordinal) && name != placeholders).Order(StringComparer.Ordinal)
                .SelectMany(name => reader.Read(name, Text(name))),
        ]);
    }
}
