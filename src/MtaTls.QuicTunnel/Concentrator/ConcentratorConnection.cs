using MtaTls.Quic;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>One connection of a client.</summary>
internal sealed class ConcentratorConnection(TunnelConcentrator concentrator) : AcceptedConnection(concentrator, ofNode: false)
{
    private string? _identity;
    private volatile RelayLink? _relay; // set while the session's concentrator is asked, and while the connection is relayed

    protected override bool IsNegotiated => base.IsNegotiated || _relay is { IsAttached: true };

    protected override void OnNegotiating()
    {
        if (MustBeIdentity)
        {
            _identity = Connection.PeerCertificate?.Subject;
            if (string.IsNullOrEmpty(_identity))
            {
                Close(QuicTunnelError.Unauthorized, "A client certificate with a subject is required.");
                return;
            }

            if (!IsAdmitted())
            {
                return;
            }
        }

        base.OnNegotiating();
    }

    /// <summary>Checks the client again after <see cref="TunnelConcentrator.Policy"/> has changed. Any thread may call it.</summary>
    public void Reconsider()
    {
        if (Phase is TunnelConnectionPhase.Negotiating or TunnelConnectionPhase.Joined)
        {
            IsAdmitted();
        }
    }

    protected override void OnEnded(TunnelPath? path, QuicCloseReason reason)
    {
        // First, because the log belongs to the application and may throw.
        Interlocked.MemoryBarrier(); // Pairs with that in UseRelay.
        _relay?.OnClientEnded(reason);
        base.OnEnded(path, reason);
        if (path is not null)
        {
            Leave(path, reason.ToString());
        }
    }

    public override void OnNewSession(ReadOnlySpan<byte> value)
    {
        if (!Concentrator.TryTakeJoin())
        {
            RefuseSession(QuicTunnelError.LimitExceeded, "Too many New Session and Join Session messages in this second (MaxJoinsPerSecond). Try again later.");
            return;
        }

        byte[] qosIndication = [];
        if (Concentrator.Options.Authentication.Mode != TunnelAuthenticationMode.Token)
        {
            qosIndication = value.ToArray();
        }
        else if (!Concentrator.Policy.Tokens.TryFind(value, out _identity))
        {
            RefuseSession(QuicTunnelError.Unauthorized, "The token is not valid.");
            return;
        }

        if (!Concentrator.Policy.Admits(_identity))
        {
            RefuseSession(QuicTunnelError.Unauthorized, $"{_identity} is not allowed.");
            return;
        }

        if (Concentrator.Registry.Create(_identity, qosIndication, Connection, out TunnelPath? path) is not { } session)
        {
            RefuseSession(QuicTunnelError.LimitExceeded, "The concentrator or the identity has its maximum number of sessions.");
            return;
        }

        Attach(path!);
        Concentrator.Log.SessionCreated(session.Id.Name, _identity ?? "an anonymous client", Connection.RemoteEndPoint);
        Connection.SendStream(Connection.OpenUnidirectionalStream(), Tlv.Encode(TlvType.SessionId, session.Id.Value), fin: true);
    }

    public override void OnJoinSession(ReadOnlySpan<byte> sessionId)
    {
        QuicTunnelError error = QuicTunnelError.Unknown;
        TunnelPath? path = null;
        if (Concentrator.TryTakeJoin())
        {
            switch (Concentrator.Registry.Join(sessionId, _identity, MustBeIdentity, Connection, out path))
            {
                case JoinResult.UnknownSession:
                    error = QuicTunnelError.UnknownSessionId;
                    break;
                case JoinResult.Conflict:
                    error = QuicTunnelError.ConflictingState;
                    break;
            }
        }

        if (path is null)
        {
            if (error == QuicTunnelError.UnknownSessionId && Concentrator.Registry.Locator is { } locator)
            {
                _ = FindElsewhereAsync(locator, sessionId.ToArray());
            }
            else
            {
                RefuseJoin(error);
            }

            return;
        }

        long stream = Connection.OpenUnidirectionalStream();
        Attach(path);
        Concentrator.Log.SessionJoined(SessionOf(path).Id.Name, Connection.RemoteEndPoint);
        Connection.SendStream(stream, default, fin: true);
    }

    public override void OnAccessReport(AccessReport report)
    {
        if (Path is null && _relay is { IsAttached: true } relay)
        {
            relay.OnClientReport(report);
        }
        else
        {
            base.OnAccessReport(report);
        }
    }

    protected override void OnDatagramWithoutPath(ReadOnlySpan<byte> data)
    {
        if (_relay is { } relay)
        {
            relay.OnClientDatagram(data);
        }
        else
        {
            base.OnDatagramWithoutPath(data);
        }
    }

    protected override void OnDatagramsWithoutPathEnd() => _relay?.OnClientDatagramsEnd();

    protected override void OnMovedWithoutPath() => _relay?.OnClientMoved();

    /// <summary>Looks for the session at other concentrators. If one has it and this one relays, the connection joins it there; else the join is refused.</summary>
    private async Task FindElsewhereAsync(SessionLocator locator, byte[] sessionId)
    {
        (QuicTunnelError error, TunnelSessionOwner? owner) = await locator.FindAsync(sessionId, _identity, MustBeIdentity);
        if (owner is null || Concentrator.Relay is not { } relay)
        {
            RefuseJoin(error);
        }
        else if (await relay.RelayAsync(Connection, sessionId, _identity, owner, UseRelay) is { } refused)
        {
            RefuseJoin(refused);
        }
        else
        {
            EndNegotiation();
            Connection.SendStream(Connection.OpenUnidirectionalStream(), default, fin: true);
        }
    }

    private void UseRelay(RelayLink link)
    {
        _relay = link;
        Interlocked.MemoryBarrier(); // The connection ends meanwhile, or its end sees the link.
        if (!Connection.IsConnected)
        {
            link.Close((ulong)QuicTunnelError.Unknown, "The client's connection has ended.");
        }
    }

    /// <summary>Returns whether the client may use the concentrator, and closes the connection if not.</summary>
    private bool IsAdmitted()
    {
        AccessPolicy policy = Concentrator.Policy;
        string? why = !policy.Admits(Connection.PeerCertificate) ? "the certificate is revoked" : !policy.Admits(_identity) ? "the identity is not allowed" : null;
        if (why is null)
        {
            return true;
        }

        Concentrator.Log.ClientLockedOut(_identity ?? "", Connection.RemoteEndPoint, why);
        Close(QuicTunnelError.Unauthorized, "Not allowed.");
        return false;
    }

    private void RefuseSession(QuicTunnelError error, string reason)
    {
        Concentrator.Log.SessionRefused(Connection.RemoteEndPoint, reason);
        Close(error, reason);
    }
}
