namespace MtaTls.FunctionalTests.Liveness;

/// <summary>The system's clock, but timers of a certain length end at once. So a server's longest wait is over before anything else can happen.</summary>
internal sealed class HastyTime(TimeSpan length) : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Timer(this, base.CreateTimer(callback, state, Hasten(dueTime), period));

    private TimeSpan Hasten(TimeSpan dueTime) => dueTime == length ? TimeSpan.Zero : dueTime;

    private sealed class Timer(HastyTime time, ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(time.Hasten(dueTime), period);

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
