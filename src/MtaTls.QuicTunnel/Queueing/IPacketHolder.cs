namespace MtaTls.QuicTunnel.Queueing;

/// <summary>A queue whose packets are in a <see cref="PacketMemory"/>. Any thread may call it.</summary>
internal interface IPacketHolder
{
    /// <summary>The slots that wait or are in flight.</summary>
    int Held { get; }

    /// <summary>The slots that wait.</summary>
    int Waiting { get; }

    /// <summary>Drops one waiting packet and returns its slot. False if none waits.</summary>
    bool TryDrop();
}
