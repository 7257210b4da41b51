using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Text;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;

namespace ContainerIR.Cli.Commands;

/// <summary>The people around a run at a terminal: questions to the operator, keys of approvers, progress.</summary>
internal sealed class PlaybookPeople(Surroundings surroundings) : IPlaybookPeople
{
    public async Task<ManualAnswer> AskAsync(ManualTask task, CancellationToken ct)
    {
        surroundings.Say("");
        surroundings.Say($"? {DisplayText.Escape(task.Title)}{(task.Owner is { } owner ? $"  [{DisplayText.Escape(owner)}]" : "")}");
        foreach (string line in task.Text.Split('\n'))
        {
            surroundings.Say("  " + DisplayText.Escape(line));
        }

        Dictionary<string, string> answers = [];
        foreach (Question question in task.Questions)
        {
            string form = question.Choices.Count > 0 ? string.Join("|", question.Choices) : question.Type == "bool" ? "true|false" : question.Type;
            string typed = await LineAsync($"  {question.Name} ({DisplayText.Escape(form)}){(question.Current is { Length: > 0 } current ? $" [{DisplayText.Shorten(current, 60)}]" : "")}: ", ct);
            answers[question.Name] = typed.Length == 0 && question.Current is { } kept ? kept : typed;
        }

        string done = await LineAsync("  Done? (yes, or no and why) [yes]: ", ct);
        bool isDone = done.Length == 0 || done.StartsWith("y", StringComparison.OrdinalIgnoreCase);
        return new ManualAnswer(isDone, answers, isDone ? null : done);
    }

    public async Task<Vote?> VoteAsync(ApprovalQuestion question, CancellationToken ct)
    {
        Playbooks.Approval terms = question.Terms;
        surroundings.Say("");
        surroundings.Say($"! Approval: {DisplayText.Escape(question.Title)}");
        surroundings.Say($"  does      {string.Join(' ', question.Command.Select(DisplayText.Escape))}");
        surroundings.Say($"  costs     {DisplayText.Escape(question.EvidenceCost)}");
        surroundings.Say($"  needs     {terms.Quorum} of {string.Join(", ", terms.Roles)}{(terms.ExcludeOperator ? ", not the operator" : "")}; approved by {(question.Approved.Count == 0 ? "nobody yet" : string.Join(", ", question.Approved))}");
        surroundings.Say($"  until     {Quantities.Instant(question.ExpiresAt)}");
        string typed = await LineAsync($"  Folder with the approver's own key; 'none' when nobody comes{(terms.BreakGlass ? "; 'break-glass' to go on alone" : "")}: ", ct);
        if (typed is "" or "none")
        {
            return null;
        }

        if (typed == "break-glass")
        {
            return new BreakGlassVote(await LineAsync("  Reason (it is printed first in the report): ", ct));
        }

        string asked = $"  Passphrase of {DisplayText.Shorten(typed, 80)}: ";
        try
        {
            // Without a terminal all answers come from the same input, line by line.
            ResponderIdentity identity = IdentityFolder.Load(typed, surroundings.AskSecret is { } ask ? ask(asked) : await LineAsync(asked, ct));
            using IDisposable? key = identity.Signer as IDisposable;
            string decision = await LineAsync($"  {DisplayText.Escape(identity.Name)}, do you approve? (yes/no): ", ct);
            bool approves = decision.StartsWith("y", StringComparison.OrdinalIgnoreCase);
            return new SignedVote(identity.Signer.Certificates[0], identity.Signer.Sign(SignedVote.ToSign(question.Challenge, approves)), approves, approves ? null : decision);
        }
        catch (OperatorException problem)
        {
            surroundings.Say("  " + problem.Message);
            return new SignedVote([], [], false, "a key that does not open");
        }
    }

    public async Task<InterruptedChoice> InterruptedAsync(string step, string title, CancellationToken ct)
    {
        surroundings.Say("");
        surroundings.Say($"! The step {DisplayText.Escape(step)} ({DisplayText.Escape(title)}) was running when the program ended. See what is in force: cir status");
        return await LineAsync("  again, done or failed? ", ct) switch
        {
            "again" => InterruptedChoice.RunAgain,
            "done" => InterruptedChoice.CountAsDone,
            "failed" => InterruptedChoice.CountAsFailed,
            string other => throw new OperatorException($"'{DisplayText.Shorten(other, 40)}' is none of again, done, failed.", "Resume once more and answer."),
        };
    }

    public void Tell(PlaybookEvent row)
    {
        if (row.Event is "note" or "asked")
        {
            return;
        }

        string tags = row.Tags.Count > 0 ? $"  [{string.Join(' ', row.Tags)}]" : "";
        surroundings.Say($"{row.Event,-11} {DisplayText.Shorten(row.Step.Length > 0 ? row.Step : row.Playbook, 60)}  {DisplayText.Shorten(row.Result, 300)}{tags}");
    }

    public void Say(string words) => surroundings.Say("  " + DisplayText.Escape(words));

    // A console's read cannot be cancelled: it is left behind when the time runs out.
    private async Task<string> LineAsync(string question, CancellationToken ct)
    {
        surroundings.Error.Write(question);
        surroundings.Error.Flush();
        string? line = await Task.Factory.StartNew(surroundings.AskLine, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(ct);
        return line?.Trim() ?? throw new OperatorException("There is nobody to answer: the input ended.", "What was done is kept. Go on at a terminal: cir playbook resume");
    }
}
