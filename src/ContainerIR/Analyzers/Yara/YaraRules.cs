using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Analyzers.Yara;

/// <summary>Files of YARA rules that were found good, and how they are run.</summary>
/// <param name="Files">Rule files; empty for none.</param>
/// <param name="Program">What runs them; not there when the machine has no yara.</param>
/// <param name="Total">How long all scans of one bundle may take.</param>
internal sealed record YaraRules(IReadOnlyList<string> Files, YaraProgram Program, TimeSpan Total)
{
    private const string Name = "yara";

    private static readonly TimeSpan BatchLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BundleLimit = TimeSpan.FromMinutes(5);

    public static YaraRules None { get; } = new([], new YaraProgram(Name, BatchLimit), BundleLimit);

    /// <exception cref="OperatorException">A file cannot be read or does not compile.</exception>
    public static YaraRules Load(IReadOnlyList<string> files, string program = Name, TimeSpan? batch = null)
    {
        if (files.FirstOrDefault(file => !File.Exists(file)) is { } missing)
        {
            throw new OperatorException($"{DisplayText.Escape(missing)} is no file of YARA rules.", "Name a file that can be read.");
        }

        YaraRules rules = new(files, new YaraProgram(program, batch ?? BatchLimit), BundleLimit);
        if (rules.Program.IsPresent)
        {
            DirectoryInfo folder = Directory.CreateTempSubdirectory("cir-yara-");
            try
            {
                rules.Program.Compile(files, Path.Combine(folder.FullName, "rules"));
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        return rules;
    }
}
