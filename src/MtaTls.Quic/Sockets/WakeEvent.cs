namespace MtaTls.Quic.Sockets;

/// <summary>
/// An event descriptor with which any thread wakes a thread that polls. A call of <see cref="Set"/> after or during <see cref="Dispose"/> does nothing: the kernel gives the number of a closed descriptor
/// to the next file or socket of the process, which must not be written to.
/// </summary>
internal sealed class WakeEvent : IDisposable
{
    private readonly Lock _lock = new();
    private bool _isClosed; // guarded by _lock

    /// <summary>The descriptor to poll. Only the thread that disposes the event may use it.</summary>
    public int Descriptor { get; } = LibSocket.CreateEvent();

    public void Set()
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                LibSocket.SetEvent(Descriptor);
            }
        }
    }

    public void Reset() => LibSocket.ResetEvent(Descriptor);

    public void Dispose()
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                LibSocket.CloseEvent(Descriptor);
            }
        }
    }
}
