namespace MtaTls.QuicTunnel.Reordering;

/// <summary>Takes packets in their order.</summary>
internal interface IReorderSink
{
    /// <summary>The span is valid only during the call.</summary>
    void Deliver(ReadOnlySpan<byte> datagram);
}
