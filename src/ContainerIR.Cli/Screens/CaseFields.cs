using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Seals;

namespace ContainerIR.Cli.Screens;

/// <summary>What forms that begin work in a case have in common: the case, and the key that seals.</summary>
internal sealed class CaseFields
{
    public const string Case = "Case";
    public const string Examiner = "Examiner";

    private const string Passphrase = "Passphrase";
    private const string Again = "Again";

    private readonly ConsoleFacts facts;
    private readonly bool isNewKey;
    private readonly bool asksPassphrase;

    public CaseFields(ConsoleFacts facts)
    {
        this.facts = facts;
        isNewKey = !IdentityFolder.Exists(HomeOf(facts).KeysFolder);
        asksPassphrase = facts.PassphraseFile is null && facts.Surroundings.Environment(Passphrases.Variable) is null;
    }

    /// <summary>The fields of the key; none where the passphrase is given otherwise.</summary>
    public IEnumerable<FormField> Key => asksPassphrase ? isNewKey ? [new(Passphrase, "", IsSecret: true), new(Again, "", IsSecret: true)] : [new(Passphrase, "", IsSecret: true)] : [];

    /// <summary>What there is to say of them.</summary>
    public IEnumerable<TextLine> Explanation => asksPassphrase
        ? [new TextLine(isNewKey ? "There is no responder key yet: one is made, protected by this passphrase. Twice the same." : "The passphrase opens the responder key.", Tone.Dim)]
        : [];

    /// <summary>Where cases and keys are.</summary>
    public static CaseHome HomeOf(ConsoleFacts facts) => facts.Surroundings.Home(facts.Home);

    /// <summary>The newest case, or a new one by the date.</summary>
    public static string Usual(ConsoleFacts facts) =>
        CaseStore.List(HomeOf(facts)).OrderByDescending(each => each.CreatedAt).FirstOrDefault()?.Id ?? $"IR-{facts.Surroundings.Clock.GetUtcNow():yyyyMMdd}";

    /// <summary>Writes a note into the record of a case; the case is opened when it does not exist.</summary>
    /// <returns>The row.</returns>
    public static long WriteNote(ConsoleFacts facts, string caseId, string text)
    {
        using CaseStore store = CaseStore.OpenOrCreate(HomeOf(facts), CaseId.Check(caseId), new CaseFacts(null, null), facts.Surroundings.Clock).Store;
        return CaseWork.Record(store, Casebook.Note, null, "", text).Seq;
    }

    /// <summary>What was typed; null for nothing.</summary>
    public static string? NotEmpty(string text) => text.Trim() is { Length: > 0 } kept ? kept : null;

    /// <summary>The one place that reads passphrases; where it would ask a person, the person has typed it in the form.</summary>
    /// <exception cref="OperatorException">The two passphrases differ.</exception>
    public Passphrases Read(FormView form)
    {
        if (asksPassphrase && isNewKey && form[Passphrase] != form[Again])
        {
            throw new OperatorException("The two passphrases differ.", "Type the same twice.");
        }

        string typed = asksPassphrase ? form[Passphrase] : "";
        return new Passphrases(facts.Surroundings with { AskSecret = _ => typed }, facts.PassphraseFile);
    }
}
