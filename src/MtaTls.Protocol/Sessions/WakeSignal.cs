using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>Wakes one waiting loop, without an allocation: <see cref="Reset"/>, then <see cref="WaitAsync"/> and <see cref="Set"/> in any order, once each.</summary>
internal sealed class WakeSignal : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };

    public void Reset() => _source.Reset();

    public ValueTask WaitAsync() => new(this, _source.Version);

    public void Set() => _source.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
