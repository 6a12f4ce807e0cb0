namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Where packets leave the tunnel and come into it.</summary>
internal interface IPacketInterface : IDisposable
{
    string Name { get; }

    int Mtu { get; }

    /// <summary>Null while packets can go in and out; else why they cannot.</summary>
    string? Failure { get; }

    /// <summary>Opens it. Packets for the tunnel go to <paramref name="receiver"/> from now on, on threads of the interface's.</summary>
    void Start(IPacketReceiver receiver);

    /// <summary>
    /// Gives one packet that came out of the tunnel to the host; false when it did not take it. It may be kept, for others to go along, until <see cref="Flush"/>. Any thread; neither blocks nor allocates.
    /// </summary>
    bool Write(ReadOnlySpan<byte> packet);

    /// <summary>The host's addresses are these from now on, with their prefix lengths.</summary>
    /// <exception cref="IOException">They cannot be set.</exception>
    /// <exception cref="UnauthorizedAccessException">No right to set them.</exception>
    void SetAddresses(IReadOnlyList<string> addresses);

    /// <summary>No more packets are at hand: those that were kept go now. Any thread.</summary>
    void Flush();
}
