namespace MtaTls.QuicTunnel.Reordering;

/// <summary>Receives packets in order, under the lock of the reorder buffer's owner.</summary>
internal interface IReorderSink
{
    /// <summary>Receives a packet that has just arrived. The span is valid only during the call.</summary>
    void Deliver(ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>Receives a packet that has waited. The sink now owns its buffer.</summary>
    void Deliver(HeldPacket packet);
}
