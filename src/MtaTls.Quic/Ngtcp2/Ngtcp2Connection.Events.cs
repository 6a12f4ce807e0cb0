using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Events that ngtcp2 reports while it reads, writes or handles timers. An exception here is kept and closes the connection.</summary>
internal sealed partial class Ngtcp2Connection
{
    private readonly HashSet<long> _incoming = [];
    private ulong[] _seen = [0];
    private List<EarlyEvent>? _early;
    private int _streamsGranted;
    private string _certificateError = "";

    private enum EarlyKind
    {
        Data,
        Fin,
        Reset,
    }

    /// <summary>Why the connection ends, if that is known before ngtcp2 returns an error number.</summary>
    public QuicCloseReason? PendingReason { get; set; }

    public void OnHandshakeCompleted()
    {
        _hasProgressed = true;
        if (IsServer)
        {
            Connected(); // A server's handshake is confirmed when it is complete, and the client's certificate was validated before.
        }
    }

    public void OnHandshakeConfirmed()
    {
        _hasProgressed = true;
        if (!IsServer)
        {
            Connected();
        }
    }

    public void OnStreamOpened(long streamId)
    {
        _incoming.Add(streamId);
        MarkSeen(streamId);
    }

    public void OnStreamData(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        _hasProgressed = true;
        if (!_incoming.Contains(streamId))
        {
            return; // This end has stopped the stream.
        }

        if (!_isConnected)
        {
            // A client may receive stream data before the handshake is confirmed. The initial window limits it, because credit follows only after delivery.
            (_early ??= []).Add(new EarlyEvent(fin ? EarlyKind.Fin : EarlyKind.Data, streamId, data.ToArray(), 0));
            return;
        }
        Deliver(streamId, data, fin);
    }

    public void OnStreamReset(long streamId, ulong code)
    {
        _hasProgressed = true;
        // If a reset is the first frame of a stream, ngtcp2 does not open the stream and returns the credit itself.
        if (!_incoming.Contains(streamId) && !MarkSeen(streamId))
        {
            return;
        }

        if (!_isConnected)
        {
            (_early ??= []).Add(new EarlyEvent(EarlyKind.Reset, streamId, [], code));
            return;
        }
        EndIncoming(streamId);
        Handler.OnStreamReset(this, streamId, code);
    }

    public void OnStreamClosed(long streamId, ulong? code)
    {
        // Only for streams of this end. The peer's streams are handled at their FIN or reset, because soname 9 never closes them.
        if (!_streams.Remove(streamId, out OutgoingStream? stream))
        {
            return;
        }

        Interlocked.Add(ref _unacknowledged, -stream.Free());
        if (code is { } stopped && stream.ResetCode is null && _isConnected)
        {
            Handler.OnStopSending(this, streamId, stopped);
        }
    }

    public void OnStreamAcknowledged(long streamId, long offset)
    {
        _hasProgressed = true;
        if (_streams.TryGetValue(streamId, out OutgoingStream? stream))
        {
            Interlocked.Add(ref _unacknowledged, -stream.Acknowledged(offset));
        }
    }

    public void OnDatagram(ReadOnlySpan<byte> data)
    {
        _hasProgressed = true;
        if (!_isConnected)
        {
            return; // The peer is not authenticated yet, and datagrams are unreliable anyway.
        }

        _datagramsReceived++;
        _hasHandedOver = true;
        Handler.OnDatagram(this, data);
    }

    public void OnPathValidated(bool success, in Sockets.RawAddress local)
    {
        if (_candidate is { } candidate && candidate.Local.Equals(local))
        {
            if (!success)
            {
                DropCandidate("the path did not answer");
            }
        }
    }

    /// <summary>Decides about the peer's certificates, which GnuTLS has received.</summary>
    public bool AcceptsPeer(nint session)
    {
        X509Certificate2Collection certificates = TlsSession.GetPeerCertificates(session);
        if (certificates.Count == 0 && _options is QuicListenerOptions { ClientCertificateMode: QuicClientCertificateMode.Request })
        {
            return true;
        }

        bool accepted = CertificateValidator.Accepts(_options, certificates, _loop.Time.GetUtcNow(), out _certificateError);
        if (accepted && certificates.Count > 0)
        {
            PeerCertificate = certificates[0];
        }
        else
        {
            Log.CertificateRefused(_loop.Logger, Id, _certificateError);
        }

        for (int i = accepted ? 1 : 0; i < certificates.Count; i++)
        {
            certificates[i].Dispose();
        }

        return accepted;
    }

    public void FillConnectionId(Span<byte> id, Span<byte> resetToken)
    {
        _loop.NewConnectionId(id);
        _loop.StatelessResetToken(id, resetToken);
        AddId(new ConnectionId(id));
    }

    public void RemoveId(ConnectionId id)
    {
        if (_ids.Remove(id))
        {
            _loop.RemoveId(id);
        }
    }

    private void Connected()
    {
        if (_isConnected || _isClosed)
        {
            return;
        }

        ApplicationProtocol = _session!.ApplicationProtocol;
        ReadPreferredAddresses();
        UpdateSnapshot();
        BeginPathMtu();
        UpdateMaxDatagramSize();
        _isConnected = true;
        _qlog?.Open();
        EndHandshake();
        if (_options.KeepAliveInterval > TimeSpan.Zero)
        {
            unsafe
            {
                _library.SetKeepAliveTimeout(_native, Nanoseconds(_options.KeepAliveInterval));
            }
        }

        Log.Connected(_loop.Logger, Id, _remoteEndPoint, ApplicationProtocol);
        Handler.OnConnected(this);

        if (_early is not { } early)
        {
            return;
        }

        _early = null;
        foreach (EarlyEvent item in early)
        {
            if (item.Kind == EarlyKind.Reset)
            {
                OnStreamReset(item.StreamId, item.Code);
            }
            else
            {
                Deliver(item.StreamId, item.Data, item.Kind == EarlyKind.Fin);
            }
        }
    }

    private unsafe void Deliver(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        // Return credit for the connection but none for the stream, which may carry MaxStreamData bytes in all.
        _library.ExtendMaxOffset(_native, (ulong)data.Length);
        if (fin)
        {
            EndIncoming(streamId);
        }

        Handler.OnStreamData(this, streamId, data, fin);
    }

    /// <summary>Marks a stream of the peer as seen. True the first time, if the stream is within MaxStreams.</summary>
    private bool MarkSeen(long streamId)
    {
        long index = streamId >> 2;
        if (index >= _options.MaxStreams)
        {
            return false;
        }

        int word = (int)(index >> 6);
        if (word >= _seen.Length)
        {
            Array.Resize(ref _seen, Math.Max(word + 1, _seen.Length * 2));
        }

        ulong bit = 1UL << (int)(index & 63);
        bool first = (_seen[word] & bit) == 0;
        _seen[word] |= bit;
        return first;
    }

    /// <summary>Ends a stream of the peer, and lets the peer open another until it has opened MaxStreams.</summary>
    private unsafe void EndIncoming(long streamId)
    {
        if (!_incoming.Remove(streamId) || _streamsGranted >= _options.MaxStreams)
        {
            return;
        }

        _streamsGranted++;
        _library.ExtendMaxStreamsUni(_native, 1);
    }

    private static ulong Nanoseconds(TimeSpan time) => (ulong)time.Ticks * 100;

    private readonly record struct EarlyEvent(EarlyKind Kind, long StreamId, byte[] Data, ulong Code);
}
