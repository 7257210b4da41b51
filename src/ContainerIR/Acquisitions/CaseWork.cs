using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Acquisitions;

/// <summary>What people do to a case, with who, where and by which clock: rows of its record.</summary>
internal static class CaseWork
{
    private const int MaxTextCharacters = 16 * 1024;

    /// <summary>Appends to the record.</summary>
    /// <param name="store">The case, open for writing.</param>
    /// <param name="word">Event, a word of <see cref="Casebook"/>.</param>
    /// <param name="examiner">Who, as typed; null for the login.</param>
    /// <param name="about">Folder name of a bundle of the case; empty for the case itself.</param>
    /// <param name="text">The note, tag, number or reason.</param>
    /// <exception cref="OperatorException">It is closed, has no such bundle, or the text is empty or too long.</exception>
    public static CasebookHead Record(CaseStore store, string word, string? examiner, string about, string text)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > MaxTextCharacters)
        {
            throw new OperatorException($"The text of a record has 1 to {MaxTextCharacters} characters.", "Say it in other words, or put it into a file of its own.");
        }

        if (about.Length > 0 && !store.ListBundles().Any(path => Path.GetFileName(path) == about))
        {
            throw new OperatorException($"Case {store.Id} has no bundle {DisplayText.Shorten(about, 120)}.", $"See its bundles: cir case show {store.Id}");
        }

        return Casebook.AppendOwn(store, Describe(store.Id, HostFacts.Read(), examiner) with { Event = word, Target = about, Result = text });
    }

    /// <summary>Appends what was done to a container, where there is such a case.</summary>
    /// <param name="home">Where cases are.</param>
    /// <param name="caseId">The case.</param>
    /// <param name="word"><c>break_glass</c> before a deed without evidence; <c>executed</c>, <c>failed</c> or <c>rolled_back</c> after one.</param>
    /// <param name="examiner">Who.</param>
    /// <param name="container">The container.</param>
    /// <param name="command">As argv.</param>
    /// <param name="text">The reason, or what came of it.</param>
    /// <returns>Whether there is such a case.</returns>
    /// <exception cref="OperatorException">It is closed, or cannot be written.</exception>
    public static bool RecordDeed(CaseHome home, string caseId, string word, string examiner, string container, IReadOnlyList<string> command, string text)
    {
        if (!CaseStore.Exists(home, caseId))
        {
            return false;
        }

        using CaseStore store = CaseStore.Open(home, caseId);
        Casebook.AppendOwn(store, Describe(caseId, HostFacts.Read(), examiner) with { Event = word, Target = container, Command = command, Result = text.Length > MaxTextCharacters ? text[..MaxTextCharacters] : text });
        return true;
    }

    /// <summary>Seals into a bundle how far the record of its case had come (journal event <c>case.head</c>).</summary>
    public static void SealHead(BundleWriter writer, CaseHome home, string caseId)
    {
        if (!CaseStore.Exists(home, caseId))
        {
            return;
        }

        try
        {
            using CaseStore store = CaseStore.OpenReadOnly(home, caseId);
            CasebookHead head = Casebook.Head(store) ?? new CasebookHead(0, Casebook.Zeros);
            writer.Record(Casebook.HeadEvent, json =>
            {
                json.WriteNumber("seq", head.Seq);
                json.WriteString("sha256", head.Sha256);
            });
        }
        catch (OperatorException failure)
        {
            writer.AddGap(new Gap("acquirer", "head of the case's record", failure.Message, DateTimeOffset.UtcNow));
        }
    }

    private static PlaybookEvent Describe(string caseId, HostFacts host, string? examiner) => new()
    {
        Seq = 0,
        UtcNs = host.Clock.RealtimeNs,
        MonotonicNs = host.Clock.MonotonicNs,
        ClockState = Circumstances.Synchronisation(host.Clock),
        CaseId = caseId,
        RunId = Casebook.OwnRun,
        Playbook = "",
        PlaybookSha256 = "",
        Step = "",
        Event = "",
        Actor = examiner ?? host.Login.SudoUser ?? host.Login.LoginName ?? host.Login.Name ?? "uid " + host.Login.Uid,
        ActorAuth = "login",
        Host = host.HostName,
        Terminal = host.Login.Terminal,
        SshClient = host.Login.SshConnection,
        Target = "",
        Result = "",
    };
}
