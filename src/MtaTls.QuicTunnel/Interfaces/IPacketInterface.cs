namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>The interface between the tunnel and the host: packets leave and enter the tunnel here.</summary>
internal interface IPacketInterface : IDisposable
{
    string Name { get; }

    int Mtu { get; }

    /// <summary>Why packets cannot pass; null if they can.</summary>
    string? Failure { get; }

    /// <summary>Opens the interface. From now on it passes packets for the tunnel to <paramref name="receiver"/>, on its own threads.</summary>
    void Start(IPacketReceiver receiver);

    /// <summary>
    /// Passes a packet from the tunnel to the host. False if the host did not accept it. The interface may keep the packet until <see cref="Flush"/>, to merge it with others. Any thread may call it.
    /// </summary>
    bool Write(ReadOnlySpan<byte> packet);

    /// <summary>Replaces the host's addresses in the tunnel, with their prefix lengths.</summary>
    /// <exception cref="IOException">The addresses cannot be set.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not set addresses.</exception>
    void SetAddresses(IReadOnlyList<string> addresses);

    /// <summary>Writes the packets that were kept, because no more packets follow now. Any thread may call it.</summary>
    void Flush();
}
