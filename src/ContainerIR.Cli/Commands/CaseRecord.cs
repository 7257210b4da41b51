using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir case note|close|reopen|check</c>: what people say and decide in a case, and the proof that nobody altered it since.</summary>
internal static class CaseRecord
{
    public static Command MakeNote(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Argument<string?> text = new("TEXT") { Description = "The note; may be left out where a tag or number is given.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> about = new("--about") { Description = "Bundle of the case it is about, by the name of its folder. Default: the case.", HelpName = "BUNDLE" };
        Option<string[]> tag = new("--tag") { Description = "Tag it. May be repeated.", HelpName = "WORD" };
        Option<string[]> untag = new("--untag") { Description = "Take a tag away. May be repeated.", HelpName = "WORD" };
        Option<string?> exhibit = new("--exhibit") { Description = "Exhibit number of the bundle --about names.", HelpName = "NUMBER" };
        Option<string?> examiner = Shared.Examiner();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("note", "Write a note, a tag or an exhibit number into the case's record, which only grows.") { id, text, about, tag, untag, exhibit, examiner, home, json };
        command.SetAction(parsed =>
        {
            string bundle = Path.GetFileName(Path.TrimEndingDirectorySeparator(parsed.GetValue(about) ?? ""));
            List<(string Word, string Text)> rows = [];
            if (parsed.GetValue(text) is { } note)
            {
                rows.Add((Casebook.Note, note));
            }

            rows.AddRange((parsed.GetValue(tag) ?? []).Select(word => (Casebook.Tagged, word)));
            rows.AddRange((parsed.GetValue(untag) ?? []).Select(word => (Casebook.Untagged, word)));
            if (parsed.GetValue(exhibit) is { } number)
            {
                rows.Add(bundle.Length > 0 ? (Casebook.Exhibit, number) : throw new OperatorException("An exhibit number is of a bundle.", "Name it: --about BUNDLE"));
            }

            if (rows.Count == 0)
            {
                throw new OperatorException("There is nothing to write down.", "Give a text, --tag, --untag or --exhibit.");
            }

            using CaseStore store = CaseStore.Open(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id));
            CasebookHead? head = null;
            foreach ((string word, string said) in rows)
            {
                head = CaseWork.Record(store, word, parsed.GetValue(examiner), bundle, said);
            }

            return Told(surroundings, head!, parsed.GetValue(json));
        });
        return command;
    }

    public static Command MakeClose(Surroundings surroundings) =>
        MakeDecision(surroundings, "close", "Close a case: it takes no new work until it is opened again.", Casebook.Closed);

    public static Command MakeReopen(Surroundings surroundings) =>
        MakeDecision(surroundings, "reopen", "Open a closed case again, which is recorded.", Casebook.Reopened);

    public static Command MakeCheck(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("check", "Prove that the case's record is as it was written: database, chain, and the heads sealed into its bundles.") { id, home, json };
        command.SetAction(parsed =>
        {
            using CaseStore store = CaseStore.OpenReadOnly(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id));
            CheckedCase seen = CasebookCheck.Run(store);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, seen, CliJson.Default.CheckedCase);
            }
            else
            {
                foreach (string fault in seen.Faults)
                {
                    surroundings.Out.WriteLine($"FAIL  {Cells.Safe(fault)}");
                }

                surroundings.Out.WriteLine($"record  {Quantities.Count(seen.Rows, "row")}, {Quantities.Count(seen.SealedHeads, "head")} sealed in bundles");
                surroundings.Out.WriteLine($"head    sha256 {seen.HeadSha256 ?? "none"}");
                surroundings.Say(seen.Faults.Count == 0 ? "The record is as it was written." : "The record is not as it was written.");
            }

            return seen.Faults.Count == 0 ? ExitCode.Success : ExitCode.VerificationFailed;
        });
        return command;
    }

    private static Command MakeDecision(Surroundings surroundings, string name, string description, string word)
    {
        Argument<string> id = Shared.CaseId();
        Option<string> reason = new("--reason") { Description = "Why.", HelpName = "TEXT", Required = true };
        Option<string?> examiner = Shared.Examiner();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new(name, description) { id, reason, examiner, home, json };
        command.SetAction(parsed =>
        {
            using CaseStore store = CaseStore.Open(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id));
            if (word == Casebook.Reopened && !Casebook.IsClosed(store))
            {
                throw new OperatorException($"Case {store.Id} is open.", $"Look at it: cir case show {store.Id}");
            }

            return Told(surroundings, CaseWork.Record(store, word, parsed.GetValue(examiner), "", parsed.GetRequiredValue(reason)), parsed.GetValue(json));
        });
        return command;
    }

    private static int Told(Surroundings surroundings, CasebookHead head, bool json)
    {
        if (json)
        {
            CliJson.Write(surroundings.Out, head, CliJson.Default.CasebookHead);
        }
        else
        {
            surroundings.Out.WriteLine($"row {head.Seq}  sha256 {DisplayText.Escape(head.Sha256)}");
        }

        return ExitCode.Success;
    }
}
