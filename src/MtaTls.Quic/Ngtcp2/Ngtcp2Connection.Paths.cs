using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Paths, migration and the client's sockets. Runs on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    private readonly List<UdpSocket> _sockets = [];
    private UdpSocket? _candidate;
    private bool _candidateTried;
    private ulong _oldSocketUntil = Ngtcp2Structures.NoExpiry;

    /// <summary>Updates the addresses of the current path, which the peer's packets or a migration may have changed.</summary>
    private void RefreshPath()
    {
        NativePath* path = _library.GetPath(_native);
        var local = new RawAddress(path->Local.Address, (int)path->Local.Length);
        var remote = new RawAddress(path->Remote.Address, (int)path->Remote.Length);
        if (local.Equals(_local) && remote.Equals(_remote))
        {
            return;
        }

        if (!IsServer && !remote.Equals(_remote))
        {
            _otherRemote = _remote;
        }

        (_local, _remote) = (local, remote);
        (_localEndPoint, _remoteEndPoint) = (local.ToEndPoint(), remote.ToEndPoint());
        BeginPathMtu();
        if (_candidate is { } candidate && candidate.Local.Equals(local))
        {
            // Keep the old socket for a while: the peer may use the old path until it receives packets on the new one.
            _candidate = null;
            _oldSocketUntil = _loop.Now + 3 * _library.GetProbeTimeout(_native);
        }
        Log.PathChanged(_loop.Logger, Id, _localEndPoint, _remoteEndPoint);
        if (_isConnected)
        {
            Call(static c => c.Handler.OnPathChanged(c));
        }
    }

    private void BeginMigration(UdpSocket socket)
    {
        if (_native == 0)
        {
            socket.Dispose();
            return;
        }
        DropCandidate("another migration has started");
        socket.Owner = this;
        _sockets.Add(socket);
        _loop.AddSocket(socket);
        (_candidate, _candidateTried) = (socket, false);
        _loop.Schedule(this);
    }

    /// <summary>Starts to validate the new path when the handshake is confirmed and the peer has issued a connection id for it.</summary>
    private void TryMigrate()
    {
        if (_candidate is not { } candidate || _candidateTried || !_isConnected || _isMovingToPreferred)
        {
            return;
        }

        RawAddress local = candidate.Local, remote = _remote;
        NativePath path = Path(&local, &remote, candidate.Index);
        int result = _library.InitiateMigration(_native, &path, _loop.Now);
        if (result == _abi.ErrorConnectionIdBlocked)
        {
            return; // Tried again after the next packet, which may bring a connection id.
        }

        _candidateTried = true;
        if (result != 0)
        {
            DropCandidate(_library.ErrorText(result));
        }
    }

    private void DropCandidate(string why)
    {
        if (_candidate is not { } candidate)
        {
            return;
        }

        _candidate = null;
        Log.MigrationFailed(_loop.Logger, Id, candidate.LocalEndPoint, why);
        _sockets.Remove(candidate);
        _loop.RemoveSocket(candidate);
    }

    /// <summary>Closes the sockets of former paths after their grace time.</summary>
    private void DropOldSocket(ulong now)
    {
        if (now < _oldSocketUntil)
        {
            return;
        }

        _oldSocketUntil = Ngtcp2Structures.NoExpiry;
        for (int i = _sockets.Count - 1; i >= 0; i--)
        {
            UdpSocket socket = _sockets[i];
            if (ReferenceEquals(socket, _candidate) || socket.Local.Equals(_local))
            {
                continue;
            }

            _sockets.RemoveAt(i);
            _loop.RemoveSocket(socket);
        }
    }
}
