using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Cases;

/// <summary>What people said and decided in a case. All texts are in display form.</summary>
public sealed record CasebookOverview
{
    private const int MaxNotes = 25;

    /// <summary>When it was closed; null while it is open.</summary>
    public DateTimeOffset? ClosedAt { get; init; }

    /// <summary>Why it was closed; null while it is open.</summary>
    public string? ClosedBecause { get; init; }

    /// <summary>Number of rows of the record.</summary>
    public long Rows { get; init; }

    /// <summary>Digest of its last row; null when there is none.</summary>
    public string? HeadSha256 { get; init; }

    /// <summary>Everybody who did something, by name.</summary>
    public IReadOnlyList<string> People { get; init; } = [];

    /// <summary>Tags of the case and of its bundles.</summary>
    public IReadOnlyList<CaseTag> Tags { get; init; } = [];

    /// <summary>Exhibit numbers.</summary>
    public IReadOnlyList<CaseExhibit> Exhibits { get; init; } = [];

    /// <summary>The last notes, oldest first.</summary>
    public IReadOnlyList<CaseNote> Notes { get; init; } = [];

    internal static CasebookOverview Of(CaseStore store)
    {
        CasebookOverview seen = new() { Rows = Casebook.Head(store)?.Seq ?? 0, HeadSha256 = Casebook.Head(store)?.Sha256 };
        SortedSet<string> people = new(StringComparer.Ordinal);
        List<CaseTag> tags = [];
        Dictionary<string, string> exhibits = [];
        Queue<CaseNote> notes = [];
        foreach (PlaybookEvent row in Casebook.Read(store))
        {
            string about = DisplayText.Escape(row.Target), said = DisplayText.Escape(row.Result), who = DisplayText.Escape(row.Actor);
            people.Add(who);
            if (row.RunId != Casebook.OwnRun)
            {
                continue;
            }

            CaseTag tag = new(said, about);
            switch (row.Event)
            {
                case Casebook.Closed:
                    seen = seen with { ClosedAt = Instant.FromNanoseconds(row.UtcNs), ClosedBecause = said };
                    break;
                case Casebook.Reopened:
                    seen = seen with { ClosedAt = null, ClosedBecause = null };
                    break;
                case Casebook.Tagged when !tags.Contains(tag):
                    tags.Add(tag);
                    break;
                case Casebook.Untagged:
                    tags.Remove(tag);
                    break;
                case Casebook.Exhibit:
                    exhibits[about] = said;
                    break;
                case Casebook.Note:
                    notes.Enqueue(new CaseNote(Instant.FromNanoseconds(row.UtcNs), who, about, said));
                    if (notes.Count > MaxNotes)
                    {
                        notes.Dequeue();
                    }

                    break;
                default:
                    break;
            }
        }

        return seen with { People = [.. people], Tags = tags, Exhibits = [.. exhibits.Select(pair => new CaseExhibit(pair.Value, pair.Key))], Notes = [.. notes] };
    }
}

/// <summary>A tag.</summary>
/// <param name="Tag">The word.</param>
/// <param name="About">Bundle it is about; empty for the case.</param>
public sealed record CaseTag(string Tag, string About);

/// <summary>An exhibit number.</summary>
/// <param name="Number">As the examiner gave it.</param>
/// <param name="Bundle">The bundle that bears it.</param>
public sealed record CaseExhibit(string Number, string Bundle);

/// <summary>A note.</summary>
/// <param name="At">When (UTC).</param>
/// <param name="By">Who.</param>
/// <param name="About">Bundle it is about; empty for the case.</param>
/// <param name="Text">What.</param>
public sealed record CaseNote(DateTimeOffset At, string By, string About, string Text);
