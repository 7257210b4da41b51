using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Screens;

/// <summary>A run of a playbook in a case, as the list shows it.</summary>
/// <param name="Id">Run id.</param>
/// <param name="Playbook">Slug or name of the playbook; <c>?</c> where the run's file does not say.</param>
/// <param name="Container">The container as it was named.</param>
/// <param name="IsEnded">Whether it came to an end, whichever.</param>
/// <param name="Outcome">How it ended; empty while it has not.</param>
/// <param name="IsAtWork">Whether a process runs it now.</param>
internal sealed record CaseRun(string Id, string Playbook, string Container, bool IsEnded, string Outcome, bool IsAtWork)
{
    /// <summary>The runs of a case, the last first.</summary>
    public static IEnumerable<CaseRun> List(string caseFolder)
    {
        foreach (string id in RunFile.List(caseFolder).Reverse())
        {
            IReadOnlyList<JsonElement> lines;
            string? problem = null;
            try
            {
                lines = RunFile.ReadLines(caseFolder, id);
            }
            catch (OperatorException failure)
            {
                (lines, problem) = ([], failure.Message);
            }

            JsonElement? end = lines.Where(line => line.Text("kind") == "end").Select(line => (JsonElement?)line).LastOrDefault();
            yield return new CaseRun(
                id, lines is [var open, ..] ? open.Text("playbook") ?? "?" : "?", lines is [var first, ..] ? first.Text("container") ?? "" : "", end is not null || problem is not null, problem ?? end?.Text("outcome") ?? "", RunFile.IsAtWork(caseFolder, id));
        }
    }
}
