using System.Globalization;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Playbooks.Runs;

/// <summary>Steps of playbooks from elsewhere.</summary>
internal sealed partial class PlaybookEngine
{
    // By hand, unless this very playbook's commands are allowed and this step is of such as can be run as they stand.
    private Task<StepResult> RunForeignAsync(Run run, Frame frame, ForeignStep step, string instance, CancellationToken ct) =>
        parts.RunForeign is { } shell && run.Request.AllowedCommands.Contains(frame.Playbook.Sha256) && step.Commands.All(CanBeRun)
            ? RunForeignAsync(run, step, instance, shell, ct)
            : AskAsync(run, frame, step, instance, ForeignText(step), null, ct);

    /// <summary>Whether a foreign command can be run where it is allowed: a shell's, without variables. No variable reaches a shell.</summary>
    public static bool CanBeRun(ForeignCommand command) => command.Type == "bash" && command.Text.Length > 0 && !command.Text.Contains("__:value", StringComparison.Ordinal);

    private async Task<StepResult> RunForeignAsync(Run run, ForeignStep step, string instance, Func<string, CancellationToken, Task<ForeignResult>> shell, CancellationToken ct)
    {
        if (run.Record.WasInterrupted(instance))
        {
            InterruptedChoice choice = await AloneAsync(() => parts.People.InterruptedAsync(instance, step.Name, ct), ct);
            if (choice != InterruptedChoice.RunAgain)
            {
                bool ok = choice == InterruptedChoice.CountAsDone;
                string said = ok ? "was interrupted; counted as done by the operator" : "was interrupted; counted as failed by the operator";
                return run.Record.EndStep(instance, ok ? StepResult.Done : StepResult.Failed(said), new RowFacts(instance, ok ? "note" : "failed", said) { Tags = step.Tags });
            }
        }

        run.Record.BeginStep(instance, new RowFacts(instance, "started", $"{step.Name}: foreign commands, allowed by the operator for this playbook") { Tags = step.Tags });
        foreach (ForeignCommand each in step.Commands)
        {
            IReadOnlyList<string> command = ForeignShell.CommandOf(each.Text);
            ForeignResult result;
            try
            {
                result = await shell(each.Text, ct);
            }
            catch (IOException failure)
            {
                return Fail(run, step, instance, failure.Message, command);
            }

            string said = DisplayText.Shorten(result.Output.Trim(), 2000);
            string ended = result.ExitCode is { } code ? $"exit {code.ToString(CultureInfo.InvariantCulture)}" : "took too long and was ended";
            if (result.ExitCode != 0)
            {
                return Fail(run, step, instance, $"a foreign command failed: {ended}{(said.Length > 0 ? ": " + said : "")}", command);
            }

            run.Record.Note(new RowFacts(instance, "note", said.Length > 0 ? $"{ended}: {said}" : ended) { Command = command, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });
        }

        return run.Record.EndStep(
            instance, StepResult.Done, new RowFacts(instance, "executed", "its foreign commands ran") { Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });
    }
}
