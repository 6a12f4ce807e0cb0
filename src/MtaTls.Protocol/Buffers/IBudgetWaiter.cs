namespace MtaTls.Protocol;

/// <summary>Is called when bytes of a <see cref="ByteBudget"/> were released.</summary>
internal interface IBudgetWaiter
{
    /// <summary>Bytes were released. The waiter has left the list; it must register again for the next call. Called from any thread, while locks of channels or sessions are held: it may
    /// only take an innermost lock and queue work.</summary>
    void BytesReleased();
}
