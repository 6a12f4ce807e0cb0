using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// A connection from another concentrator, which relays a client's connection to a session of this one. It joins the session once, if no direct path of it works, and is then a path behind all direct ones.
/// </summary>
internal sealed class RelayedConnection(TunnelConcentrator concentrator) : AcceptedConnection(concentrator, ofNode: true), IConcentratorControlHandler
{
    private RelayNode? _relay;
    private string? _node; // set while a slot is taken
    private int _hasLeft;

    protected override void OnEnded(TunnelPath? path, QuicCloseReason reason)
    {
        // What the connection holds goes back first: the log belongs to the application and may throw.
        if (path is null)
        {
            ReturnSlot();
        }

        base.OnEnded(path, reason);
        if (path is not null)
        {
            LeaveOnce(path, reason.ToString());
        }
    }

    public override void OnNewSession(ReadOnlySpan<byte> value) => throw new ControlViolationException("A concentrator opens no session.");

    public override void OnJoinSession(ReadOnlySpan<byte> sessionId) => throw new ControlViolationException("A concentrator joins sessions for clients.");

    void IConcentratorControlHandler.OnRelayJoin(RelayJoin join)
    {
        if (Concentrator.Relay is not { } relay)
        {
            RefuseJoin(QuicTunnelError.Unknown); // The concentrator starts or stops.
        }
        else if (!relay.IsNode(Connection, join.Node))
        {
            relay.Shared.Relayed.Refused(RelayRefusal.NotANode);
            Concentrator.Log.NotANode(Connection.RemoteEndPoint, join.Node, Connection.PeerCertificate?.Subject ?? "");
            Close(QuicTunnelError.Unauthorized, "The certificate is not that of a concentrator of this cluster.");
        }
        else if (!Concentrator.TryTakeJoin())
        {
            RefuseJoin(QuicTunnelError.Unknown);
        }
        else if (!relay.Accepted.TryTake(join.Node))
        {
            relay.Shared.Relayed.Refused(RelayRefusal.Limit);
            if (relay.Shared.Refusals.TryTake())
            {
                Concentrator.Log.RelayRefused(join.Node);
            }

            RefuseJoin(QuicTunnelError.ConflictingState);
        }
        else
        {
            (_relay, _node) = (relay, join.Node);
            _ = JoinAsync(join);
        }
    }

    void IConcentratorControlHandler.OnPathLimit(int largestDatagram)
    {
        if (Path is { } path)
        {
            path.RelayLimit = largestDatagram;
        }
    }

    private async Task JoinAsync(RelayJoin join)
    {
        if (Concentrator.Registry.Find(join.SessionId) is not { } session || (MustBeIdentity && !Matches(join.Identity, session.Identity)))
        {
            RefuseJoin(QuicTunnelError.UnknownSessionId);
            return;
        }

        // The relay is for failover only.
        if (await session.AnswersDirectlyAsync())
        {
            RefuseJoin(QuicTunnelError.ConflictingState);
            return;
        }

        JoinResult result = session.Join(Connection, out TunnelPath? path, isRelayed: true);
        if (path is null)
        {
            RefuseJoin(result == JoinResult.UnknownSession ? QuicTunnelError.UnknownSessionId : QuicTunnelError.ConflictingState);
            return;
        }

        long stream = Connection.OpenUnidirectionalStream();
        Attach(path);
        Concentrator.Log.RelayedJoined(session.Id.Name, join.Node, Connection.RemoteEndPoint);
        Connection.SendStream(stream, default, fin: true);
        if (!Connection.IsConnected)
        {
            // The connection may have ended before it was a path.
            LeaveOnce(path, "it ended meanwhile");
        }
    }

    private void LeaveOnce(TunnelPath path, string reason)
    {
        if (Interlocked.Exchange(ref _hasLeft, 1) == 0)
        {
            ReturnSlot();
            Leave(path, reason);
        }
    }

    private void ReturnSlot()
    {
        if (Interlocked.Exchange(ref _node, null) is { } node)
        {
            _relay!.Accepted.Return(node);
        }
    }

    private static bool Matches(byte[]? vouched, string? identity) => vouched is not null && CryptographicOperations.FixedTimeEquals(vouched, SessionLocator.HashBytes(identity));
}
