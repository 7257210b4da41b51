using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContainerIR.Playbooks.Runs;
using ContainerIR.Rows;

namespace ContainerIR.Tests.Playbooks;

/// <summary>People who answer as told.</summary>
internal sealed class SomePeople : IPlaybookPeople
{
    /// <summary>Answer to a manual step; by default it is done, with a value of the right type for every question.</summary>
    public Func<ManualTask, ManualAnswer> Answer { get; set; } = task => new ManualAnswer(true, task.Questions.ToDictionary(
        question => question.Name, question => question.Choices.Count > 0 ? question.Choices[0] : question.Type switch { "bool" => "true", "integer" => "7", "float" => "0.5", _ => "text" }));

    public Func<ApprovalQuestion, CancellationToken, Task<Vote?>> Vote { get; set; } = (_, _) => Task.FromResult<Vote?>(null);

    public InterruptedChoice Interrupted { get; set; } = InterruptedChoice.RunAgain;

    public ConcurrentQueue<string> Asked { get; } = new();

    public ConcurrentQueue<string> Said { get; } = new();

    /// <summary>Hears each row; may throw, as a power cut would come.</summary>
    public Action<PlaybookEvent>? OnRow { get; set; }

    public Task<ManualAnswer> AskAsync(ManualTask task, CancellationToken ct)
    {
        Asked.Enqueue(task.Step);
        return Task.FromResult(Answer(task));
    }

    public Task<Vote?> VoteAsync(ApprovalQuestion question, CancellationToken ct) => Vote(question, ct);

    public Task<InterruptedChoice> InterruptedAsync(string step, string title, CancellationToken ct)
    {
        Asked.Enqueue("interrupted " + step);
        return Task.FromResult(Interrupted);
    }

    public void Tell(PlaybookEvent row) => OnRow?.Invoke(row);

    public void Say(string words) => Said.Enqueue(words);
}

/// <summary>A timeline in memory that keeps the contract: a row that stands there is passed over.</summary>
internal sealed class SomeTimeline : IPlaybookTimeline
{
    private readonly Lock gate = new();
    private readonly List<PlaybookEvent> rows = [];

    public IReadOnlyList<PlaybookEvent> Rows
    {
        get
        {
            lock (gate)
            {
                return [.. rows];
            }
        }
    }

    public void Append(PlaybookEvent row)
    {
        lock (gate)
        {
            if (rows.All(each => each.RunId != row.RunId || each.Seq != row.Seq))
            {
                rows.Add(row);
            }
        }
    }
}

/// <summary>An approver with an own key.</summary>
internal sealed class SomeApprover : IDisposable
{
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public SomeApprover(string name)
    {
        CertificateRequest request = new("CN=" + name, key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Certificate = certificate.RawData;
        Pem = certificate.ExportCertificatePem();
    }

    public byte[] Certificate { get; }

    public string Pem { get; }

    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Certificate));

    public SignedVote Approve(ApprovalQuestion question, bool approves = true) =>
        new(Certificate, key.SignData(SignedVote.ToSign(question.Challenge, approves), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence), approves);

    public void Dispose() => key.Dispose();
}
