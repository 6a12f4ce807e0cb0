namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>A limit of events a second that several threads share.</summary>
internal abstract class SharedRate(int perSecond, TimeProvider time)
{
    private readonly EventRate _events = new(perSecond, time); // under a lock on itself

    /// <summary>Counts one. Returns whether it is within the limit.</summary>
    public bool TryTake()
    {
        lock (_events)
        {
            return _events.TryTake();
        }
    }
}
