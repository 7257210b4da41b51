using System.Text;
using System.Text.Json;
using ContainerIR.Actions.Changes;
using ContainerIR.Evidence;
using ContainerIR.Rows;
using ContainerIR.Runtimes;
using ContainerIR.Runtimes.Docker;

namespace ContainerIR.Actions.Isolation;

/// <summary>
/// Keeps isolations in force: a container that is started again has new interfaces, and one that is connected to another network has one more. It follows the
/// engine's events, and looks at all of them whenever the stream begins anew, so that a lost event costs time and not the isolation.
/// </summary>
internal sealed class IsolationWatch(ActionParts parts, Action<string> say)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(2);
    private readonly IsolateAction isolate = new(parts);

    /// <summary>Watches until cancelled.</summary>
    /// <param name="started">Told when the watch follows events.</param>
    /// <param name="ct">Ends it.</param>
    public async Task RunAsync(Action? started, CancellationToken ct)
    {
        DateTimeOffset since = parts.Clock.GetUtcNow();
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using IContainerRuntime runtime = parts.Connect();
                using EngineControl control = new(runtime.Endpoint);
                DateTimeOffset opened = parts.Clock.GetUtcNow();
                await using Stream events = control.OpenNetworkEvents(since - Overlap, ct);
                await SweepAsync(ct);
                started?.Invoke();
                since = opened;
                await FollowAsync(events, ct);
            }
            catch (Exception ended) when (ct.IsCancellationRequested && (ended is IOException or ObjectDisposedException))
            {
                // The stream was closed under its reader: that is how this ends.
            }
            catch (IOException)
            {
                // A quiet stream times out, an engine may be restarting: look at all again.
                await SweepAsync(ct);
            }
            catch (OperatorException problem)
            {
                say($"The engine does not answer: {problem.Message}");
            }

            ct.ThrowIfCancellationRequested();
            await Task.Delay(Retry, parts.Clock, ct);
        }
    }

    /// <summary>Looks at every isolation on record and puts in force again what is not.</summary>
    /// <returns>How many were put in force again and proven.</returns>
    public async Task<int> SweepAsync(CancellationToken ct)
    {
        int count = 0;
        foreach (Change change in parts.Journal.List(out _).Where(each => each.Action == isolate.Name && each.State == ChangeState.Done))
        {
            count += await ReapplyAsync(change, ct) ? 1 : 0;
        }

        return count;
    }

    private async Task FollowAsync(Stream events, CancellationToken ct)
    {
        // Blocking reads (EngineStream): on a thread of their own, so that cancelling need not wait for the next event.
        using CancellationTokenRegistration closing = ct.Register(events.Dispose);
        await Task.Factory.StartNew(
            () =>
            {
                using StreamReader reader = new(events, Encoding.UTF8);
                while (!ct.IsCancellationRequested && reader.ReadLine() is { } line)
                {
                    string id = ContainerOf(line);
                    foreach (Change change in id.Length == 0 ? [] : parts.Journal.Open(id, isolate.Name))
                    {
                        _ = ReapplyAsync(change, ct).GetAwaiter().GetResult();
                    }
                }
            },
            ct,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    private async Task<bool> ReapplyAsync(Change change, CancellationToken ct)
    {
        try
        {
            if (await isolate.ReapplyAsync(change, ct) is not { } again)
            {
                return false;
            }

            say($"Isolation {change.Id} of container {change.ContainerId[..12]} (case {change.CaseId}) is in force again: {IsolationProbe.Words(again.Ways)}.");
            return again.Change.Verified == true;
        }
        catch (Exception failure) when (failure is IOException or OperatorException)
        {
            say($"Isolation {change.Id} of container {change.ContainerId[..12]} (case {change.CaseId}) is NOT in force: {failure.Message}");
            return false;
        }
    }

    private static string ContainerOf(string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement actor = json.RootElement.Object("Actor");
            string? id = json.RootElement.Text("Type") == "network" ? actor.Object("Attributes").Text("container") : actor.Text("ID");
            return id is not null && ContainerInspect.IsId(id) ? id : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }
}
