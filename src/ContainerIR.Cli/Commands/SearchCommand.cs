using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir search</c>: where a text, a digest, an address, a path or an indicator of compromise stands in the evidence of a case, or of all.</summary>
internal static class SearchCommand
{
    private const int DefaultLimit = 200;
    private const string AllCases = "all";

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> subject = new("CASE|BUNDLE|all") { Description = "Case id, folder of a sealed bundle, or all: every case of this machine." };
        Argument<string?> term = new("TERM") { Description = "A text, anywhere in another, letters of ASCII in either case.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> hash = new("--hash") { Description = "MD5, SHA-1 or SHA-2 in hexadecimal.", HelpName = "H" };
        Option<string?> ip = new("--ip") { Description = "An address, with or without port.", HelpName = "ADDR[:PORT]" };
        Option<string?> path = new("--path") { Description = "A path and all beneath it; the end of one where no slash begins it; * and ? make it a pattern.", HelpName = "P" };
        Option<string?> regex = new("--regex") { Description = "A regular expression (.NET, without look-around and back-references).", HelpName = "R" };
        Option<string?> ioc = new("--ioc") { Description = "File of indicators: one a line (digest, address, domain, path; # comments), or a STIX 2.1 bundle.", HelpName = "FILE" };
        Option<int> limit = new("--limit") { Description = "At most so many hits, of each indicator; 0 for all.", HelpName = "N", DefaultValueFactory = _ => DefaultLimit };
        Option<string?> home = Shared.Home();
        Option<bool> json = new("--json") { Description = "Print one JSON object a hit." };
        Command command = new("search", "Find a text, digest, address, path or indicators in the evidence of a case or of all: names, command lines, environments, logs, findings, the record.")
        {
            subject, term, hash, ip, path, regex, ioc, limit, home, json,
        };
        command.SetAction(async (parsed, ct) =>
        {
            Indicators asked = Asked(parsed.GetValue(term), parsed.GetValue(hash), parsed.GetValue(ip), parsed.GetValue(path), parsed.GetValue(regex), parsed.GetValue(ioc));
            foreach (string why in asked.NotUnderstood)
            {
                surroundings.Say($"not searched: {Cells.Safe(why)}");
            }

            int most = parsed.GetValue(limit) <= 0 ? int.MaxValue : parsed.GetValue(limit);
            SearchOutput output = new(surroundings, asked.All, most, parsed.GetValue(json));
            string text = parsed.GetRequiredValue(subject);
            if (TemporaryCase.IsBundle(text))
            {
                using TemporaryCase made = await TemporaryCase.OfAsync(text, CaseFindings.Judge, ct);
                foreach (string note in made.Indexed.Notes)
                {
                    surroundings.Say($"left out: {Cells.Safe(note)}");
                }

                output.Search(made.Store, ct);
            }
            else if (text == AllCases)
            {
                SearchAll(surroundings, output, surroundings.Home(parsed.GetValue(home)), ct);
            }
            else
            {
                using CaseStore store = CaseStore.OpenReadOnly(surroundings.Home(parsed.GetValue(home)), text);
                output.Search(store, ct);
            }

            output.End();

            // What was asked for and not searched for is for the operator to mend, whatever else was found.
            return asked.NotUnderstood.Count > 0 || output.Problems > 0 ? ExitCode.OperatorProblem : ExitCode.Success;
        });
        return command;
    }

    private static Indicators Asked(string? term, string? hash, string? ip, string? path, string? regex, string? ioc)
    {
        if (((string?[])[term, hash, ip, path, regex, ioc]).Count(each => each is not null) != 1)
        {
            throw new OperatorException("A search needs one question: TERM, --hash, --ip, --path, --regex or --ioc.", "Give exactly one of them.");
        }

        if (ioc is not null)
        {
            return Indicators.Read(ioc);
        }

        SearchQuery query = hash is not null ? SearchQuery.OfHash(hash)
            : ip is not null ? SearchQuery.OfAddress(ip)
            : path is { Length: > 0 } ? SearchQuery.OfPath(path)
            : regex is { Length: > 0 } ? SearchQuery.OfRegex(regex)
            : SearchQuery.OfText(term ?? "");
        return new Indicators([new Indicator("", [query])], []);
    }

    private static void SearchAll(Surroundings surroundings, SearchOutput output, CaseHome home, CancellationToken ct)
    {
        foreach (CaseSummary each in CaseStore.List(home))
        {
            try
            {
                using CaseStore store = CaseStore.OpenReadOnly(home, each.Id);
                output.Search(store, ct);
            }
            catch (OperatorException problem)
            {
                // One case that cannot be read must not hide what stands in the others.
                output.Problems++;
                surroundings.Say($"case {each.Id} was not searched: {problem.Message} {problem.Remedy}");
            }
        }
    }

    /// <summary>Prints hits as they are found, and what there is to say at the end.</summary>
    private sealed class SearchOutput(Surroundings surroundings, IReadOnlyList<Indicator> indicators, int most, bool json)
    {
        private readonly int[] counts = new int[indicators.Count];
        private bool isCut;

        /// <summary>Cases that could not be searched.</summary>
        public int Problems { get; set; }

        public void Search(CaseStore store, CancellationToken ct)
        {
            using CaseSearch search = new(store);
            foreach (string folder in search.NotSearchedWhole())
            {
                surroundings.Say($"{DisplayText.Escape(folder)} was indexed by an older version: its findings and environments are not searched. cir case rebuild {store.Id}");
            }

            for (int i = 0; i < indicators.Count; i++)
            {
                foreach (SearchHit hit in indicators[i].Queries.SelectMany(query => search.Find(query, ct)))
                {
                    ct.ThrowIfCancellationRequested();
                    if (counts[i] == most)
                    {
                        isCut = true;
                        break;
                    }

                    counts[i]++;
                    Print(indicators[i].Name.Length == 0 ? hit : hit with { Indicator = indicators[i].Name });
                }
            }
        }

        public void End()
        {
            if (isCut)
            {
                surroundings.Say(string.Create(CultureInfo.InvariantCulture, $"There are more than {most} hits: ask more narrowly, or --limit 0 for all."));
            }
            else if (counts.Sum() == 0)
            {
                surroundings.Say("Nothing answers that.");
            }

            if (indicators.Count > 1)
            {
                surroundings.Say($"{Quantities.Count(counts.Count(count => count > 0), "indicator")} of {indicators.Count} found.");
            }
        }

        private void Print(SearchHit hit)
        {
            if (json)
            {
                surroundings.Out.WriteLine(JsonSerializer.Serialize(SearchLine.Of(hit), SearchJson.Default.SearchLine));
                return;
            }

            string where = $"{hit.Case} {DisplayText.Escape(hit.Bundle ?? "record")}{(hit.Item is { } item ? "/" + Cells.Safe(item) : "")}{Number(":", hit.Row)}{Number("@", hit.Offset)}";
            string when = hit.AtNs is { } at ? Rfc3339.Format(at) + " " : "";
            if (hit.Indicator is { } indicator)
            {
                surroundings.Out.WriteLine($"{Cells.Safe(indicator)}:");
            }

            surroundings.Out.WriteLine($"{hit.Kind,-12} {where}");
            string line = $"             {when}{Cells.Safe(hit.Text)}";
            surroundings.Out.WriteLine(surroundings.OutWidth() is { } width ? Cells.Fit(line, width) : line);
        }

        private static string Number(string sign, long? number) => number is { } value ? string.Create(CultureInfo.InvariantCulture, $"{sign}{value}") : "";
    }
}

/// <summary>A line of <c>cir search --json</c>.</summary>
internal sealed record SearchLine(string Case, string Kind, string Text, string? Bundle, string? Item, long? Row, long? Offset, string? At, long? AtNs, string? Indicator)
{
    public static SearchLine Of(SearchHit hit) => new(
        hit.Case, hit.Kind, hit.Text, hit.Bundle, hit.Item, hit.Row, hit.Offset, hit.AtNs is { } at ? Rfc3339.Format(at) : null, hit.AtNs, hit.Indicator);
}

/// <summary>Lines as JSON: ASCII, one object a line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SearchLine))]
internal sealed partial class SearchJson : JsonSerializerContext;
