using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir timeline</c>: everything a case or a bundle says, in the order it happened.</summary>
internal static class TimelineCommand
{
    private const int DefaultLimit = 1000;
    private const int DefaultMinutes = 5;

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> subject = new("CASE|BUNDLE") { Description = "Case id, or the folder of a sealed bundle." };
        Option<string?> from = new("--from") { Description = "Not before this instant (UTC where no offset is given): 2026-11-22T19:43", HelpName = "TIME" };
        Option<string?> to = new("--to") { Description = "Not after this instant.", HelpName = "TIME" };
        Option<string?> around = new("--around") { Description = $"{DefaultMinutes} minutes before and after this instant; --minutes says how many.", HelpName = "TIME" };
        Option<int> minutes = new("--minutes") { Description = "Minutes on each side of --around.", HelpName = "N", DefaultValueFactory = _ => DefaultMinutes };
        Option<string[]> source = new("--source") { Description = $"Only this kind of evidence: {string.Join(", ", TimelineSources.All)}. May be repeated.", HelpName = "WORD" };
        Option<string?> grep = new("--grep") { Description = "Only rows whose message holds this text.", HelpName = "TEXT" };
        Option<int> limit = new("--limit") { Description = "At most so many rows, the oldest; 0 for all.", HelpName = "N", DefaultValueFactory = _ => DefaultLimit };
        Option<string?> home = Shared.Home();
        Option<bool> json = new("--json") { Description = "Print one JSON object a row." };
        Command command = new("timeline", "Show everything that happened, in its order: files, processes, logs, engine events, image, sockets, custody.")
        {
            subject, from, to, around, minutes, source, grep, limit, home, json,
        };
        command.SetAction(async (parsed, ct) =>
        {
            int most = parsed.GetValue(limit);
            TimelineQuery query = Limited(parsed.GetValue(from), parsed.GetValue(to), parsed.GetValue(around), parsed.GetValue(minutes)) with
            {
                Sources = [.. (parsed.GetValue(source) ?? []).Select(TimelineQuery.CheckSource)],
                Grep = parsed.GetValue(grep),

                // One more tells whether there are more.
                Limit = most is <= 0 or int.MaxValue ? 0 : most + 1,
            };
            string text = parsed.GetRequiredValue(subject);
            if (TemporaryCase.IsBundle(text))
            {
                using TemporaryCase made = await TemporaryCase.OfAsync(text, null, ct);
                foreach (string note in made.Indexed.Notes)
                {
                    surroundings.Say($"left out: {Cells.Safe(note)}");
                }

                Print(surroundings, made.Store, query, most, parsed.GetValue(json), ct);
                return ExitCode.Success;
            }

            using CaseStore store = CaseStore.OpenReadOnly(surroundings.Home(parsed.GetValue(home)), text);
            Print(surroundings, store, query, most, parsed.GetValue(json), ct);
            return ExitCode.Success;
        });
        return command;
    }

    private static TimelineQuery Limited(string? from, string? to, string? around, int minutes)
    {
        if (around is null)
        {
            return new TimelineQuery
            {
                FromNs = from is null ? long.MinValue : TimelineQuery.ParseInstant(from),
                UntilNs = to is null ? long.MaxValue : TimelineQuery.ParseInstant(to),
            };
        }

        if (from is not null || to is not null || minutes is < 0 or > 1_000_000)
        {
            throw new OperatorException("--around takes neither --from nor --to, and at most 1000000 minutes.", "Give one way to say when.");
        }

        long middle = TimelineQuery.ParseInstant(around), width = minutes * 60_000_000_000L;
        return new TimelineQuery
        {
            FromNs = (long)Int128.Max((Int128)middle - width, long.MinValue),
            UntilNs = (long)Int128.Min((Int128)middle + width, long.MaxValue),
        };
    }

    private static void Print(Surroundings surroundings, CaseStore store, TimelineQuery query, int most, bool json, CancellationToken ct)
    {
        int? width = surroundings.OutWidth();
        int count = 0;
        foreach (TimelineRow row in TimelineReader.Read(store, query))
        {
            ct.ThrowIfCancellationRequested();
            if (query.Limit > 0 && count == most)
            {
                surroundings.Say(string.Create(CultureInfo.InvariantCulture, $"There are more than {most} rows: narrow the time, or --limit 0 for all."));
                return;
            }

            count++;
            surroundings.Out.WriteLine(json ? JsonSerializer.Serialize(TimelineLine.Of(row), TimelineJson.Default.TimelineLine) : Text(row, width));
        }

        if (count == 0)
        {
            surroundings.Say("No row of the timeline answers that.");
        }
    }

    private static string Text(TimelineRow row, int? width)
    {
        string line = $"{Rfc3339.Format(row.AtNs)}  {row.Source,-12} {row.Meaning,-14} {Cells.Safe(row.Message)}";

        // On a terminal what happened comes first; in a file there is room to say where it stands.
        return width is { } cells ? Cells.Fit(line, cells) : string.Create(CultureInfo.InvariantCulture, $"{line}\t{DisplayText.Escape(row.Bundle ?? "")}/{row.Item}:{row.Row}");
    }
}

/// <summary>A line of <c>cir timeline --json</c>.</summary>
internal sealed record TimelineLine(string At, long AtNs, string Meaning, string Source, string Message, string? Bundle, string? Item, long? Row)
{
    public static TimelineLine Of(TimelineRow row) => new(Rfc3339.Format(row.AtNs), row.AtNs, row.Meaning, row.Source, row.Message, row.Bundle, row.Item, row.Row);
}

/// <summary>Lines as JSON: ASCII, one object a line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TimelineLine))]
internal sealed partial class TimelineJson : JsonSerializerContext;
