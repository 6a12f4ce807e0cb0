using MtaTls.Quic;

namespace MtaTls.QuicTunnel.Client;

/// <summary>Computes delays that double up to a limit. A part of each delay is random, so that many clients do not reconnect at once.</summary>
internal sealed class Backoff(TunnelReconnectOptions options, Random random)
{
    private TimeSpan _next;

    /// <summary>
    /// A connection with a session has ended: the delays begin anew. Not when another connection of the session has taken its place: two links that reach only another concentrator than the session's would
    /// replace each other for ever.
    /// </summary>
    public void OnServed(QuicCloseReason reason)
    {
        if (reason is not { Kind: QuicCloseKind.Application, IsRemote: true, ErrorCode: (ulong)QuicTunnelError.LimitExceeded })
        {
            _next = TimeSpan.Zero;
        }
    }

    public TimeSpan Next()
    {
        TimeSpan due = _next > TimeSpan.Zero ? _next : options.InitialDelay;
        if (due > options.MaxDelay)
        {
            due = options.MaxDelay;
        }

        _next = due * 2;
        return due * (1 - (options.Jitter * random.NextDouble()));
    }
}
