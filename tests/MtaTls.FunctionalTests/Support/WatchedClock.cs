using Microsoft.Extensions.Time.Testing;

namespace MtaTls.FunctionalTests.Support;

/// <summary>A clock that stands still until the test moves it, and shows when code waits for a certain time.</summary>
internal sealed class WatchedClock(TimeSpan watched) : FakeTimeProvider
{
    private readonly TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Armed => _armed.Task;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime == watched)
        {
            _armed.TrySetResult();
        }

        return timer;
    }
}
