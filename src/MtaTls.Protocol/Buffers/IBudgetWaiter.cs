namespace MtaTls.Protocol;

/// <summary>Who waits for octets to come back to an <see cref="ByteBudget"/>.</summary>
internal interface IBudgetWaiter
{
    /// <summary>Octets have come back; the waiter is no longer one. Called from any thread and under locks of channels and sessions: only for a note.</summary>
    void BytesReleased();
}
