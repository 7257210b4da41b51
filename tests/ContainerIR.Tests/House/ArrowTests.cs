using System.Text.RegularExpressions;
using System.Xml.Linq;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.House;

/// <summary>The arrows of docs/architecture.md, read from the document and held against the code.</summary>
public sealed partial class The_house
{
    private static readonly string Product = Path.Combine(Repository.Root, "src", "ContainerIR");

    [Fact]
    public void Has_only_the_arrows_its_document_draws()
    {
        Dictionary<string, HashSet<string>> allowed = ArrowsOfTheDocument();
        List<string> wrong = [];
        foreach (string file in SourceFiles(Product))
        {
            string folder = Path.GetRelativePath(Product, file).Split('/')[0];
            if (folder.EndsWith(".cs", StringComparison.Ordinal))
            {
                continue;
            }

            if (!allowed.TryGetValue(folder, out HashSet<string>? targets))
            {
                wrong.Add($"{folder} is not in docs/architecture.md");
                continue;
            }

            foreach (string target in FoldersNamedIn(File.ReadAllText(file), allowed.Keys))
            {
                if (target != folder && !targets.Contains(target))
                {
                    wrong.Add($"{Path.GetRelativePath(Repository.Root, file)} uses {target}: no arrow {folder} -> {target}");
                }
            }
        }

        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void Is_one_chain_of_three_projects()
    {
        Assert.Empty(ReferencesOf("src/ContainerIR.Evidence/ContainerIR.Evidence.csproj", "ProjectReference"));
        Assert.Equal(["../ContainerIR.Evidence/ContainerIR.Evidence.csproj"], ReferencesOf("src/ContainerIR/ContainerIR.csproj", "ProjectReference"));
        Assert.Equal(["../ContainerIR/ContainerIR.csproj"], ReferencesOf("src/ContainerIR.Cli/ContainerIR.Cli.csproj", "ProjectReference"));
    }

    [Fact]
    public void Gives_evidence_no_package_but_the_one_for_its_proof() =>
        Assert.Equal(
            ["BouncyCastle.Cryptography"],
            ReferencesOf("src/ContainerIR.Evidence/ContainerIR.Evidence.csproj", "PackageReference").Where(package => !package.Contains("Analyzers", StringComparison.Ordinal)));

    [Fact]
    public void Calls_the_kernel_from_one_folder_and_one_file_of_evidence()
    {
        IEnumerable<string> elsewhere = SourceFiles(Path.Combine(Repository.Root, "src"))
            .Where(file => File.ReadAllText(file).Contains("LibraryImport(", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Repository.Root, file))
            .Where(file => !file.StartsWith("src/ContainerIR/Linux/", StringComparison.Ordinal) && !file.EndsWith("/Posix.cs", StringComparison.Ordinal));
        Assert.Empty(elsewhere);
    }

    [Fact]
    public void Has_no_type_named_for_nothing()
    {
        Regex empty = VagueNames();
        IEnumerable<string> vague = SourceFiles(Path.Combine(Repository.Root, "src"))
            .Select(file => Path.GetFileNameWithoutExtension(file)!)
            .Where(name => empty.IsMatch(name));
        Assert.Empty(vague);
    }

    // A test that mounts the socket of one machine's engine passes there and nowhere else.
    [Fact]
    public void Asks_where_the_engine_is_and_names_no_socket_of_one_machine()
    {
        IEnumerable<string> named = SourceFiles(Path.Combine(Repository.Root, "src")).Concat(SourceFiles(Path.Combine(Repository.Root, "tests")))
            .Where(file => SocketOfAMachine().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(Repository.Root, file));
        Assert.Empty(named);
    }

    private static Dictionary<string, HashSet<string>> ArrowsOfTheDocument()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md"));
        string block = ArrowBlock().Match(text).Groups[1].Value;
        Assert.NotEmpty(block);
        return block.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split("->"))
            .ToDictionary(
                side => side[0].Trim(),
                side => side[1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet());
    }

    private static IEnumerable<string> FoldersNamedIn(string code, IEnumerable<string> folders) =>
        folders.Where(folder => Regex.IsMatch(code, $@"(?<![\w.])(ContainerIR\.)?{folder}\.[A-Z]|using ContainerIR\.{folder}\b"));

    private static IEnumerable<string> SourceFiles(string root) =>
        Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static string[] ReferencesOf(string project, string kind) =>
        [.. XDocument.Load(Path.Combine(Repository.Root, project)).Descendants(kind).Select(element => (string)element.Attribute("Include")!)];

    [GeneratedRegex(@"/tmp/[\w.-]+/docker\.sock")]
    private static partial Regex SocketOfAMachine();

    [GeneratedRegex("```arrows\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ArrowBlock();

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Common|Core|Service|Data)$")]
    private static partial Regex VagueNames();
}
