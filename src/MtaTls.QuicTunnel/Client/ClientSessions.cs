using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The client's current session. The first connection opens it, and the others join it. When the concentrator no longer knows it, a new one is opened.</summary>
internal sealed class ClientSessions(
    IPacketInterface packetInterface, DataPlaneOptions dataPlane, ILogger log, byte[] newSessionValue) : IDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly PathSupervisor _supervisor = new(dataPlane.TimeProvider);
    private readonly Lock _lock = new();
    private TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously); // guarded by _lock
    private volatile ClientSession? _current;

    public ILogger Log => log;

    /// <summary>Agrees on the addresses of each new session.</summary>
    public AddressAgreement? Agreement { get; set; }

    public TimeProvider TimeProvider => dataPlane.TimeProvider;

    public TunnelCounters Counters => dataPlane.Counters;

    /// <summary>The current session; null if there is none.</summary>
    public ClientSession? Current => _current;

    /// <summary>Completes when there is a session.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _ready.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Joins the current session. Without one, the first connection opens a session, and the others wait and then join it.</summary>
    public async Task<NegotiationOutcome> NegotiateAsync(ClientConnection connection, bool anyNode, CancellationToken cancellationToken)
    {
        if (_current is { } session)
        {
            return await JoinAsync(connection, session, anyNode, cancellationToken);
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_current is null)
            {
                return await connection.NegotiateAsync(session: null, newSessionValue).WaitAsync(cancellationToken);
            }
        }
        finally
        {
            _opening.Release();
        }

        return _current is { } other ? await JoinAsync(connection, other, anyNode, cancellationToken) : NegotiationOutcome.Failed;
    }

    /// <summary>Whether the client uses the addresses that a concentrator announces as its own.</summary>
    public bool UsesNodeAddresses { get; init; } = true;

    public ClientSession Create(byte[] id, IReadOnlyList<IPEndPoint> nodeAddresses) =>
        new(id, packetInterface, dataPlane, _supervisor, OnPathState, OnPathHarmful) { NodeAddresses = UsesNodeAddresses ? nodeAddresses : [] };

    public void OnReady(ClientSession session)
    {
        lock (_lock)
        {
            _current = session;
            _ready.TrySetResult();
        }

        log.SessionReady(session.Name);
        Agreement?.Begin(session);
    }

    /// <summary>Ends a session that the concentrator has ended or does not know.</summary>
    public void Forget(ClientSession session)
    {
        lock (_lock)
        {
            if (_current != session)
            {
                return;
            }

            _current = null;
            _ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        log.SessionLost(session.Name);
        session.End();
        foreach (TunnelPath path in session.Paths)
        {
            path.Connection.Close(0, "The session has ended.");
        }
    }

    public void Dispose()
    {
        _current?.End();
        _supervisor.Dispose();
        _opening.Dispose();
    }

    private async Task<NegotiationOutcome> JoinAsync(ClientConnection connection, ClientSession session, bool anyNode, CancellationToken cancellationToken)
    {
        if (!anyNode && !session.IsSilent && connection.IsOfOtherNode(session))
        {
            return NegotiationOutcome.OtherNode;
        }

        NegotiationOutcome outcome = await connection.NegotiateAsync(session, default).WaitAsync(cancellationToken);
        if (outcome == NegotiationOutcome.SessionUnknown)
        {
            if (!session.IsSilent)
            {
                // Another path of the session works: this connection has reached another concentrator.
                return NegotiationOutcome.Failed;
            }

            Forget(session);
        }

        return outcome;
    }

    private void OnPathHarmful(TunnelPath path, string why) => log.PathHarmful(path.Connection.LocalEndPoint, why);

    private void OnPathState(TunnelPath path, bool left)
    {
        if (left)
        {
            log.PathLeft(path.Connection.LocalEndPoint);
        }
        else
        {
            log.PathBack(path.Connection.LocalEndPoint);
        }
    }
}
