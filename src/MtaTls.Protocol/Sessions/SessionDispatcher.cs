using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <summary>Passes each packet of the read loop to its channel or open, and counts the packets that carry nothing. Only the read loop uses it.</summary>
internal sealed class SessionDispatcher
{
    private readonly MtaTlsSession _session;
    private readonly ChannelRegistry _registry;
    private readonly SessionOpens _opens;
    private readonly EventRate? _emptyPackets;
    private readonly EventRate? _smallPackets;
    private readonly EventRate? _acknowledgments;
    private MtaTlsChannel? _lastFound;

    public SessionDispatcher(MtaTlsSession session, ChannelRegistry registry, SessionOpens opens, TimeProvider time)
    {
        _session = session;
        _registry = registry;
        _opens = opens;
        _emptyPackets = EventRate.Create(session.Limits.MaxEmptyPacketsPerSecond, time);
        _smallPackets = EventRate.Create(session.Limits.MaxSmallPacketsPerSecond, time);
        _acknowledgments = EventRate.Create(session.Limits.MaxAcknowledgmentsPerSecond, time);
    }

    /// <summary>Handles a control packet.</summary>
    public void OnPacket(PacketType type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case PacketType.ChannelEstablishmentRequest:
                _opens.OnRequest(ChannelEstablishmentRequest.Read(body));
                break;
            case PacketType.ChannelEstablishmentSuccess:
                _opens.OnSuccess(ChannelEstablishmentSuccess.Read(body));
                break;
            case PacketType.ChannelRequestEchec:
                _opens.OnEchec(ChannelRequestEchec.Read(body));
                break;
            case PacketType.ChannelCloseRequest:
                if (FindChannel(ChannelCloseRequest.Read(body).ChannelId) is { } closing && PacketReceiver.OnCloseRequest(closing))
                {
                    Free(closing);
                }

                break;
            case PacketType.ChannelCloseConfirmation:
                if (FindChannel(ChannelCloseConfirmation.Read(body).ChannelId) is { } closed && PacketReceiver.OnCloseConfirmation(closed))
                {
                    Free(closed);
                }

                break;
            case PacketType.NewMaxPacketLength:
                CountAcknowledgment();
                CountEmptyPacket();
                var change = NewMaxPacketLength.Read(body);
                if (FindChannel(change.ChannelId) is { } changed)
                {
                    _session.Receiver.OnNewMaxPacketLength(changed, change.MaxPacketLength);
                }

                break;
            case PacketType.Acknowledgment:
                CountAcknowledgment();
                var acknowledgment = Acknowledgment.Read(body);
                if (acknowledgment.FreeSpace == 0)
                {
                    _session.Counters.EmptyAcknowledgments++;
                    CountEmptyPacket();
                }
                if (FindChannel(acknowledgment.ChannelId) is { } acknowledged)
                {
                    _session.Receiver.OnAcknowledgment(acknowledged, acknowledgment.FreeSpace);
                }

                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Returns the channel of a packet of type 4 to 8; <see langword="null"/> when the id was freed and the packet must be ignored.</summary>
    /// <exception cref="MtaTlsProtocolException">The id was never live.</exception>
    public MtaTlsChannel? FindChannel(ChannelId id)
    {
        // Safe without the lock: only the read loop frees ids, and it clears this field then.
        if (_lastFound is { } last && last.Id == id)
        {
            return last;
        }

        lock (_registry.Gate)
        {
            // Before ChannelEstablishmentSuccess is sent, the peer can only guess the id.
            if (_registry.Table.TryGet(id, out MtaTlsChannel? channel) && channel.IsAnnounced)
            {
                return _lastFound = channel;
            }

            if (!_registry.Table.WasFreed(id))
            {
                throw new MtaTlsProtocolException($"The peer sent a packet for channel {id}, which was never open.");
            }
        }
        _session.Counters.CountIgnored();
        CountEmptyPacket();
        return null;
    }

    /// <summary>Counts a packet that carries nothing.</summary>
    /// <exception cref="MtaTlsProtocolException">The peer has sent more of them than <see cref="MtaTlsSessionLimits.MaxEmptyPacketsPerSecond"/> allows.</exception>
    public void CountEmptyPacket()
    {
        if (_emptyPackets?.TryTake() == false)
        {
            EndFor(MtaTlsSessionLimit.MaxEmptyPacketsPerSecond, "The peer sent more packets that carry nothing than MaxEmptyPacketsPerSecond allows.");
        }
    }

    /// <summary>Counts a data packet that carries only a few bytes.</summary>
    /// <exception cref="MtaTlsProtocolException">The peer has sent more of them than <see cref="MtaTlsSessionLimits.MaxSmallPacketsPerSecond"/> allows.</exception>
    public void CountSmallPacket()
    {
        if (_smallPackets?.TryTake() == false)
        {
            EndFor(MtaTlsSessionLimit.MaxSmallPacketsPerSecond, "The peer sent more small data packets than MaxSmallPacketsPerSecond allows.");
        }
    }

    private void CountAcknowledgment()
    {
        if (_acknowledgments?.TryTake() == false)
        {
            EndFor(MtaTlsSessionLimit.MaxAcknowledgmentsPerSecond, "The peer sent more acknowledgments than MaxAcknowledgmentsPerSecond allows.");
        }
    }

    [DoesNotReturn]
    private void EndFor(MtaTlsSessionLimit limit, string reason)
    {
        _session.Counters.CountExceeded(limit);
        throw new MtaTlsProtocolException(reason, limit);
    }

    private void Free(MtaTlsChannel channel)
    {
        _lastFound = null;
        lock (_registry.Gate)
        {
            _registry.Table.Free(channel);
        }
    }
}
