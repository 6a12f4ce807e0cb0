namespace MtaTls.Protocol;

/// <summary>Waits for bytes to come back to a <see cref="ByteBudget"/>.</summary>
internal interface IBudgetWaiter
{
    /// <summary>Bytes have come back; the waiter is no longer one. Called from any thread and under locks of channels and sessions: only for a note.</summary>
    void BytesReleased();
}
