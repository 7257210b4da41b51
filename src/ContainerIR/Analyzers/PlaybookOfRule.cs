namespace ContainerIR.Analyzers;

/// <summary>Which playbook a finding starts. Names are those of the files in playbooks/.</summary>
internal static class PlaybookOfRule
{
    private const string Otherwise = "triage-unknown";

    private static readonly (string Playbook, int[] Rules)[] All =
    [
        ("cryptominer", [1, 2, 3]),
        ("live-intruder", [4, 5, 6, 7, 8, 37, 38, 39, 40, 41, 44, 48, 49, 58]),
        ("escape-suspected", [9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 50, 51]),
        ("rogue-container", [18, 19, 24]),
        ("docker-api-exposed", [25]),
        ("web-shell", [34, 35]),
        ("bad-image", [59, 60]),
        ("stolen-credentials", [42, 43]),
        ("destruction", [61]),
    ];

    /// <summary>The playbook for a rule of the catalogue; the one for what is not understood yet for every other.</summary>
    public static string Of(string id) =>
        id.StartsWith("CIR-", StringComparison.Ordinal) && int.TryParse(id.AsSpan(4), System.Globalization.CultureInfo.InvariantCulture, out int number)
            ? All.FirstOrDefault(entry => entry.Rules.Contains(number)).Playbook ?? Otherwise : Otherwise;
}
