using ContainerIR.Actions;
using ContainerIR.Evidence;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Playbooks;

/// <summary>The engine, with actions that do nothing but remember.</summary>
public sealed class A_running_playbook : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly SomeActions actions = new();
    private readonly SomePeople people = new();
    private readonly SomeTimeline timeline = new();
    private readonly ManualClock clock = new();
    private readonly SomeApprover lead = new("Lena Lead"), owner = new("Olaf Owner");
    private readonly ApproverRoster roster;

    public A_running_playbook()
    {
        roster = new(Path.Combine(folder.Path, "approvers"));
        roster.Add("lead", lead.Pem);
        roster.Add("owners", owner.Pem);
        people.Vote = (question, _) => Task.FromResult<Vote?>(question.Approved.Count == 0 ? lead.Approve(question) : owner.Approve(question));
    }

    public void Dispose()
    {
        folder.Dispose();
        lead.Dispose();
        owner.Dispose();
    }

    [Fact]
    public async Task Does_every_kind_of_step_in_order()
    {
        actions.Answers["triage"] = (_, _) => Task.FromResult(SomeActions.Done("2 findings", new Dictionary<string, string> { ["score"] = "80", ["rules"] = "CIR-001,CIR-007" }));
        clock.Advance(TimeSpan.Zero);

        FinishedRun run = await RunAsync(SomePlaybook.EveryKind.Replace(", delay: 5ms", "", StringComparison.Ordinal));

        Assert.Null(run.Why);
        Assert.Equal(RunOutcome.Completed, run.Outcome);
        Assert.Equal(["collect", "triage", "isolate", "verify"], actions.Called.Take(4));
        Assert.Equal(["chg-isolate"], run.ChangesInForce);
        Assert.Equal("80", run.Variables["score"]);
        Assert.Equal("a", run.Variables["way"]);
        Assert.Equal("web", actions.CallOf("isolate").Container);
        Assert.Equal("auto", actions.CallOf("isolate").With["method"]);
        Assert.Contains("way-a", people.Asked);
        Assert.Contains("other/what-was-seen", people.Asked);
        Assert.Equal("report", actions.Called[^1]);
        Assert.Equal(Enumerable.Range(1, timeline.Rows.Count).Select(i => (long)i), timeline.Rows.Select(row => row.Seq));
        Assert.All(timeline.Rows, row => Assert.Contains(row.Event, PlaybookEvent.Words));
        PlaybookEvent executed = timeline.Rows.Single(row => row is { Step: "isolate", Event: "executed" });
        Assert.Equal(["cir", "do", "isolate", "web"], executed.Command.Take(4));
        Assert.Contains("change:chg-isolate", executed.EvidenceRefs);
        PlaybookEvent look = timeline.Rows.Single(row => row is { Step: "look", Event: "executed" });
        Assert.Equal(["nist:RS.AN-07", "pci:10.2.2", "react:RA_3101", "d3fend:D3-NI"], look.Tags);
        Assert.True(File.Exists(Path.Combine(folder.Path, "runs", run.RunId, $"playbook-{look.PlaybookSha256}.json")));
    }

    [Theory]
    [InlineData("${n} = 5", true)]
    [InlineData("${n} > 10", false)]
    [InlineData("${n} < 10 AND NOT ${word} = 'x'", true)]
    [InlineData("${word} LIKE 'he%o'", true)]
    [InlineData("${word} LIKE 'h_o'", false)]
    [InlineData("${word} MATCHES '^h.l+o$'", true)]
    [InlineData("${word} IN ('a', 'hello')", true)]
    [InlineData("${word} NOT IN ('a', 'hello')", false)]
    [InlineData("(${n} = 1 OR ${n} = 5) AND ${word} != 'x'", true)]
    [InlineData("${unset} = ''", false)]
    [InlineData("${word} = 'it\\'s'", false)]
    public async Task Judges_conditions(string condition, bool holds)
    {
        await RunAsync(Small($$"""
            - id: judge
              if: "{{condition.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
              then: [{ id: so, manual: yes it is }]
              else: [{ id: not-so, manual: no }]
            """));

        Assert.Equal([holds ? "so" : "not-so"], people.Asked);
    }

    [Fact]
    public async Task Judges_conditions_on_findings()
    {
        actions.Answers["triage"] = (_, _) => Task.FromResult(SomeActions.Done("", new Dictionary<string, string> { ["score"] = "60", ["rules"] = "CIR-001,CIR-007" }));

        await RunAsync(Small("""
            - { id: judge, action: triage }
            - { id: a, if: "finding:rule = 'CIR-007'", then: [{ id: shell, manual: shell }] }
            - { id: b, if: "finding:rule = 'CIR-020' OR finding:score < 50", then: [{ id: none, manual: none }] }
            """));

        Assert.Equal(["shell"], people.Asked);
    }

    [Fact]
    public async Task Ends_at_a_failure_unless_the_step_says_else()
    {
        actions.Answers["hold"] = (_, _) => throw new OperatorException("no engine", "start it");
        const string Steps = """
            - { id: first, action: hold, on_failure: continue }
            - { id: second, action: hold, on_failure: [{ id: instead, action: pause }] }
            - { id: third, action: hold, on_failure: "goto:fifth" }
            - { id: fourth, action: throttle }
            - { id: fifth, action: hold }
            - { id: sixth, action: unpause }
            """;

        FinishedRun run = await RunAsync(Small(Steps, "on_exception: [{ id: tell, action: notify, with: { text: it failed } }]"));

        Assert.Equal(RunOutcome.Failed, run.Outcome);
        Assert.Contains("fifth: no engine What to do: start it", run.Why, StringComparison.Ordinal);
        Assert.Equal(["hold", "hold", "pause", "hold", "hold", "notify"], actions.Called);
    }

    [Fact]
    public async Task Bounds_its_loops()
    {
        await RunAsync(Small("""
            - id: again
              while: "${n} = 5"
              max: 3
              do: [{ id: more, action: collect, with: { profile: live } }]
            """));

        Assert.Equal(3, actions.Called.Count);
        Assert.Equal(["again#1/more", "again#2/more", "again#3/more"], timeline.Rows.Where(row => row is { Event: "executed", Command.Count: > 0 }).Select(row => row.Step));
    }

    [Fact]
    public async Task Fails_a_step_whose_time_runs_out()
    {
        actions.Answers["collect"] = async (_, ct) =>
        {
            clock.Advance(TimeSpan.FromSeconds(31));
            await Task.Delay(Timeout.Infinite, ct);
            return SomeActions.Done();
        };

        FinishedRun run = await RunAsync(Small("- { id: slow, action: collect, with: { profile: full }, timeout: 30s }"));

        Assert.Equal("ACTION_TIMEOUT: slow took longer than 30s", run.Why);
    }

    [Fact]
    public async Task Fails_a_change_that_cannot_be_proven()
    {
        actions.Answers["isolate"] = (_, _) => Task.FromResult(SomeActions.Done("dropped", changeId: "chg-1", verified: false));

        FinishedRun run = await RunAsync(Small("- { id: cut, action: isolate, rollback: automatic }"));

        Assert.Contains("not proven in force", run.Why, StringComparison.Ordinal);
        Assert.Equal(["chg-1"], run.ChangesInForce);
    }

    [Fact]
    public async Task Runs_branches_beside_each_other()
    {
        TaskCompletionSource both = new();
        int inside = 0;
        actions.Answers["collect"] = async (_, _) =>
        {
            if (Interlocked.Increment(ref inside) == 2)
            {
                both.SetResult();
            }

            await both.Task;
            return SomeActions.Done();
        };

        FinishedRun run = await RunAsync(Small("""
            - id: both
              parallel:
                a: [{ id: fs, action: collect, with: { profile: filesystem } }]
                b: [{ id: logs, action: collect, with: { profile: logs } }]
            """));

        Assert.Equal(RunOutcome.Completed, run.Outcome);
    }

    [Fact]
    public async Task Asks_again_until_an_answer_is_of_its_type()
    {
        Queue<string> answers = new(["many", "-", "12"]);
        people.Answer = _ => new ManualAnswer(true, new Dictionary<string, string> { ["n"] = answers.Dequeue() });

        FinishedRun run = await RunAsync(Small("- { id: ask, manual: How many?, ask: [n] }"));

        Assert.Equal("12", run.Variables["n"]);
        Assert.Equal(["n must be a whole number", "n must be a whole number"], people.Said);
    }

    [Fact]
    public async Task Marks_an_exercise_and_undoes_what_it_changed()
    {
        List<string> undone = [];
        FinishedRun run = await RunAsync(
            Small("- { id: a, action: hold, rollback: automatic }\n- { id: b, action: isolate, rollback: automatic }"),
            request => request with { IsExercise = true },
            undo: (change, _) =>
            {
                undone.Add(change);
                return Task.FromResult(SomeActions.Done("put back"));
            });

        Assert.Equal(["chg-isolate", "chg-hold"], undone);
        Assert.Empty(run.ChangesInForce);
        Assert.All(timeline.Rows, row => Assert.True(row.IsExercise));
        Assert.Equal(2, timeline.Rows.Count(row => row.Event == "rolled_back"));
    }

    [Fact]
    public async Task Puts_no_variable_where_a_shell_could_see_it()
    {
        const string Evil = "$(reboot); `id` && x";
        people.Answer = _ => new ManualAnswer(true, new Dictionary<string, string> { ["word"] = Evil });

        await RunAsync(Small("""
            - { id: ask, manual: What?, ask: [word] }
            - { id: tell, action: notify, with: { text: "seen: ${word} ${n}" } }
            """));

        Assert.Equal($"seen: {Evil} 5", actions.CallOf("notify").With["text"]);
        Assert.Equal(["cir", "do", "notify", "web", $"--text=seen: {Evil} 5"], timeline.Rows.Single(row => row is { Step: "tell", Event: "executed" }).Command);
    }

    [Theory]
    [InlineData("web; rm -rf /")]
    [InlineData("--privileged")]
    [InlineData("a\nb")]
    public async Task Refuses_a_container_that_is_no_name(string container) =>
        Assert.Contains("container", (await Assert.ThrowsAsync<OperatorException>(() => RunAsync(Small("- { id: a, manual: x }"), request => request with { Container = container }))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Passes_values_to_a_called_playbook_and_back()
    {
        Playbook called = A_playbook_file.Compile(Small("- { id: ask, manual: 'Look at ${container}', ask: [n] }").Replace("some-playbook", "called-one", StringComparison.Ordinal));
        people.Answer = task => new ManualAnswer(true, new Dictionary<string, string> { ["n"] = "42" }, task.Text);

        FinishedRun run = await RunAsync(Small("- { id: call, call: called-one, with: { container: other }, out: [n] }"), called: called);

        Assert.Equal("42", run.Variables["n"]);
        Assert.Equal("Look at other", timeline.Rows.Single(row => row is { Step: "call/ask", Event: "asked" }).Result);
        Assert.True(File.Exists(Path.Combine(folder.Path, "runs", run.RunId, $"playbook-{called.Sha256}.json")));
    }

    private const string Stop = "- { id: stop, action: stop, evidence: memory, approve: { quorum: 2, roles: [lead, owners], exclude_operator: true, expires: 1h, break_glass: true } }";

    [Fact]
    public async Task Does_what_a_quorum_of_distinct_people_signed()
    {
        Queue<Func<ApprovalQuestion, Vote>> votes = new([question => lead.Approve(question), question => lead.Approve(question), question => owner.Approve(question)]);
        people.Vote = (question, _) => Task.FromResult<Vote?>(votes.Dequeue()(question));

        FinishedRun run = await RunAsync(Small(Stop));

        Assert.Equal(["stop"], actions.Called);
        Assert.Equal("true", run.Variables["approved_stop"]);
        Assert.Equal([("Lena Lead", "key sha256:" + lead.Sha256), ("Olaf Owner", "key sha256:" + owner.Sha256)], timeline.Rows.Where(row => row.Event == "approved").Select(row => (row.Actor, row.ActorAuth)));
        Assert.Equal(["This vote does not count: Lena Lead has approved already"], people.Said);
        Assert.Equal("asked", timeline.Rows.First(row => row.Step == "stop").Event);
    }

    [Fact]
    public async Task Counts_no_vote_of_a_stranger_the_operator_another_question_or_a_no_made_yes()
    {
        using SomeApprover stranger = new("Steve Stranger");
        using SomeApprover self = new("Otto Operator");
        roster.Add("lead", self.Pem);
        ApprovalQuestion? earlier = null;
        Queue<Func<ApprovalQuestion, Vote?>> votes = new(
        [
            question => stranger.Approve(earlier = question),
            question => self.Approve(question),
            _ => lead.Approve(earlier!),
            question => lead.Approve(question, approves: false) with { Approves = true },
            question => lead.Approve(question) with { Certificate = owner.Certificate },
            _ => null,
        ]);
        people.Vote = (question, _) => Task.FromResult(votes.Dequeue()(question));

        FinishedRun run = await RunAsync(Small(Stop));

        Assert.Empty(actions.Called);
        Assert.Equal("false", run.Variables["approved_stop"]);
        Assert.Equal(RunOutcome.Completed, run.Outcome);
        Assert.Collection(
            people.Said,
            said => Assert.Contains("is not that of an approver", said, StringComparison.Ordinal),
            said => Assert.Contains("sits at the keyboard", said, StringComparison.Ordinal),
            said => Assert.Contains("is not one of Lena Lead", said, StringComparison.Ordinal),
            said => Assert.Contains("is not one of Lena Lead", said, StringComparison.Ordinal),
            said => Assert.Contains("is not one of Olaf Owner", said, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Leaves_out_what_was_refused_or_not_answered_in_time()
    {
        people.Vote = (question, _) => Task.FromResult<Vote?>(lead.Approve(question, approves: false));
        Assert.Equal("false", (await RunAsync(Small(Stop))).Variables["approved_stop"]);

        people.Vote = async (_, ct) =>
        {
            clock.Advance(TimeSpan.FromHours(1));
            await Task.Delay(Timeout.Infinite, ct);
            return null;
        };
        Assert.Equal("false", (await RunAsync(Small(Stop))).Variables["approved_stop"]);

        Assert.Empty(actions.Called);
        Assert.Equal(["refused", "no decision within 1h: counts as refused"], timeline.Rows.Where(row => row.Event == "refused").Select(row => row.Result));
    }

    [Fact]
    public async Task Breaks_glass_only_where_it_may_and_with_a_reason()
    {
        Queue<Vote> votes = new([new BreakGlassVote("now"), new BreakGlassVote("ransomware is encrypting the volume, nobody answers")]);
        people.Vote = (_, _) => Task.FromResult<Vote?>(votes.Dequeue());
        await RunAsync(Small(Stop));
        Assert.Equal(["stop"], actions.Called);
        Assert.Equal("ransomware is encrypting the volume, nobody answers", timeline.Rows.Single(row => row.Event == "break_glass").Result);

        Queue<Vote?> more = new([new BreakGlassVote("a reason that is long enough"), null]);
        people.Vote = (_, _) => Task.FromResult(more.Dequeue());
        await RunAsync(Small(Stop.Replace(", break_glass: true", "", StringComparison.Ordinal)));
        Assert.Equal(["stop"], actions.Called);
    }

    /// <summary>Cut after each row in turn, as by a power cut, and gone on with: nothing completed is done twice, and the end is the same.</summary>
    [Fact]
    public async Task Goes_on_after_a_crash_at_any_point_without_repeating_anything()
    {
        string yaml = SomePlaybook.EveryKind.Replace(", delay: 5ms", "", StringComparison.Ordinal).Replace("  - { id: other, call: triage-unknown, with: { container: \"${container}\" }, out: [score] }\n", "", StringComparison.Ordinal);
        actions.Answers["triage"] = (_, _) => Task.FromResult(SomeActions.Done("", new Dictionary<string, string> { ["score"] = "80", ["rules"] = "CIR-001" }));
        people.Interrupted = InterruptedChoice.RunAgain;
        await RunAsync(yaml);
        string[] whole = [.. Executed(timeline.Rows)];
        int rows = timeline.Rows.Count;

        for (int cut = 1; cut < rows; cut++)
        {
            SomeTimeline line = new();
            int heard = 0;
            people.OnRow = _ =>
            {
                if (++heard == cut)
                {
                    throw new PowerCutException();
                }
            };
            Playbook playbook = A_playbook_file.Compile(yaml);
            string id;
            using (RunFile file = RunFile.Create(folder.Path, clock.GetUtcNow()))
            {
                id = file.RunId;
                await Assert.ThrowsAsync<PowerCutException>(() => Engine(line).RunAsync(playbook, Request(), file, CancellationToken.None));
            }

            people.OnRow = null;
            using (RunFile file = RunFile.Open(folder.Path, id))
            {
                FinishedRun run = await Engine(line).RunAsync(file.Load(playbook.Sha256, actions.All), Request(), file, CancellationToken.None);
                Assert.Equal(RunOutcome.Completed, run.Outcome);
                Assert.Equal("80", run.Variables["score"]);
            }

            Assert.Equal(whole.Order(), Executed(line.Rows).Order());
            Assert.Equal(Enumerable.Range(1, line.Rows.Count).Select(i => (long)i), line.Rows.Select(row => row.Seq));
        }

        static IEnumerable<string> Executed(IReadOnlyList<PlaybookEvent> rows) => rows.Where(row => row.Event == "executed").Select(row => row.Step);
    }

    [Fact]
    public async Task Asks_what_became_of_a_change_that_was_cut()
    {
        people.OnRow = row =>
        {
            if (row is { Step: "cut", Event: "started" })
            {
                throw new PowerCutException();
            }
        };
        string yaml = Small("- { id: cut, action: isolate }\n- { id: after, action: verify, with: { what: isolation } }");
        using RunFile file = RunFile.Create(folder.Path, clock.GetUtcNow());
        Playbook playbook = A_playbook_file.Compile(yaml);
        await Assert.ThrowsAsync<PowerCutException>(() => Engine(timeline).RunAsync(playbook, Request(), file, CancellationToken.None));
        file.Dispose();
        people.OnRow = null;
        people.Interrupted = InterruptedChoice.CountAsDone;

        using RunFile again = RunFile.Open(folder.Path, file.RunId);
        await Engine(timeline).RunAsync(playbook, Request(), again, CancellationToken.None);

        Assert.Equal(["interrupted cut"], people.Asked);
        Assert.Equal(["verify"], actions.Called);
    }

    [Fact]
    public async Task Is_held_by_one_process_and_survives_a_cut_last_line()
    {
        await RunAsync(Small("- { id: a, manual: x }"));
        string id = RunFile.List(folder.Path).Single();
        string path = Path.Combine(folder.Path, "runs", id, "run.jsonl");
        File.AppendAllText(path, "{\"kind\":\"do");

        using (RunFile file = RunFile.Open(folder.Path, id))
        {
            Assert.Contains("goes on in another process", Assert.Throws<OperatorException>(() => RunFile.Open(folder.Path, id)).Message, StringComparison.Ordinal);
        }

        Assert.EndsWith("}\n", File.ReadAllText(path), StringComparison.Ordinal);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"kind\":\"done\"", "\"kind\":\"do", StringComparison.Ordinal));
        Assert.Contains("is damaged", Assert.Throws<OperatorException>(() => RunFile.Open(folder.Path, id)).Message, StringComparison.Ordinal);
    }

    private async Task<FinishedRun> RunAsync(
        string yaml, Func<RunRequest, RunRequest>? change = null, Func<string, CancellationToken, Task<ActionOutcome>>? undo = null, Playbook? called = null)
    {
        Playbook playbook = A_playbook_file.Compile(yaml);
        using RunFile file = RunFile.Create(folder.Path, clock.GetUtcNow());
        RunRequest request = change?.Invoke(Request()) ?? Request();
        return await Engine(timeline, undo, called).RunAsync(playbook, request, file, CancellationToken.None);
    }

    private static RunRequest Request() => new() { CaseId = "IR-1", Container = "web", Operator = new("Otto Operator", "login", "host-1", "pts/0", "192.0.2.7 1 192.0.2.8 22") };

    private PlaybookEngine Engine(SomeTimeline line, Func<string, CancellationToken, Task<ActionOutcome>>? undo = null, Playbook? called = null) =>
        new(new EngineParts(actions.All, line, people, roster, id => called?.Id == id ? called : new PlaybookLibrary("/nonexistent", actions.All).ById(id), clock) { Undo = undo });

    private static string Small(string steps, string more = "") => $$"""
        playbook: some-playbook
        name: Some playbook
        version: 1.0.0
        description: For a test.
        variables:
          container: { type: string, external: true }
          n: { type: integer, value: 5 }
          word: { type: string, value: hello }
          unset: { type: string }
        agents:
          lead: { type: individual, name: Lead }
          owners: { type: group, name: Owners }
        {{more}}
        steps:

        """ + string.Join('\n', steps.Split('\n').Select(line => "  " + line));

    private sealed class PowerCutException : Exception;
}

/// <summary>The twelve playbooks that come with cir.</summary>
public sealed class A_shipped_playbook : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly SomeActions actions = new();

    public static TheoryData<string> Slugs() => [.. PlaybookLibrary.Shipped];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Is_one_of_twelve() => Assert.Equal(
        [
            "bad-image", "cryptominer", "dead-container", "destruction", "docker-api-exposed", "escape-suspected", "insider-exec", "live-intruder", "rogue-container",
            "stolen-credentials", "triage-unknown", "web-shell",
        ],
        PlaybookLibrary.Shipped);

    /// <summary>Manual steps answered, everything approved; once with findings that call for a response, once with none.</summary>
    [Theory]
    [MemberData(nameof(Slugs))]
    public async Task Runs_to_its_end(string slug)
    {
        foreach (bool found in (bool[])[true, false])
        {
            using SomeApprover one = new("Lena Lead"), two = new("Olaf Owner");
            ApproverRoster roster = new(Path.Combine(folder.Path, "approvers"));
            foreach (string role in (string[])["lead", "owner", "legal"])
            {
                roster.Add(role, one.Pem);
                roster.Add(role, two.Pem);
            }

            SomePeople people = new() { Vote = (question, _) => Task.FromResult<Vote?>(question.Approved.Count == 0 ? one.Approve(question) : two.Approve(question)) };
            people.Answer = task => new ManualAnswer(true, task.Questions.ToDictionary(question => question.Name, question =>
                question.Choices.Count > 0 ? question.Choices[found ? 0 : ^1] : question.Type switch { "bool" => found ? "true" : "false", "integer" => "1", "float" => "1", _ => "text" }));
            actions.Answers["triage"] = (_, _) => Task.FromResult(SomeActions.Done("", new Dictionary<string, string>
            {
                ["score"] = found ? "90" : "0",
                ["rules"] = found ? "CIR-001,CIR-002,CIR-007,CIR-009,CIR-018,CIR-025,CIR-034,CIR-042,CIR-058,CIR-060,CIR-061" : "",
                ["replaced"] = "false",
            }));
            actions.Answers["collect"] = (_, _) => Task.FromResult(SomeActions.Done("", new Dictionary<string, string> { ["replaced"] = found ? "true" : "false", ["respawns"] = "1" }));
            PlaybookLibrary library = new("/nonexistent", actions.All);
            using RunFile file = RunFile.Create(folder.Path, DateTimeOffset.UnixEpoch);
            SomeTimeline timeline = new();
            PlaybookEngine engine = new(new EngineParts(actions.All, timeline, people, roster, library.ById, new JumpingClock()));

            FinishedRun run = await engine.RunAsync(
                library.Open(slug), new RunRequest { CaseId = "IR-1", Container = "web", Operator = new("Otto Operator", "login", "host-1") }, file, CancellationToken.None);

            Assert.Null(run.Why);
            Assert.Equal(RunOutcome.Completed, run.Outcome);
            Assert.DoesNotContain(timeline.Rows, row => row.Event == "failed");
            Assert.Equal("report", actions.Called[^1]);
            string[] order = [.. actions.Called];
            int destroyed = Array.FindIndex(order, name => actions.All.First(action => action.Name == name).Effect == ActionEffect.Destroys);
            Assert.True(destroyed < 0 || Array.IndexOf(order, "seal") < destroyed, "evidence is sealed before any is destroyed");
        }
    }

    [Theory]
    [MemberData(nameof(Slugs))]
    public void Has_its_modeline_and_tags_and_keeps_the_rules_of_CACAO(string slug)
    {
        string yaml = PlaybookLibrary.ShippedText(slug);
        Assert.StartsWith("# yaml-language-server: $schema=../schemas/playbook.schema.json\n", yaml, StringComparison.Ordinal);
        Assert.Contains("nist: [", yaml, StringComparison.Ordinal);
        Assert.Contains("pci: [", yaml, StringComparison.Ordinal);
        string path = Path.Combine(folder.Path, "p.json");
        File.WriteAllBytes(path, A_playbook_file.Compile(yaml).Canonical);
        RealEngine.Run("/usr/bin/python3", Path.Combine(Repository.Root, "tests", "programs", "cacao.py"), path);
    }

    // Delays pass at once.
    private sealed class JumpingClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime > TimeSpan.Zero && dueTime <= TimeSpan.FromSeconds(30) ? TimeSpan.FromMilliseconds(1) : dueTime, period);
    }
}
