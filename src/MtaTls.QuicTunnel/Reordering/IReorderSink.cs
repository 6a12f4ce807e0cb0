namespace MtaTls.QuicTunnel.Reordering;

/// <summary>Takes packets in their order, under the lock of the reorder buffer's owner.</summary>
internal interface IReorderSink
{
    /// <summary>The packet that has just come is due; the span is valid only during the call.</summary>
    void Deliver(ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>A packet that waited is due. Its buffer is the sink's from now on.</summary>
    void Deliver(HeldPacket packet);
}
