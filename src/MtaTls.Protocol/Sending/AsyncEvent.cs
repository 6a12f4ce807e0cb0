using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>Wakes one waiting loop, without an allocation: <see cref="Reset"/>, then <see cref="WaitAsync"/> and <see cref="Set"/> in any order, once each.</summary>
/// <remarks>
/// The loop continues from the thread pool's global queue, behind the work that waits there already. What other channels write in that work
/// then shares its TLS record and its flush.
/// </remarks>
internal sealed class AsyncEvent : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _source;

    public void Reset() => _source.Reset();

    public ValueTask WaitAsync() => new(this, _source.Version);

    public void Set() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    void IThreadPoolWorkItem.Execute() => _source.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
