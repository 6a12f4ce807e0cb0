using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>What the library reports while it reads, writes or looks at the time. What is thrown here is kept and closes the connection.</summary>
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

    /// <summary>What ended the connection, where that is known before the library tells an error number.</summary>
    public QuicCloseReason? PendingReason { get; set; }

    public void OnHandshakeCompleted()
    {
        _hasProgressed = true;
        if (IsServer)
        {
            Connected(); // The client's certificate was validated before: a server's handshake is confirmed when it is complete.
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
            return; // Stopped.
        }

        if (!_isConnected)
        {
            // A client may get the server's octets before the confirmation. The initial window bounds them: there is no credit before they are delivered.
            (_early ??= []).Add(new EarlyEvent(fin ? EarlyKind.Fin : EarlyKind.Data, streamId, data.ToArray(), 0));
            return;
        }
        Deliver(streamId, data, fin);
    }

    public void OnStreamReset(long streamId, ulong code)
    {
        _hasProgressed = true;
        // A reset that is the first to come of a stream opens none in the library, which then gives the credit back itself.
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
        // The peer's streams are done with at their end: soname 9 never closes them.
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
            return; // Unreliable anyhow, and nobody knows this peer yet.
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

    /// <summary>GnuTLS has the peer's certificates.</summary>
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
        // Credit for the connection, none for the stream: it may have MaxStreamData octets in all.
        _library.ExtendMaxOffset(_native, (ulong)data.Length);
        if (fin)
        {
            EndIncoming(streamId);
        }

        Handler.OnStreamData(this, streamId, data, fin);
    }

    /// <summary>True the first time, for a stream among those that the peer may have in all.</summary>
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

    /// <summary>Another stream may take the place of this one, as long as the peer has not had all it may have.</summary>
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
