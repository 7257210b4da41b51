using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContainerIR.Actions;

namespace ContainerIR.Playbooks.Runs;

/// <content>Approvals: distinct people, each with an own key, before the time runs out.</content>
internal sealed partial class PlaybookEngine
{
    private const int MaxVotes = 50;
    private const int LeastReason = 10;

    private async Task<StepResult> ApproveAsync(Run run, Frame frame, ApprovalStep step, string instance, CancellationToken ct)
    {
        Approval terms = step.Approval;
        PlaybookStep about = frame.Playbook.Steps.Values.FirstOrDefault(each => each.SourceId == step.ApprovalOf) ?? step;
        (IReadOnlyList<string> command, string cost) = AboutOf(run, frame, about);
        string target = frame.Scope + step.ApprovalOf;
        DateTimeOffset expires = parts.Clock.GetUtcNow() + terms.Expires;
        string who = $"{terms.Quorum} of {string.Join(", ", terms.Roles)}{(terms.ExcludeOperator ? ", not the operator" : "")}, until {expires.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}";
        run.Record.BeginStep(instance, new RowFacts(target, "asked", $"approval by {who}. Cost: {cost}") { Command = command, Tags = step.Tags, Actor = "cir", ActorAuth = "engine" });

        using CancellationTokenSource limit = new(terms.Expires, parts.Clock);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await AloneAsync(() => CollectVotesAsync(run, frame, step, instance, about, command, cost, expires, both.Token), both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return Decide(run, frame, step, instance, false, new RowFacts(target, "refused", $"no decision within {Spans.Format(terms.Expires)}: counts as refused") { Command = command, Actor = "cir", ActorAuth = "engine" });
        }
    }

    private async Task<StepResult> CollectVotesAsync(
        Run run, Frame frame, ApprovalStep step, string instance, PlaybookStep about, IReadOnlyList<string> command, string cost, DateTimeOffset expires, CancellationToken ct)
    {
        string target = frame.Scope + step.ApprovalOf;
        Dictionary<string, string> approved = [];
        for (int asked = 0; asked < MaxVotes; asked++)
        {
            byte[] challenge = Challenge(run, frame, target, command, cost, expires);
            Vote? vote = await parts.People.VoteAsync(new ApprovalQuestion(target, about.Name, command, cost, step.Approval, [.. approved.Values], expires, challenge), ct);
            ct.ThrowIfCancellationRequested();
            switch (vote)
            {
                case null:
                    return Decide(run, frame, step, instance, false, new RowFacts(target, "refused", $"{approved.Count} of {step.Approval.Quorum} approved, and nobody more came") { Command = command });
                case BreakGlassVote when !step.Approval.BreakGlass:
                    parts.People.Say("This step cannot be done without approval.");
                    break;
                case BreakGlassVote { Reason: var reason } when reason.Trim().Length < LeastReason:
                    parts.People.Say($"The reason must have at least {LeastReason} characters: it is printed first in the report.");
                    break;
                case BreakGlassVote { Reason: var reason }:
                    return Decide(run, frame, step, instance, true, new RowFacts(target, "break_glass", reason.Trim()) { Command = command, Tags = step.Tags });
                case SignedVote signed:
                    (Approver? approver, string? fault) = parts.Roster.Judge(signed, challenge, step.Approval, run.Request.Operator, parts.Clock.GetUtcNow());
                    fault ??= approved.ContainsKey(approver!.Sha256) || approved.ContainsValue(approver.Name) ? $"{approver.Name} has approved already" : null;
                    if (fault is not null)
                    {
                        run.Record.Note(new RowFacts(target, "note", "a vote did not count: " + fault));
                        parts.People.Say("This vote does not count: " + fault);
                        break;
                    }

                    RowFacts row = new(target, signed.Approves ? "approved" : "refused", signed.Reason ?? (signed.Approves ? "approved" : "refused"))
                    {
                        Command = command,
                        Tags = step.Tags,
                        Actor = approver!.Name,
                        ActorAuth = "key sha256:" + approver.Sha256,
                        Refs = ["challenge-sha256:" + Convert.ToHexStringLower(SHA256.HashData(challenge)), "signature:" + Convert.ToBase64String(signed.Signature)],
                    };
                    if (!signed.Approves)
                    {
                        return Decide(run, frame, step, instance, false, row);
                    }

                    approved[approver.Sha256] = approver.Name;
                    if (approved.Count >= step.Approval.Quorum)
                    {
                        return Decide(run, frame, step, instance, true, row);
                    }

                    run.Record.Note(row);
                    break;
                default:
                    break;
            }
        }

        return Decide(run, frame, step, instance, false, new RowFacts(target, "refused", $"{MaxVotes} votes did not bring a decision") { Command = command });
    }

    // A refusal is a decision, not a failure: the step is left out and the run goes on.
    private static StepResult Decide(Run run, Frame frame, ApprovalStep step, string instance, bool approved, RowFacts row)
    {
        string name = step.Out is [var given, ..] ? given : PlaybookChecks.ApprovedVariable(step.ApprovalOf);
        return run.Record.EndStep(instance, StepResult.Done, row, frame.Id, new Dictionary<string, string> { [name] = approved ? "true" : "false" });
    }

    private (IReadOnlyList<string> Command, string Cost) AboutOf(Run run, Frame frame, PlaybookStep about)
    {
        if (about is BuiltInStep step && parts.Actions.FirstOrDefault(each => each.Name == step.Action) is { } action)
        {
            return (ActionCall.Command(action, ContainerOf(run, frame), ParameterValue.Complete(action, Filled(run, frame, step.With), [])), step.Evidence ?? action.EvidenceCost);
        }

        return ([], about.Evidence ?? "none named");
    }

    // Fixed lines, so that a person can read what was signed.
    private static byte[] Challenge(Run run, Frame frame, string step, IReadOnlyList<string> command, string cost, DateTimeOffset expires) => Encoding.UTF8.GetBytes(string.Join('\n',
        "containerir-approval/1",
        "case " + run.Request.CaseId,
        "run " + run.Record.RunId,
        "playbook sha256 " + frame.Playbook.Sha256,
        "step " + step,
        "command " + string.Join(' ', command.Select(each => Evidence.Text.DisplayText.Escape(each).Replace(" ", "\\x20", StringComparison.Ordinal))),
        "cost " + Evidence.Text.DisplayText.Escape(cost),
        "expires " + expires.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        "nonce " + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
        ""));
}
