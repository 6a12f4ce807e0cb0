namespace MtaTls.Client.Sessions;

/// <summary>The counts of a client, for all its pools.</summary>
internal sealed class ClientCounters
{
    private long _handshakes;
    private long _connectFailures;
    private long _opened;
    private long _refused;
    private long _fallbacks;
    private long _received;
    private long _sent;
    private int _active;

    public void Handshake() => Interlocked.Increment(ref _handshakes);

    public void ConnectFailed() => Interlocked.Increment(ref _connectFailures);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void FellBack() => Interlocked.Increment(ref _fallbacks);

    public void ChannelOpened()
    {
        Interlocked.Increment(ref _opened);
        Interlocked.Increment(ref _active);
    }

    public void ChannelClosed() => Interlocked.Decrement(ref _active);

    /// <summary>Adds the bytes of a session or fallback connection that has ended, and so no longer counts them itself.</summary>
    public void SessionEnded(long received, long sent)
    {
        Interlocked.Add(ref _received, received);
        Interlocked.Add(ref _sent, sent);
    }

    public MtaTlsClientStatistics Snapshot(int sessions, long received, long sent) => new()
    {
        ActiveSessions = sessions,
        ActiveChannels = Volatile.Read(ref _active),
        Handshakes = Interlocked.Read(ref _handshakes),
        ConnectFailures = Interlocked.Read(ref _connectFailures),
        ChannelsOpened = Interlocked.Read(ref _opened),
        ChannelsRefused = Interlocked.Read(ref _refused),
        Fallbacks = Interlocked.Read(ref _fallbacks),
        BytesReceived = received + Interlocked.Read(ref _received),
        BytesSent = sent + Interlocked.Read(ref _sent),
    };
}
