namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Collects the sessions that got packets from one reader thread. Their paths are woken once, after all packets are queued, and then send the packets together. Used by one thread.
/// </summary>
internal sealed class SendBatch
{
    private readonly TunnelSession?[] _sessions = new TunnelSession?[16];
    private int _count;

    public void Add(TunnelSession session)
    {
        if (Array.IndexOf(_sessions, session, 0, _count) >= 0)
        {
            return;
        }

        if (_count == _sessions.Length)
        {
            End();
        }

        _sessions[_count++] = session;
    }

    /// <summary>Wakes the paths of all collected sessions.</summary>
    public void End()
    {
        for (int i = 0; i < _count; i++)
        {
            _sessions[i]!.Sending?.WakeWaiting();
            _sessions[i] = null;
        }

        _count = 0;
    }
}
