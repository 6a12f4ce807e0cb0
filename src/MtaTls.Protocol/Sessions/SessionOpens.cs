using System.Text;
using System.Threading.Channels;

namespace MtaTls.Protocol;

/// <summary>Handles opens by either end until they are answered. An open is a ChannelEstablishmentRequest (section 2.1.1).</summary>
internal sealed class SessionOpens
{
    public const string TooManyPending = "Too many channels are being opened";

    // Refusal texts. They tell an unknown peer nothing about the network behind this end.
    private const string BadAddress = "Not a valid address";
    private const string IdInUse = "The channel id is in use";
    public const string ShuttingDown = "No new channels";
    private const string TooManyChannels = "Too many channels";
    public const string NoBuffers = "No buffer space";
    private const string PacketsTooShort = "Packets are too short";
    private const string TooManyOpens = "Too many opens";
    private const string NotServed = "Not available.";

    private const int MaxReasonLength = 256;

    private readonly MtaTlsSession _session;
    private readonly ChannelRegistry _registry;
    private readonly TimeProvider _time;
    private readonly Action<MtaTlsChannelRequest>? _channelRequested;
    private readonly Channel<MtaTlsChannelRequest> _requests = Channel.CreateUnbounded<MtaTlsChannelRequest>();
    private readonly EventRate? _rate;

    // Used by the read loop only.
    private string? _recentSource;
    private string? _recentDestination;

    public SessionOpens(MtaTlsSession session, ChannelRegistry registry, MtaTlsSessionOptions options)
    {
        _session = session;
        _registry = registry;
        _time = options.TimeProvider;
        _channelRequested = options.ChannelRequested;
        _rate = EventRate.Create(session.Limits.MaxOpensPerSecond, _time);
    }

    /// <summary>The peer's opens that wait for <see cref="MtaTlsSession.AcceptChannelAsync"/>.</summary>
    public ChannelReader<MtaTlsChannelRequest> Requests => _requests.Reader;

    /// <summary>Drops the peer's opens that wait, because the session has ended and they can no longer be answered.</summary>
    public void Complete()
    {
        _requests.Writer.TryComplete();
        while (_requests.Reader.TryRead(out _))
        {
        }
    }

    /// <summary>Sends an open to the peer.</summary>
    public PendingOpen BeginOpen(ChannelAddress source, ChannelAddress destination)
    {
        lock (_registry.Gate)
        {
            if (_registry.State != SessionState.Open)
            {
                throw new MtaTlsSessionException(_registry.State == SessionState.Ended ? "The session has ended." : "The session is shutting down.");
            }

            if (_registry.IsFull)
            {
                throw new MtaTlsChannelRefusedException(TooManyChannels, isLocal: true);
            }

            int firstWindow = _session.Budget.ReserveFirst(_session.Limits.InitialWindowSize);
            if (firstWindow == 0)
            {
                throw new MtaTlsChannelRefusedException(NoBuffers, isLocal: true);
            }

            var open = new PendingOpen(source, destination, firstWindow) { Begun = _time.GetTimestamp() };
            if (!_registry.Table.TryAddOwnOpen(open))
            {
                _session.Budget.ReleaseAll(firstWindow);
                throw new MtaTlsChannelRefusedException(TooManyPending, isLocal: true);
            }
            _session.Queue.EnqueueRequest(RequestPacket(open, open.FirstWindow, NewReceiveWindow(open.FirstWindow).MaxPacketLength));
            _session.Liveness.OnOpenSent();
            return open;
        }
    }

    public static byte[] RequestPacket(PendingOpen open, int window, int maxPacketLength)
    {
        var request = new ChannelEstablishmentRequest
        {
            SenderChannelId = open.SenderChannelId,
            SenderWindowLength = (uint)window,
            SenderMaxPacketLength = (uint)maxPacketLength,
            SourceAddressMachine = Encoding.ASCII.GetBytes(open.Source.Host),
            SourcePort = (ushort)open.Source.Port,
            DestinationAddressMachine = Encoding.ASCII.GetBytes(open.Destination.Host),
            DestinationPort = (ushort)open.Destination.Port,
        };
        byte[] packet = new byte[request.Size];
        request.Write(packet);
        return packet;
    }

    /// <summary>The peer has accepted an open of this end. Called by the read loop only.</summary>
    public void OnSuccess(ChannelEstablishmentSuccess success)
    {
        PendingOpen? open;
        MtaTlsChannel channel;
        lock (_registry.Gate)
        {
            // Checked first: after the open was taken out of the table, an exception here would leave its caller without a result.
            if (_registry.Table.TryGet(success.ChannelId, out _))
            {
                throw new MtaTlsProtocolException("The peer sent a ChannelEstablishmentSuccess with the id of a channel that is open.");
            }

            if (!_registry.Table.TryTakeOwnOpen(success.ChannelId.Sender, out open))
            {
                throw new MtaTlsProtocolException("The peer sent a ChannelEstablishmentSuccess without a request of this end.");
            }

            channel = new MtaTlsChannel(
                _session, success.ChannelId, open.Source, open.Destination, new SendWindow(success.ReceiverWindowLength, success.ReceiverMaxPacketLength),
                NewReceiveWindow(open.FirstWindow), isOwn: true, open.SharesHalf);
            _registry.Add(channel);
            _session.Counters.CountOpened();
        }
        if (open.IsSignal)
        {
            _ = channel.CloseAsync().AsTask();   // the peer does not know signals and accepts every name
            _session.Signals.OnAnswered(open);
            open.TrySetResult(channel);
            return;
        }
        if (success.ReceiverMaxPacketLength < _session.Limits.MinPeerPacketLength)
        {
            _session.Receiver.PeerPacketsTooShort(channel, success.ReceiverMaxPacketLength);
            _ = channel.CloseAsync().AsTask();   // no application gets the channel, so none will close it
            open.TrySetException(new MtaTlsChannelException($"The peer announced max_packet_length {success.ReceiverMaxPacketLength}, which is less than MinPeerPacketLength ({_session.Limits.MinPeerPacketLength})."));
        }
        else if (!open.TrySetResult(channel))
        {
            _ = channel.CloseAsync().AsTask();   // its caller has canceled, or its time is over
        }
    }

    /// <summary>The peer has refused an open of this end. Called by the read loop only.</summary>
    public void OnEchec(ChannelRequestEchec echec)
    {
        PendingOpen? open;
        lock (_registry.Gate)
        {
            if (!_registry.Table.TryTakeOwnOpen(echec.SenderChannelId, out open))
            {
                throw new MtaTlsProtocolException("The peer sent a ChannelRequestEchec without a request of this end.");
            }

            _registry.Table.FreeOwnOpen(open);
            _registry.CheckDrained();
        }
        _session.Budget.ReleaseAll(open.FirstWindow);
        if (open.IsSignal)
        {
            _session.Signals.OnAnswered(open);
            open.TrySetResult(null);
            return;
        }
        _session.Counters.CountRefusedByPeer();
        open.TrySetException(new MtaTlsChannelRefusedException(Printable(echec.Error)));
    }

    /// <summary>The peer has sent an open. Called by the read loop only.</summary>
    public void OnRequest(ChannelEstablishmentRequest packet)
    {
        if (_session.Signals.TryAnswer(packet))
        {
            return;
        }

        bool valid = ChannelAddress.TryCreate(packet.SourceAddressMachine, packet.SourcePort, ref _recentSource, out ChannelAddress source)
            & ChannelAddress.TryCreate(packet.DestinationAddressMachine, packet.DestinationPort, ref _recentDestination, out ChannelAddress destination);
        bool tooMany = _rate?.TryTake() == false;
        MtaTlsChannelRequest? request = null;
        lock (_registry.Gate)
        {
            if (_registry.Table.HasPeerOpen(packet.SenderChannelId))
            {
                throw new MtaTlsProtocolException("The peer sent a ChannelEstablishmentRequest with the sender_channel_id of a pending one.");
            }

            (string? refusal, MtaTlsSessionLimit? limit) =
                !valid ? (BadAddress, null)
                : _registry.Table.HasOwnOpen(packet.SenderChannelId) ? (IdInUse, null)   // the peer does not use the top bit as this end does: two opens that cross could get the same pair
                : packet.SenderMaxPacketLength == 0 ? (PacketsTooShort, null)
                : packet.SenderMaxPacketLength < _session.Limits.MinPeerPacketLength ? (PacketsTooShort, MtaTlsSessionLimit.MinPeerPacketLength)
                : _registry.State != SessionState.Open ? (ShuttingDown, null)
                : tooMany ? (TooManyOpens, MtaTlsSessionLimit.MaxOpensPerSecond)
                : _registry.IsFull ? (TooManyChannels, MtaTlsSessionLimit.MaxChannelsPerSession)
                : _registry.Table.PeerOpens >= _session.Limits.MaxPendingChannels ? (TooManyPending, MtaTlsSessionLimit.MaxPendingChannels)   // before the application begins to work for it
                : ((string?)null, (MtaTlsSessionLimit?)null);
            if (refusal is not null)
            {
                if (limit is { } exceeded)
                {
                    _session.Counters.CountExceeded(exceeded);
                }

                EnqueueRefusal(packet.SenderChannelId, refusal);
            }
            else
            {
                request = new MtaTlsChannelRequest(_session, packet.SenderChannelId, source, destination, new SendWindow(packet.SenderWindowLength, packet.SenderMaxPacketLength));
                _registry.Table.AddPeerOpen(request);
            }
        }
        if (request is null)
        {
            _session.Dispatcher.CountEmptyPacket();
            return;
        }
        if (_channelRequested is null)
        {
            _requests.Writer.TryWrite(request);
            return;
        }
        _session.Queue.CorkThisThreadOnly();
        try
        {
            _channelRequested(request);
        }
        catch (Exception)
        {
            if (request.TryWithdraw())
            {
                Refuse(request, NotServed);
            }
        }
        _session.Queue.Cork();
    }

    /// <summary>Accepts an open of the peer.</summary>
    public MtaTlsChannel Accept(MtaTlsChannelRequest request)
    {
        lock (_registry.Gate)
        {
            if (!_registry.Table.RemovePeerOpen(request))
            {
                throw new MtaTlsSessionException("The session has ended.");
            }

            int firstWindow = _session.Budget.ReserveFirst(_session.Limits.InitialWindowSize);
            if (firstWindow == 0 || !_registry.Table.TryTakeReceiverHalf(request.SenderChannelId, out ChannelId id, out bool shared))
            {
                if (firstWindow != 0)
                {
                    _session.Budget.ReleaseAll(firstWindow);
                }
                else
                {
                    _session.Counters.CountExceeded(_session.Budget.Exhausted);
                }

                EnqueueRefusal(request.SenderChannelId, NoBuffers);
                _registry.CheckDrained();
                throw new MtaTlsChannelRefusedException(NoBuffers, isLocal: true);
            }
            var channel = new MtaTlsChannel(
                _session, id, request.Source, request.Destination, request.Window, NewReceiveWindow(firstWindow), isOwn: false, shared);
            _registry.Add(channel);
            _session.Counters.CountOpened();
            _session.Queue.EnqueueSuccess(channel);
            return channel;
        }
    }

    /// <summary>Refuses an open of the peer.</summary>
    public void Refuse(MtaTlsChannelRequest request, string reason)
    {
        lock (_registry.Gate)
        {
            if (!_registry.Table.RemovePeerOpen(request))
            {
                return;
            }

            EnqueueRefusal(request.SenderChannelId, reason);
            _registry.CheckDrained();
        }
    }

    private void EnqueueRefusal(ushort senderChannelId, string reason)
    {
        _session.Counters.CountRefused();
        EnqueueEchec(senderChannelId, reason);
    }

    /// <summary>Queues a ChannelRequestEchec, without counting it as a refused open.</summary>
    public void EnqueueEchec(ushort senderChannelId, string reason)
    {
        byte[] error = Encoding.UTF8.GetBytes(reason);
        int length = error.Length;
        if (length > ChannelRequestEchec.MaxErrorLength)
        {
            length = ChannelRequestEchec.MaxErrorLength;
            while ((error[length] & 0xC0) == 0x80)
            {
                length--;   // do not cut inside a character
            }
        }
        var echec = new ChannelRequestEchec { SenderChannelId = senderChannelId, Error = error.AsSpan(0, length) };
        byte[] packet = new byte[echec.Size];
        echec.Write(packet);
        _session.Queue.EnqueueRefusal(packet);
    }

    /// <summary>Makes the peer's error text safe to show: at most 256 characters, and no control characters.</summary>
    private static string Printable(ReadOnlySpan<byte> error)
    {
        char[] text = Encoding.UTF8.GetChars(error[..Math.Min(error.Length, 4 * MaxReasonLength)].ToArray());
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]) || char.GetUnicodeCategory(text[i]) is System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator)
            {
                text[i] = '?';
            }
        }
        return new string(text, 0, Math.Min(text.Length, MaxReasonLength));
    }

    private ReceiveWindow NewReceiveWindow(int firstWindow) => new(firstWindow, _session.Limits.MaxWindowSize, _session.Limits.MaxPacketLength);
}
