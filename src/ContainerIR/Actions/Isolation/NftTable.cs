using System.Globalization;
using System.Text.RegularExpressions;
using ContainerIR.Linux;

namespace ContainerIR.Actions.Isolation;

/// <summary>Packets our chains dropped.</summary>
/// <param name="From">Sent by the container.</param>
/// <param name="To">Sent to it.</param>
internal readonly record struct DropCount(long From, long To);

/// <summary>
/// Our table of a packet filter, through the host's own nft: argv and a script on its standard input, never a shell. Its exit code is believed only when it
/// is 0 and what it should have done is seen.
/// </summary>
internal static partial class NftTable
{
    /// <summary>Applies a script as one transaction.</summary>
    /// <exception cref="IOException">It did not take it.</exception>
    public static void Apply(string nft, NamespaceHandle space, string script)
    {
        ProgramResult result = HostProgram.Run(space, nft, ["-f", "-"], script);
        if (result.ExitCode != 0)
        {
            throw new IOException($"nft -f - ended with {result.ExitCode}: {FirstLine(result.Errors)}");
        }
    }

    /// <summary>The table's text; null when it is not there.</summary>
    /// <exception cref="IOException">nft could not say.</exception>
    public static string? Read(string nft, NamespaceHandle space, string family, string table)
    {
        ProgramResult tables = HostProgram.Run(space, nft, ["list", "tables", family], "");
        if (tables.ExitCode != 0)
        {
            throw new IOException($"nft list tables ended with {tables.ExitCode}: {FirstLine(tables.Errors)}");
        }

        if (!tables.Output.Split('\n').Any(line => line.Trim() == $"table {family} {table}"))
        {
            return null;
        }

        ProgramResult result = HostProgram.Run(space, nft, ["list", "table", family, table], "");
        return result.ExitCode == 0 ? result.Output : throw new IOException($"nft list table ended with {result.ExitCode}: {FirstLine(result.Errors)}");
    }

    /// <summary>Removes the table if it is there.</summary>
    /// <exception cref="IOException">It could not be removed.</exception>
    public static void Remove(string nft, NamespaceHandle space, string family, string table)
    {
        if (Read(nft, space, family, table) is null)
        {
            return;
        }

        ProgramResult result = HostProgram.Run(space, nft, ["delete", "table", family, table], "");
        if (result.ExitCode != 0 || Read(nft, space, family, table) is not null)
        {
            throw new IOException($"nft delete table {family} {table} ended with {result.ExitCode}: {FirstLine(result.Errors)}");
        }
    }

    /// <summary>Drops so far, of a table's text.</summary>
    public static DropCount Drops(string text)
    {
        long from = 0, to = 0;
        bool isFrom = false;
        foreach (string line in text.Split('\n'))
        {
            if (Chain().Match(line) is { Success: true } chain)
            {
                isFrom = chain.Groups[1].Value == "from_ct";
            }
            else if (Counter().Match(line) is { Success: true } counter && long.TryParse(counter.Groups[1].Value, CultureInfo.InvariantCulture, out long packets))
            {
                (from, to) = isFrom ? (from + packets, to) : (from, to + packets);
            }
        }

        return new DropCount(from, to);
    }

    private static string FirstLine(string text) => Evidence.Text.DisplayText.Shorten(text.Split('\n').FirstOrDefault(line => line.Length > 0) ?? "(no words)", 300);

    [GeneratedRegex(@"^\s*chain (from_ct|to_ct)")]
    private static partial Regex Chain();

    [GeneratedRegex(@"counter packets (\d+) bytes \d+ drop")]
    private static partial Regex Counter();
}
