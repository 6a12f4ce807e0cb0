using System.Text;
using System.Threading.Channels;

namespace MtaTls.Protocol;

/// <content>Opening channels (section 2.1.1), from either end.</content>
public sealed partial class MtaTlsSession
{
    internal const string TooManyPending = "Too many channels are being opened";

    // What a stranger is told: nothing about the network behind.
    private const string BadAddress = "Not a valid address";
    private const string IdInUse = "The channel id is in use";
    private const string ShuttingDown = "No new channels";
    private const string TooManyChannels = "Too many channels";
    private const string NoBuffers = "No buffer space";
    private const string PacketsTooShort = "Packets are too short";
    private const string TooManyOpens = "Too many opens";
    private const string NotServed = "Not available.";

    private const int MaxReasonLength = 256;

    private readonly Channel<MtaTlsChannelRequest> _requests = Channel.CreateUnbounded<MtaTlsChannelRequest>();
    private readonly EventRate? _opens;
    private string? _recentSource;
    private string? _recentDestination;

    private PendingOpen BeginOpen(ChannelAddress source, ChannelAddress destination)
    {
        lock (_gate)
        {
            if (_state != SessionState.Open)
            {
                throw new MtaTlsSessionException(_state == SessionState.Ended ? "The session has ended." : "The session is shutting down.");
            }

            if (IsFull)
            {
                throw new MtaTlsChannelRefusedException(TooManyChannels, isLocal: true);
            }

            int firstWindow = Budget.ReserveFirst(Limits.InitialWindowSize);
            if (firstWindow == 0)
            {
                throw new MtaTlsChannelRefusedException(NoBuffers, isLocal: true);
            }

            var open = new PendingOpen(source, destination, firstWindow) { Begun = _time.GetTimestamp() };
            if (!_table.TryAddOwnOpen(open))
            {
                Budget.ReleaseAll(firstWindow);
                throw new MtaTlsChannelRefusedException(TooManyPending, isLocal: true);
            }
            Queue.EnqueueRequest(RequestPacket(open, open.FirstWindow, NewReceiveWindow(open.FirstWindow).MaxPacketLength));
            Liveness.OnOpenSent();
            return open;
        }
    }

    private static byte[] RequestPacket(PendingOpen open, int window, int maxPacketLength)
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

    private void OnSuccess(ChannelEstablishmentSuccess success)
    {
        PendingOpen? open;
        MtaTlsChannel channel;
        lock (_gate)
        {
            // First: an open that has been taken out is no longer ended with the session.
            if (_table.TryGet(success.ChannelId, out _))
            {
                throw new MtaTlsProtocolException("A ChannelEstablishmentSuccess names a channel that is open.");
            }

            if (!_table.TryTakeOwnOpen(success.ChannelId.Sender, out open))
            {
                throw new MtaTlsProtocolException("A ChannelEstablishmentSuccess answers no request.");
            }

            channel = new MtaTlsChannel(
                this, success.ChannelId, open.Source, open.Destination, new SendWindow(success.ReceiverWindowLength, success.ReceiverMaxPacketLength),
                NewReceiveWindow(open.FirstWindow), isOwn: true, open.SharesHalf);
            AddChannel(channel);
        }
        if (open.IsSignal)
        {
            _ = channel.CloseAsync().AsTask();   // a peer that accepts every name
            OnSignalAnswered(open);
            open.TrySetResult(channel);
            return;
        }
        if (success.ReceiverMaxPacketLength < Limits.MinPeerPacketLength)
        {
            Receiver.PeerPacketsTooShort(channel, success.ReceiverMaxPacketLength);
            _ = channel.CloseAsync().AsTask();   // no application will
            open.TrySetException(new MtaTlsChannelException("The peer takes only packets that are too short."));
        }
        else if (!open.TrySetResult(channel))
        {
            _ = channel.CloseAsync().AsTask();   // its caller has cancelled
        }
    }

    private void OnEchec(ChannelRequestEchec echec)
    {
        PendingOpen? open;
        lock (_gate)
        {
            if (!_table.TryTakeOwnOpen(echec.SenderChannelId, out open))
            {
                throw new MtaTlsProtocolException("A ChannelRequestEchec answers no request.");
            }

            _table.FreeOwnOpen(open);
            CheckDrained();
        }
        Budget.ReleaseAll(open.FirstWindow);
        if (open.IsSignal)
        {
            OnSignalAnswered(open);
            open.TrySetResult(null);
            return;
        }
        Counters.CountRefusedByPeer();
        open.TrySetException(new MtaTlsChannelRefusedException(Printable(echec.Error)));
    }

    private void OnRequest(ChannelEstablishmentRequest packet)
    {
        if (TryAnswerSignal(packet))
        {
            return;
        }

        bool valid = ChannelAddress.TryCreate(packet.SourceAddressMachine, packet.SourcePort, ref _recentSource, out ChannelAddress source)
            & ChannelAddress.TryCreate(packet.DestinationAddressMachine, packet.DestinationPort, ref _recentDestination, out ChannelAddress destination);
        bool tooMany = _opens?.TryTake() == false;
        MtaTlsChannelRequest? request = null;
        lock (_gate)
        {
            if (_table.HasPeerOpen(packet.SenderChannelId))
            {
                throw new MtaTlsProtocolException("A ChannelEstablishmentRequest has the sender_channel_id of one that waits for its answer.");
            }

            (string? refusal, MtaTlsSessionLimit? limit) =
                !valid ? (BadAddress, null)
                : _table.HasOwnOpen(packet.SenderChannelId) ? (IdInUse, null)   // the peer does not divide the space: the pair could collide unseen
                : packet.SenderMaxPacketLength == 0 ? (PacketsTooShort, null)
                : packet.SenderMaxPacketLength < Limits.MinPeerPacketLength ? (PacketsTooShort, MtaTlsSessionLimit.MinPeerPacketLength)
                : _state != SessionState.Open ? (ShuttingDown, null)
                : tooMany ? (TooManyOpens, MtaTlsSessionLimit.MaxOpensPerSecond)
                : IsFull ? (TooManyChannels, MtaTlsSessionLimit.MaxChannelsPerSession)
                : _table.PeerOpens >= Limits.MaxPendingChannels ? (TooManyPending, MtaTlsSessionLimit.MaxPendingChannels)   // before anybody begins to work for it
                : ((string?)null, (MtaTlsSessionLimit?)null);
            if (refusal is not null)
            {
                if (limit is { } exceeded)
                {
                    Counters.CountExceeded(exceeded);
                }

                EnqueueRefusal(packet.SenderChannelId, refusal);
            }
            else
            {
                request = new MtaTlsChannelRequest(this, packet.SenderChannelId, source, destination, new SendWindow(packet.SenderWindowLength, packet.SenderMaxPacketLength));
                _table.AddPeerOpen(request);
            }
        }
        if (request is null)
        {
            CountEmptyPacket();
            return;
        }
        if (_channelRequested is null)
        {
            _requests.Writer.TryWrite(request);
            return;
        }
        Queue.CorkThisThreadOnly();
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
        Queue.Cork();
    }

    internal MtaTlsChannel Accept(MtaTlsChannelRequest request)
    {
        lock (_gate)
        {
            if (!_table.RemovePeerOpen(request))
            {
                throw new MtaTlsSessionException("The session has ended.");
            }

            int firstWindow = Budget.ReserveFirst(Limits.InitialWindowSize);
            if (firstWindow == 0 || !_table.TryTakeReceiverHalf(request.SenderChannelId, out ChannelId id, out bool shared))
            {
                if (firstWindow != 0)
                {
                    Budget.ReleaseAll(firstWindow);
                }
                else
                {
                    Counters.CountExceeded(Budget.Exhausted);
                }

                EnqueueRefusal(request.SenderChannelId, NoBuffers);
                CheckDrained();
                throw new MtaTlsChannelRefusedException(NoBuffers, isLocal: true);
            }
            var channel = new MtaTlsChannel(
                this, id, request.Source, request.Destination, request.Window, NewReceiveWindow(firstWindow), isOwn: false, shared);
            AddChannel(channel);
            Queue.EnqueueSuccess(channel);
            return channel;
        }
    }

    internal void Refuse(MtaTlsChannelRequest request, string reason)
    {
        lock (_gate)
        {
            if (!_table.RemovePeerOpen(request))
            {
                return;
            }

            EnqueueRefusal(request.SenderChannelId, reason);
            CheckDrained();
        }
    }

    private void EnqueueRefusal(ushort senderChannelId, string reason)
    {
        Counters.CountRefused();
        EnqueueEchec(senderChannelId, reason);
    }

    private void EnqueueEchec(ushort senderChannelId, string reason)
    {
        byte[] error = Encoding.UTF8.GetBytes(reason);
        int length = error.Length;
        if (length > ChannelRequestEchec.MaxErrorLength)
        {
            length = ChannelRequestEchec.MaxErrorLength;
            while ((error[length] & 0xC0) == 0x80)
            {
                length--;   // not in the middle of a character
            }
        }
        var echec = new ChannelRequestEchec { SenderChannelId = senderChannelId, Error = error.AsSpan(0, length) };
        byte[] packet = new byte[echec.Size];
        echec.Write(packet);
        Queue.EnqueueRefusal(packet);
    }

    /// <summary>The peer's error text, fit to be shown: short, and without control characters.</summary>
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

    private ReceiveWindow NewReceiveWindow(int firstWindow) => new(firstWindow, Limits.MaxWindowSize, Limits.MaxPacketLength);
}
