using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Exporters;

namespace ContainerIR.Shippers;

/// <summary>What was sent.</summary>
/// <param name="Sent">Events that arrived in this run, those sent again counted once.</param>
/// <param name="ArrivedBefore">Events that had arrived in earlier runs.</param>
/// <param name="Interruptions">Times the receiver was gone and came back.</param>
/// <param name="Refused">Events the receiver refused for good, at most 100 lines.</param>
internal sealed record ShipResult(long Sent, long ArrivedBefore, int Interruptions, IReadOnlyList<string> Refused);

/// <summary>How patient a run is.</summary>
/// <param name="BatchEvents">Events a batch.</param>
/// <param name="GiveUpAfter">How long nothing may arrive before it ends.</param>
/// <param name="Said">Hears of interruptions; null for nobody.</param>
internal sealed record ShipOptions(int BatchEvents, TimeSpan GiveUpAfter, Action<string>? Said = null);

/// <summary>
/// Sends all events of verified bundles: every one at least once, each under its stable id. After an interruption it begins again at the last that is known
/// to have arrived; the cursor on disk never goes beyond that, so a run that is killed goes on where it was.
/// </summary>
internal static class ShipRun
{
    private const int MaxRefused = 100;
    private const int MaxBatchBytes = 4 << 20;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <exception cref="OperatorException">The receiver does not come back, or says what waiting does not mend.</exception>
    public static async Task<ShipResult> RunAsync(HandoutSource source, IShipper shipper, ShipCursor cursor, ShipOptions options, TimeProvider clock, CancellationToken ct)
    {
        List<string> refused = [];
        long before = source.Bundles.Sum(bundle => cursor[KeyOf(bundle, ct)]);
        int interruptions = 0;
        foreach (VerifiedBundle bundle in source.Bundles)
        {
            long lastArrival = clock.GetTimestamp();
            TimeSpan pause = FirstPause;
            while (true)
            {
                long from = cursor[KeyOf(bundle, ct)];
                try
                {
                    await SendFromAsync(bundle, from, shipper, cursor, options, clock, refused, () => (lastArrival, pause) = (clock.GetTimestamp(), FirstPause), ct);
                    break;
                }
                catch (DeliveryException failure)
                {
                    interruptions++;
                    if (clock.GetElapsedTime(lastArrival) > options.GiveUpAfter)
                    {
                        throw new OperatorException(
                            $"Nothing has arrived for {options.GiveUpAfter.TotalSeconds:0} s: {failure.Message}", "Mend the receiver and run the same command again: it goes on where it was.", failure);
                    }

                    options.Said?.Invoke($"{failure.Message}; again in {pause.TotalSeconds:0.##} s");

                    // Half of it by chance: many senders do not come back at one moment.
                    await Task.Delay((pause / 2) + (pause / 2 * Random.Shared.NextDouble()), clock, ct);
                    pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
                }
            }
        }

        return new ShipResult(source.Bundles.Sum(bundle => cursor[KeyOf(bundle, ct)]) - before, before, interruptions, refused);
    }

    /// <summary>
    /// The cursor counts events. Those of rows are fixed by the root; findings also by the rules of the program and the allow-list: where these changed, all is sent
    /// again under the same ids, because a count of other findings would leave some out.
    /// </summary>
    private static string KeyOf(VerifiedBundle bundle, CancellationToken ct)
    {
        string findings = string.Join('\n', bundle.Findings(ct).Select(finding => $"{finding.Where} {finding.Fingerprint} {finding.Severity} {finding.SuppressedBy}"));
        return findings.Length == 0 ? bundle.RootSha256 : $"{bundle.RootSha256}+{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(findings)).AsSpan(0, 8))}";
    }

    private static async Task SendFromAsync(
        VerifiedBundle bundle, long from, IShipper shipper, ShipCursor cursor, ShipOptions options, TimeProvider clock, List<string> refused, Action arrived, CancellationToken ct)
    {
        Queue<(long At, long Count)> inDoubt = [];
        long count = 0;
        foreach (List<ShippedEvent> batch in Batches(bundle, from, options.BatchEvents, ct))
        {
            IReadOnlyList<string> no = await shipper.SendAsync(batch, ct);
            refused.AddRange(no.Take(MaxRefused - Math.Min(MaxRefused, refused.Count)));
            arrived();
            count += batch.Count;
            inDoubt.Enqueue((clock.GetTimestamp(), from + count));
            Settle(everything: false);
        }

        if (inDoubt.Count > 0 && shipper.InDoubt > TimeSpan.Zero)
        {
            await Task.Delay(shipper.InDoubt, clock, ct);
            await shipper.ProbeAsync(ct);
        }

        Settle(everything: true);

        void Settle(bool everything)
        {
            long sure = -1;
            while (inDoubt.TryPeek(out (long At, long Count) oldest) && (everything || clock.GetElapsedTime(oldest.At) >= shipper.InDoubt))
            {
                sure = inDoubt.Dequeue().Count;
            }

            if (sure >= 0)
            {
                cursor.Save(KeyOf(bundle, ct), sure);
            }
        }
    }

    private static IEnumerable<List<ShippedEvent>> Batches(VerifiedBundle bundle, long from, int size, CancellationToken ct)
    {
        List<ShippedEvent> batch = new(size);
        long bytes = 0;
        foreach (EvidenceEvent e in EvidenceEvents.Read(bundle, ct).Skip(checked((int)from)))
        {
            EvidenceEvent bounded = Bounded(e);
            batch.Add(new ShippedEvent(bundle, bounded, e.IdIn(bundle.Record.BundleId)));
            bytes += 2048 + (bounded.Message.Length * 2) + ((bounded.File?.Path.Length ?? 0) * 6);
            if (batch.Count == size || bytes > MaxBatchBytes)
            {
                yield return batch;
                (batch, bytes) = (new(size), 0);
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    /// <summary>A receiver drops what is too long: names are cut to what one takes. The row they are of stands beside them.</summary>
    private static EvidenceEvent Bounded(EvidenceEvent e)
    {
        const int maxName = 4096, maxWords = 64, maxWord = 512;
        return e with
        {
            File = e.File is { } file && file.Path.Length > maxName ? file with { Path = [.. file.Path.AsSpan(0, maxName), .. Encoding.UTF8.GetBytes("…")] } : e.File,
            Process = e.Process is { } process
                ? process with
                {
                    Environment = [],
                    CommandLine = [.. process.CommandLine.Take(maxWords).Select(word => word.Length <= maxWord ? word : word[..(char.IsHighSurrogate(word[maxWord - 1]) ? maxWord - 1 : maxWord)] + "…")],
                }
                : null,
        };
    }
}
