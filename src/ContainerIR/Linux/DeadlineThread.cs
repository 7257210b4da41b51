using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace ContainerIR.Linux;

/// <summary>
/// Runs reads of /proc one after another on a thread of its own. One that does not end in time is given up together with its thread, which is
/// in the background and ends with the process; the next read gets a new thread. For what should never block but might.
/// </summary>
internal sealed class DeadlineThread : IDisposable
{
    private BlockingCollection<Action>? queue;

    /// <summary>Runs; false when it did not end in time.</summary>
    public bool TryRun<T>(Func<T> read, TimeSpan deadline, out T? result)
    {
        queue ??= Start();
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        queue.Add(() =>
        {
            try
            {
                done.SetResult(read());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        bool isDone;
        try
        {
            isDone = done.Task.Wait(deadline);
        }
        catch (AggregateException failure)
        {
            ExceptionDispatchInfo.Throw(failure.InnerExceptions[0]);
            throw;
        }

        if (isDone)
        {
            result = done.Task.GetAwaiter().GetResult();
            return true;
        }

        Dispose();
        result = default;
        return false;
    }

    public void Dispose()
    {
        queue?.CompleteAdding();
        queue = null;
    }

    private static BlockingCollection<Action> Start()
    {
        BlockingCollection<Action> work = [];
        new Thread(() =>
        {
            foreach (Action action in work.GetConsumingEnumerable())
            {
                action();
            }

            work.Dispose();
        })
        { IsBackground = true, Name = "proc" }.Start();
        return work;
    }
}
