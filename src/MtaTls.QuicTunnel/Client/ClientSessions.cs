using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The client's one session: the first connection opens it, the others join it, and a new one follows when the concentrator knows it no more.</summary>
internal sealed class ClientSessions(
    IPacketInterface packetInterface, DataPlaneOptions dataPlane, ILogger log, byte[] newSessionValue) : IDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly PathSupervisor _supervisor = new(dataPlane.TimeProvider);
    private readonly Lock _lock = new();
    private TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously); // guarded by _lock
    private volatile ClientSession? _current;

    public ILogger Log => log;

    /// <summary>Is told of each new session.</summary>
    public AddressAgreement? Agreement { get; set; }

    public TimeProvider TimeProvider => dataPlane.TimeProvider;

    public TunnelCounters Counters => dataPlane.Counters;

    /// <summary>Null while there is none.</summary>
    public ClientSession? Current => _current;

    /// <summary>Ends when there is a session.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _ready.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Joins the session; where there is none, the first connection that comes opens it, and the others wait to join.</summary>
    public async Task<NegotiationOutcome> NegotiateAsync(ClientConnection connection, CancellationToken cancellationToken)
    {
        if (_current is { } session)
        {
            return await JoinAsync(connection, session, cancellationToken);
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

        return _current is { } other ? await JoinAsync(connection, other, cancellationToken) : NegotiationOutcome.Failed;
    }

    public ClientSession Create(byte[] id) => new(id, packetInterface, dataPlane, _supervisor, OnPathState, OnPathHarmful);

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

    /// <summary>The concentrator has ended the session, or does not know it.</summary>
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
            path.Connection.Close(0, "The session is over.");
        }
    }

    public void Dispose()
    {
        _current?.End();
        _supervisor.Dispose();
        _opening.Dispose();
    }

    private async Task<NegotiationOutcome> JoinAsync(ClientConnection connection, ClientSession session, CancellationToken cancellationToken)
    {
        NegotiationOutcome outcome = await connection.NegotiateAsync(session, default).WaitAsync(cancellationToken);
        if (outcome == NegotiationOutcome.SessionUnknown)
        {
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
