using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence.Text;
using ContainerIR.Evidence.Verification;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir case new|list|show|add|rebuild</c>; the case's record is <see cref="CaseRecord"/>.</summary>
internal static class CaseCommand
{
    public static Command Make(Surroundings surroundings)
    {
        Command command = new("case", "Cases: what was acquired for which investigation.");
        command.Add(MakeNew(surroundings));
        command.Add(MakeList(surroundings));
        command.Add(MakeShow(surroundings));
        command.Add(MakeAdd(surroundings));
        command.Add(CaseRecord.MakeNote(surroundings));
        command.Add(CaseRecord.MakeCheck(surroundings));
        command.Add(CaseRecord.MakeClose(surroundings));
        command.Add(CaseRecord.MakeReopen(surroundings));
        command.Add(CaseTar.Make(surroundings));
        command.Add(MakeRebuild(surroundings));
        return command;
    }

    // The record stands nowhere else: what became of it is said, and written into what is left of it.
    private static void TellSalvaged(Surroundings surroundings, CaseStore store, SalvagedRecord salvaged)
    {
        string kept = Path.GetFileName(salvaged.KeptAs);
        surroundings.Say($"The old database was damaged: kept as {DisplayText.Escape(salvaged.KeptAs)}");
        surroundings.Say(salvaged.BrokenBy is { } why
            ? $"Of the case's record {Quantities.Count(salvaged.Rows, "row")} could be taken over, then it breaks: {why}. What follows may stand in the kept file."
            : $"The case's record was taken over: {Quantities.Count(salvaged.Rows, "row")}.");
        CaseWork.Record(
            store, salvaged.BrokenBy is null ? Casebook.Salvaged : Casebook.SalvagedInPart, null, "", $"{Quantities.Count(salvaged.Rows, "row")} taken over from {kept}{(salvaged.BrokenBy is null ? "" : ", then it breaks")}");
    }

    private static Command MakeNew(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Option<string?> examiner = Shared.Examiner();
        Option<string?> reason = Shared.Reason();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("new", "Open a case.") { id, examiner, reason, home, json };
        command.SetAction(parsed =>
        {
            CaseFacts facts = new(parsed.GetValue(examiner), parsed.GetValue(reason));
            using CaseStore made = CaseStore.Create(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id), facts, surroundings.Clock);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, new CaseFolderJson(made.Id, made.Folder), CliJson.Default.CaseFolderJson);
            }
            else
            {
                surroundings.Out.WriteLine(DisplayText.Escape(made.Folder));
                surroundings.Say($"Case {made.Id} is open. Next: cir acquire CONTAINER --case {made.Id}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeList(Surroundings surroundings)
    {
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("list", "List the cases of this machine.") { home, json };
        command.SetAction(parsed =>
        {
            CaseHome place = surroundings.Home(parsed.GetValue(home));
            IReadOnlyList<CaseSummary> cases = CaseStore.List(place);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, cases, CliJson.Default.IReadOnlyListCaseSummary);
                return ExitCode.Success;
            }

            if (cases.Count == 0)
            {
                surroundings.Say($"No case in {DisplayText.Escape(place.Path)}. Open one: cir case new ID");
                return ExitCode.Success;
            }

            Table table = new(new("CASE"), new("OPENED"), new("BUNDLES", Right: true), new("EXAMINER", MinCells: 8));
            foreach (CaseSummary each in cases)
            {
                table.Add(
                    each.Id,
                    each.CreatedAt is { } at ? Quantities.Instant(at) : "?",
                    Quantities.Number(each.Bundles),
                    each.Problem is { } problem ? "! " + DisplayText.Escape(problem) : DisplayText.Escape(each.Examiner ?? ""));
            }

            table.Write(surroundings.Out, surroundings.OutWidth());
            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeShow(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("show", "Show a case: bundles, gaps, changed files, processes, connections, last events.") { id, home, json };
        command.SetAction(parsed =>
        {
            using CaseStore store = CaseStore.OpenReadOnly(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id));
            CaseOverview overview = CaseReader.ReadOverview(store);
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, overview, CliJson.Default.CaseOverview);
            }
            else
            {
                CaseText.Write(surroundings.Out, overview, surroundings.OutWidth());
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeAdd(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Argument<string> bundle = new("BUNDLE") { Description = "The folder of a sealed bundle; it stays where it is." };
        Option<string?> ca = new("--ca") { Description = "PEM file with the certificates you trust; without it integrity is proven, not who sealed.", HelpName = "FILE" };
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("add", "Verify a bundle that was made elsewhere, then add it to a case.") { id, bundle, ca, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            using CaseStore store = CaseStore.Open(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id));
            Casebook.RefuseIfClosed(store);
            string path = parsed.GetRequiredValue(bundle);
            VerificationReport report = await BundleVerifier.VerifyAsync(path, new VerifyOptions(parsed.GetValue(ca)), ct);
            if (report.Verdict != Verdict.Verified)
            {
                surroundings.Say($"Not added: {DisplayText.Escape(path)} is {report.Verdict.ToString().ToLowerInvariant()}.");
                surroundings.Say($"What to do: see every failure with cir verify {DisplayText.Escape(path)}");
                return ExitCode.VerificationFailed;
            }

            IndexedBundle indexed = await CaseIndexer.IndexAsync(store, path, CaseFindings.Judge, ct);
            CaseWork.Record(store, Casebook.Added, null, Path.GetFileName(indexed.BundlePath), $"verified, root sha256 {report.RootSha256}");
            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, indexed, CliJson.Default.IndexedBundle);
                return ExitCode.Success;
            }

            surroundings.Out.WriteLine($"added  {DisplayText.Escape(Path.GetFileName(indexed.BundlePath))}  {Quantities.Count(indexed.Rows, "row")}");
            foreach (string note in indexed.Notes)
            {
                surroundings.Out.WriteLine($"       left out: {Cells.Safe(note)}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command MakeRebuild(Surroundings surroundings)
    {
        Argument<string> id = Shared.CaseId();
        Option<string?> home = Shared.Home();
        Option<bool> json = Shared.Json();
        Command command = new("rebuild", "Fill the index of a case again from its sealed bundles; a damaged index is set aside.") { id, home, json };
        command.SetAction(async (parsed, ct) =>
        {
            (CaseStore store, SalvagedRecord? salvaged) = CaseStore.OpenForRebuild(surroundings.Home(parsed.GetValue(home)), parsed.GetRequiredValue(id), surroundings.Clock);
            using (store)
            {
                if (salvaged is not null)
                {
                    TellSalvaged(surroundings, store, salvaged);
                }

                RebuiltIndex rebuilt = await CaseIndexer.RebuildAsync(store, CaseFindings.Judge, ct);
                if (parsed.GetValue(json))
                {
                    CliJson.Write(surroundings.Out, RebuiltJson.From(store.Id, salvaged, rebuilt), CliJson.Default.RebuiltJson);
                    return ExitCode.Success;
                }

                foreach (IndexedBundle bundle in rebuilt.Indexed)
                {
                    surroundings.Out.WriteLine($"indexed  {DisplayText.Escape(Path.GetFileName(bundle.BundlePath))}  {Quantities.Count(bundle.Rows, "row")}");
                    foreach (string note in bundle.Notes)
                    {
                        surroundings.Out.WriteLine($"         left out: {Cells.Safe(note)}");
                    }
                }

                foreach ((string path, string why) in rebuilt.Skipped)
                {
                    surroundings.Out.WriteLine($"skipped  {DisplayText.Escape(Path.GetFileName(path))}  {Cells.Safe(why)}");
                }

                surroundings.Say($"The index of case {store.Id} holds {Quantities.Count(rebuilt.Indexed.Count, "bundle")}.");
                return ExitCode.Success;
            }
        });
        return command;
    }
}

/// <summary>What <c>cir case new --json</c> prints.</summary>
internal sealed record CaseFolderJson(string Id, string Folder);

/// <summary>What <c>cir case rebuild --json</c> prints.</summary>
internal sealed record RebuiltJson(string Id, string? DamagedIndexKeptAs, long? RecordRowsSalvaged, string? RecordBrokenBy, IReadOnlyList<IndexedBundle> Indexed, IReadOnlyList<SkippedBundleJson> Skipped)
{
    public static RebuiltJson From(string id, SalvagedRecord? salvaged, RebuiltIndex rebuilt) =>
        new(id, salvaged?.KeptAs, salvaged?.Rows, salvaged?.BrokenBy, rebuilt.Indexed, [.. rebuilt.Skipped.Select(each => new SkippedBundleJson(each.BundlePath, each.Why))]);
}

/// <summary>A bundle that is not in the index, and why.</summary>
internal sealed record SkippedBundleJson(string BundlePath, string Why);
