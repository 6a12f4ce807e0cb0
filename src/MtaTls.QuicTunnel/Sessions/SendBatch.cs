namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// The sessions that got packets of one thread which has more at hand: their paths are told once, when all are queued, and then send them in one piece. Used by one thread.
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

    /// <summary>Tells the paths.</summary>
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
