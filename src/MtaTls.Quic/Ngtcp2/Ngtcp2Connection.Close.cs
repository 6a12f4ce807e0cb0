using System.Text;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The end of a connection. Runs on the loop. The native connection is freed at once. For three probe timeouts (RFC 9000, section 10.2) this object stays with
/// its ids and the close packet, to answer late packets.
/// </summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    private const int MaxReasonOctets = 256;

    private readonly HashSet<ConnectionId> _ids = [];
    private byte[]? _closePacket;
    private int _packetsAfterClose;
    private UdpSocket? _closeSocket;
    private Exception? _certificateFailure;

    /// <summary>Called once when the handshake has ended, so that the listener can decrement its count of handshakes.</summary>
    public Action? HandshakeEnded { get; set; }

    /// <summary>Called once when the connection has ended, so that the listener can decrement its count, or the client can free its credentials.</summary>
    public Action? Ended { get; set; }

    /// <summary>Keeps the exception of the certificate validation. It is logged later, outside native frames, because a logger may throw.</summary>
    public void CertificateFailed(Exception exception) => _certificateFailure = exception;

    /// <summary>Ends the connection after an error of ngtcp2: finds the reason, and sends a close packet if the peer needs one.</summary>
    private void Failed(int error)
    {
        if (error == _abi.ErrorDraining)
        {
            Finish(PendingReason ?? PeerReason(), lingers: true);
        }
        else if (error == _abi.ErrorIdleClose)
        {
            Finish(new QuicCloseReason(QuicCloseKind.IdleTimeout, IsRemote: false));
        }
        else if (error == _abi.ErrorHandshakeTimeout)
        {
            Finish(new QuicCloseReason(QuicCloseKind.HandshakeTimeout, IsRemote: false, Text: $"The handshake did not complete within {_options.HandshakeTimeout}."));
        }
        else if (error == _abi.ErrorReceivedVersionNegotiation || error == _abi.ErrorDropConnection || error == _abi.ErrorRetry || error == _abi.ErrorClosing)
        {
            Finish(PendingReason ?? new QuicCloseReason(QuicCloseKind.Aborted, IsRemote: false, Text: _library.ErrorText(error)));
        }
        else
        {
            NativeCloseError close = default;
            QuicCloseReason reason;
            if (error == _abi.ErrorCrypto)
            {
                byte alert = _library.GetTlsAlert(_native);
                _library.SetTlsAlert(&close, alert, null, 0);
                if (_certificateFailure is not null)
                {
                    Log.CertificateFailed(_loop.Logger, Id, _certificateFailure);
                }

                reason = new QuicCloseReason(QuicCloseKind.Tls, IsRemote: false, close.Code, _certificateError.Length > 0 ? _certificateError : $"TLS alert {alert}", _certificateFailure);
            }
            else
            {
                _library.SetLibraryError(&close, error, null, 0);
                reason = PendingReason ?? new QuicCloseReason(QuicCloseKind.Transport, IsRemote: false, close.Code, _library.ErrorText(error));
            }
            WriteClose(&close);
            Finish(reason, lingers: true);
        }
    }

    private void CloseByApplication(ulong code, string text)
    {
        if (_native == 0)
        {
            return;
        }
        // Data that was queued before, such as the last bytes of a stream, gets one burst to go first.
        if (_isConnected)
        {
            OpenStreams();
            Write(_loop.Now);
            if (_native == 0)
            {
                return;
            }
        }
        byte[] reason = Encoding.UTF8.GetBytes(text);
        NativeCloseError close = default;
        fixed (byte* start = reason)
        {
            _library.SetApplicationError(&close, code, start, (nuint)Math.Min(reason.Length, MaxReasonOctets));
            WriteClose(&close);
        }
        Finish(new QuicCloseReason(QuicCloseKind.Application, IsRemote: false, code, text), lingers: true);
    }

    private QuicCloseReason PeerReason()
    {
        NativeCloseError close = _library.GetCloseError(_native);
        string text = "";
        if (close.Reason is not null && close.ReasonLength > 0)
        {
            text = Encoding.UTF8.GetString(close.Reason, (int)Math.Min(close.ReasonLength, MaxReasonOctets));
            text = string.Create(text.Length, text, static (to, from) =>
            {
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = char.IsControl(from[i]) ? '\uFFFD' : from[i];
                }
            });
        }
        QuicCloseKind kind = close.Type == Ngtcp2Structures.CloseApplication ? QuicCloseKind.Application
            : close.Code == QuicTransportError.ConnectionRefused ? QuicCloseKind.Refused
            : close.Code is >= QuicTransportError.CryptoError and <= QuicTransportError.CryptoErrorEnd ? QuicCloseKind.Tls
            : QuicCloseKind.Transport;
        return new QuicCloseReason(kind, IsRemote: true, close.Code, text);
    }

    private void WriteClose(NativeCloseError* close)
    {
        RawAddress local = default, remote = default;
        var path = new NativePath { Local = { Address = (byte*)&local }, Remote = { Address = (byte*)&remote } };
        ulong info = 0;
        byte* packet = stackalloc byte[Ngtcp2Structures.MinInitialPacket];
        nint written = _library.WriteConnectionClose(_native, &path, 1, &info, packet, Ngtcp2Structures.MinInitialPacket, close, _loop.Now);
        if (written <= 0)
        {
            return; // There are no keys yet, or the client's address is not validated: nothing may be sent.
        }

        _closePacket = new ReadOnlySpan<byte>(packet, (int)written).ToArray();
        local.Length = (int)path.Local.Length;
        remote.Length = (int)path.Remote.Length;
        (_local, _remote) = (local, remote);
        _closeSocket = _loop.Socket((int)path.UserData);
        SendClosePacket();
    }

    private void SendClosePacket()
    {
        if (_closePacket is not { } packet || _closeSocket is not { } socket)
        {
            return;
        }

        fixed (byte* start = packet)
        {
            _loop.Sender.Send(socket, start, packet.Length, packet.Length, _remote, _local);
        }
    }

    /// <summary>Ends the connection because the loop ends: sends nothing to the peer, and keeps nothing for late packets.</summary>
    public void EndNow()
    {
        Finish(new QuicCloseReason(QuicCloseKind.Aborted, IsRemote: false));
        if (_isClosed)
        {
            Forget();
        }
    }

    /// <summary>Ends only this connection, after an unexpected exception.</summary>
    public void EndBy(Exception exception)
    {
        Log.ConnectionFailed(_loop.Logger, Id, exception);
        Finish(new QuicCloseReason(QuicCloseKind.Aborted, IsRemote: false, QuicTransportError.InternalError, exception.Message, exception));
    }

    /// <summary>Answers the first, second, fourth, eighth, ... packet after the end with the close packet (RFC 9000, section 10.2.1).</summary>
    private void AnswerClosed()
    {
        if (_isClosed && System.Numerics.BitOperations.IsPow2(++_packetsAfterClose))
        {
            SendClosePacket();
        }
    }

    /// <summary>Frees the native connection and calls the handler's OnClosed, once.</summary>
    private void Finish(QuicCloseReason reason, bool lingers = false)
    {
        if (_isClosed)
        {
            return;
        }

        _isConnected = false;
        _isClosed = true;
        ulong linger = lingers && _native != 0 ? 3 * _library.GetProbeTimeout(_native) : 0;
        EndHandshake();
        FreeNative();
        GiveBack();
        if (PendingReason is { Exception: { } exception })
        {
            // An exception of the handler. It is logged here, outside native frames, because a logger may throw.
            Log.ConnectionFailed(_loop.Logger, Id, exception);
        }

        Log.Closed(_loop.Logger, Id, reason);
        try
        {
            Handler?.OnClosed(this, reason);
        }
        catch (Exception failure)
        {
            Log.HandlerFailed(_loop.Logger, Id, failure);
        }
        _datagramsDropped += _datagrams.Close();
        Ended?.Invoke();
        Ended = null;
        if (linger > 0)
        {
            _loop.Expiries.Set(this, _loop.Now + linger);
            return;
        }
        Forget();
    }

    /// <summary>Forgets an ended connection when its time for late packets is over.</summary>
    private void ServiceClosed()
    {
        if (_isClosed && HeapIndex >= 0 && HeapExpiry <= _loop.Now)
        {
            Forget();
        }
    }

    private void Forget()
    {
        foreach (ConnectionId id in _ids)
        {
            _loop.RemoveId(id);
        }

        _ids.Clear();
        _loop.Expiries.Remove(this);
        foreach (UdpSocket socket in _sockets)
        {
            _loop.RemoveSocket(socket);
        }

        _sockets.Clear();
        (_closePacket, _closeSocket, _candidate) = (null, null, null);
        _loop.Forget(this);
    }

    private void FreeNative()
    {
        // The order matters: the connection uses the session, and both use the handle.
        if (_native != 0)
        {
            _library.Delete(_native);
            _qlog?.Dispose();
        }

        _native = 0;
        _session?.Dispose();
        _session = null;
        FreeStreams();
        if (_self.IsAllocated)
        {
            _self.Free();
        }
    }

    private void EndHandshake()
    {
        HandshakeEnded?.Invoke();
        HandshakeEnded = null;
    }

    private void AddId(ConnectionId id)
    {
        if (_ids.Add(id))
        {
            _loop.AddId(id, this);
        }
    }
}
